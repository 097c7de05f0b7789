"""Messages and states nobody should send: an error that changes nothing, or the very same bytes."""

import collections
import json

import pytest

from zeitlich_store import ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.codecs import ZstdCodec
from zeitlich_store.testing.hot_suite_tools import new_ref


class Hostile:
    def __str__(self):
        raise KeyError("str")

    __repr__ = __str__


class Items(dict):
    def items(self):
        raise KeyError("items")

    __iter__ = keys = items


def circle():
    found = []
    found.append(found)
    return {"a": found}


def deep(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


REFUSED = {
    "NaN": lambda: {"n": float("nan")},
    "infinity": lambda: {"n": float("inf")},
    "deep": lambda: deep(100_000),
    "a circle": circle,
    "5,000 digits": lambda: {"n": 10**5000},
    "bytes": lambda: {"b": b"x"},
    "a set": lambda: {"s": {1}},
    "a hostile object": lambda: {"o": Hostile()},
    "a hostile key": lambda: {Hostile(): 1},
    "a tuple for a key": lambda: {(1, 2): 1},
    "bytes for a key": lambda: {b"k": 1},
    "a dict that fails": lambda: Items(a=1),
    "a complex number": lambda: {"c": 1j},
}
KEPT = {
    "lone surrogates": {"t": "\ud800 \udfff", "\udc00": 1},
    "__proto__": {"__proto__": {"x": 1}, "constructor": None},
    "NUL": {"t": "\0\x01\x1f\x7f\x9f\u2028\u2029"},
    "numbers": {"n": [2**63, -(2**64), 1e308, 5e-324, 0.1, -0.0, 10**300]},
    "empty": {"": ""},
    "RTL": {"\u202e": "\u200f\ufeff\U0001f600"},
    "a subclass": collections.OrderedDict(b=1, a=2),
    "nested": deep(200),
    "large": {"t": "x" * 3_000_000},
}
TEXTS = [
    '{"a":NaN}',
    '{"a":1,"a":2}',
    "[" * 50_000 + "]" * 50_000,
    "9" * 5000,
    '"\\ud800"',
    "",
    "\0",
    "not JSON",
    '{"a": 1e999}',
    "\ufeff{}",
    "\r\n",
    '{"id":"\x00"}',
]


@pytest.fixture
async def store(hot):
    return await ThreadStore(
        hot, ObjectArchive(MemoryObjectStore(new_ref().id), ZstdCodec())
    ).open()


@pytest.mark.parametrize("how", REFUSED)
async def test_what_is_no_json_is_refused_and_changes_nothing(store, how):
    thread = store.thread(new_ref().id)
    await thread.initialize()
    await thread.append({"id": "m"})
    await thread.save_state({"s": 1})
    value = REFUSED[how]()
    for step in (
        lambda: thread.append({"id": "new"}, value),
        lambda: thread.replace_all(value),
        lambda: thread.save_state(value),
    ):
        with pytest.raises((TypeError, ValueError, KeyError)) as caught:
            await step()
        assert not isinstance(caught.value, KeyError) or how == "a dict that fails"
    assert await thread.load() == [{"id": "m"}]
    assert await thread.load_state() == {"s": 1}
    await thread.drop_hot()


@pytest.mark.parametrize("state", [None, 1, "x", b"{}", [], [("a", 1)], Hostile()])
async def test_a_state_is_a_dict_or_refused(store, state):
    thread = store.thread(new_ref().id)
    await thread.initialize()
    with pytest.raises(TypeError, match="a state is a dict"):
        await thread.save_state(state)
    assert await thread.load_state() is None
    await thread.drop_hot()


@pytest.mark.parametrize("how", KEPT)
async def test_what_is_json_comes_back_as_it_was(store, how):
    name = new_ref().id
    async with store.session(name) as thread:
        await thread.append(KEPT[how])
        thread.state["kept"] = KEPT[how]
    found = await store.read(name)
    assert json.dumps(found.messages) == json.dumps([KEPT[how]])
    assert json.dumps(found.state) == json.dumps({"kept": KEPT[how]})


async def test_any_text_comes_back_byte_for_byte(store):
    name = new_ref().id
    how = {"id_of": None, "serialize": str, "deserialize": str}
    async with store.session(name, **how) as thread:
        await thread.append(*TEXTS)
    assert (await store.read(name, deserialize=str)).messages == TEXTS
    async with store.session(name) as thread:  # whose id_of cannot read most of them
        await thread.append({"id": "later"})
    assert (await store.read(name, deserialize=str)).messages == [*TEXTS, '{"id":"later"}']


async def test_keys_that_are_no_text_become_text_as_json_has_them(store):
    name = new_ref().id
    async with store.session(name) as thread:
        await thread.append({1: "a", None: "b", 2.5: "c"})
    assert (await store.read(name)).messages == [{"1": "a", "null": "b", "2.5": "c"}]
