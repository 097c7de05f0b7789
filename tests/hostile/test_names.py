"""Every name is its own thread in every backend, whatever it looks like, or is refused at once."""

import enum
import secrets

import pytest

from zeitlich_store import ThreadRef, open_store
from zeitlich_store.codecs import ZstdCodec
from zeitlich_store.keys import v2_path
from zeitlich_store.models import Outcome, Snapshot, Version
from zeitlich_store.testing.hot_suite_tools import content, make, new_op

from .backends import COLD, DIRECT, RELAYED, REMOTE, scanned
from .catalogue import NAMES, NOT_NAMES, NOT_TEXT, shown

BYSTANDER = ThreadRef("messages", "bystander")


def holding(ref):
    """A snapshot no other thread has."""
    return Snapshot(messages=(f'{{"id":"m","of":{ascii(str(ref))!r}}}',), ids=(("m", 0),))


def has_place(archive, ref):
    try:
        archive.check(ref)
    except ValueError:
        return False
    return True


async def listed(archive, key):
    return {row.ref for row in await archive.list(key=key, limit=1000)}


def test_the_catalogue_names_each_thread_once():
    assert len(set(NAMES)) == len(NAMES) > 120


# -- cold -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [name for name in COLD if name not in REMOTE], indirect=True)
@pytest.mark.parametrize("name", NAMES, ids=shown)
async def test_an_archive_is_its_own_threads_and_nothing_else_is_touched(
    place, archive, format_name, name
):
    refs = [ThreadRef("messages", name), ThreadRef(name, "t"), ThreadRef(name, name)]
    await archive.write(BYSTANDER, holding(BYSTANDER), expected=Version.ABSENT)
    before = await place.objects()
    kept = [ref for ref in refs if has_place(archive, ref)]
    assert format_name == "v1" or kept == refs
    for ref in refs:
        if ref not in kept:
            with pytest.raises(ValueError, match="format v1 has no path"):
                await archive.write(ref, holding(ref), expected=Version.ABSENT)
    assert await place.objects() == before
    for ref in kept:
        await archive.write(ref, holding(ref), expected=Version.ABSENT)
    assert len(await place.objects()) == len(kept) + 1
    for ref in kept:
        assert (await archive.read(ref)).snapshot.messages == holding(ref).messages
        assert ref in await listed(archive, ref.key)
    assert [row.problem async for row in archive.verify()] == [""] * (len(kept) + 1)
    for ref in kept:
        assert len(await archive.delete(ref)) == 1
    assert await place.objects() == before


async def test_all_names_together_are_as_many_threads(place, archive):
    refs = [ref for name in NAMES if has_place(archive, ref := ThreadRef("messages", name))]
    for ref in refs:
        await archive.write(ref, holding(ref), expected=Version.ABSENT)
    found = await place.objects()
    assert len(found) == len(refs)
    assert all(path.startswith("threads/") for path in found)
    for ref in refs:
        assert (await archive.read(ref)).snapshot.messages == holding(ref).messages
    assert await listed(archive, "messages") == set(refs)
    for ref in refs[1:]:
        assert len(await archive.delete(ref)) == 1
    assert await listed(archive, "messages") == {refs[0]}


def test_on_a_file_system_without_case_v2_still_keeps_twins_apart():
    paths = [v2_path("threads", ThreadRef("k", name)) for name in NAMES]
    folded = {path.casefold() for path in paths}
    assert len(folded) == len(NAMES)
    assert all(path.isascii() and not path.endswith((".", " ")) for path in paths)


# -- hot ------------------------------------------------------------------------------------------


async def is_its_own(hot, name, bystander):
    area = secrets.token_hex(4)
    refs = [ThreadRef(area, name), ThreadRef(name, area), ThreadRef(name, name)]
    for ref in refs:
        await hot.drop(ref, op=new_op())
        gate = (await hot.status(ref)).gate
        assert await hot.initialize(ref, op=new_op(), gate=gate) is Outcome.OK
        assert await scanned(hot, ref.key) == [ref]
        assert await hot.which_hot(refs) == {ref}
        assert await hot.drop(ref, op=new_op())
        assert not (await hot.status(ref)).hot
    assert (await content(hot, bystander)).state == '{"b":1}'


@pytest.mark.parametrize("hot", DIRECT, indirect=True)
@pytest.mark.parametrize("name", NAMES, ids=shown)
async def test_a_hot_thread_is_its_own_and_nothing_else_is_touched(hot, name):
    await is_its_own(hot, name, await make(hot, "z", state='{"b":1}'))


@pytest.mark.parametrize("hot", RELAYED, indirect=True)
async def test_each_hot_thread_is_its_own_and_nothing_else_is_touched(hot):
    bystander = await make(hot, "z", state='{"b":1}')
    for name in NAMES:
        await is_its_own(hot, name, bystander)


async def test_all_names_together_are_as_many_hot_threads(hot):
    key = secrets.token_hex(8)
    refs = [ThreadRef(key, name) for name in NAMES]
    for number, ref in enumerate(refs):
        await hot.initialize(ref, op=new_op(), gate="")
        await hot.save_state(ref, f'{{"n":{number}}}', op=new_op())
    for number, ref in enumerate(refs):
        assert await hot.load_state(ref) == f'{{"n":{number}}}'
    assert set(await scanned(hot, key, limit=50)) == set(refs)
    for ref in refs:
        await hot.drop(ref, op=new_op())


# -- refused --------------------------------------------------------------------------------------

CALLS = {
    "thread": lambda store, name: store.thread(name),
    "thread key": lambda store, name: store.thread("t", key=name),
    "session": lambda store, name: store.session(name),
    "verify": lambda store, name: store.verify(name),
    "convert": lambda store, name: store.convert(name, format="v2"),
    "read": lambda store, name: store.read(name),
    "stat": lambda store, name: store.stat(name),
    "list": lambda store, name: store.list(key=name),
    "delete": lambda store, name: store.delete(name),
    "salvage": lambda store, name: store.salvage(name),
    "fork": lambda store, name: store.thread("t").fork(name),
}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (call, name)
        for call in CALLS
        for name in [*NOT_NAMES, *NOT_TEXT]
        if name is not None or call not in {"session", "verify", "convert", "fork"}
    ],
    ids=shown,
)
async def test_what_is_no_name_is_refused_before_anything_happens(call, name):
    async with open_store("memory://", f"memory://{secrets.token_hex(8)}") as store:
        await store.thread("t").initialize()
        error = ValueError if isinstance(name, str) else TypeError
        with pytest.raises(error, match=r"thread (id|key)"):
            await CALLS[call](store, name)
        assert [info.ref.id for info in (await store.list()).threads] == ["t"]
        assert await store.cold.store.list("") == []


class Kind(str, enum.Enum):  # noqa: UP042  # the older way, whose members format as Kind.AGENT
    AGENT = "agents"


class Loud(str):
    __slots__ = ()

    def __str__(self):
        return "someone else"

    def __format__(self, _):
        return "someone else"


@pytest.mark.parametrize("name", [Kind.AGENT, Loud("agents")])
async def test_a_name_of_a_class_of_its_own_is_its_text(name, format_name):
    assert ThreadRef(name, name) == ThreadRef("agents", "agents")
    assert str(ThreadRef(name, name)) == "agents/agents"
    cold = f"memory://{secrets.token_hex(8)}?format={format_name}"
    async with open_store("memory://", cold, codec=ZstdCodec()) as store:
        async with store.session(name, key=name) as thread:
            await thread.append({"id": "m"})
        assert (await store.read("agents", key="agents")).messages == [{"id": "m"}]
