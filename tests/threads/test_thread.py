"""The Thread handle: what each call promises, on both hot tiers."""

import math

import pytest

from zeitlich_store import ConfigurationError, ThreadNotFoundError, ThreadStore, open_store
from zeitlich_store.backends.memory_hot import MemoryHotTier

M1, M2, M3 = ({"id": f"m{n}"} for n in (1, 2, 3))


@pytest.fixture
async def thread(bench):
    thread = bench.store.thread(bench.id)
    await thread.initialize()
    return thread


async def test_initialize_again_wipes_nothing(thread):
    await thread.append(M1)
    assert await thread.initialize() is False
    assert await thread.load() == [M1]


async def test_initialize_with_replace_begins_anew(thread):
    await thread.append(M1)
    assert await thread.initialize(replace=True) is True
    assert await thread.load() == []
    assert await thread.append(M1) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.append(M1),
        lambda t: t.load(),
        lambda t: t.length(),
        lambda t: t.replace_all(M1),
        lambda t: t.truncate_from_id("m1"),
        lambda t: t.fork(),
        lambda t: t.save_state({}),
    ],
)
async def test_messages_of_a_thread_that_is_not_hot_are_not_found(bench, call):
    with pytest.raises(ThreadNotFoundError, match="not hot") as caught:
        await call(bench.store.thread(bench.id))
    assert isinstance(caught.value, KeyError)
    assert not str(caught.value).startswith("'")


async def test_the_state_of_a_thread_that_is_not_hot_is_none_and_deleting_succeeds(bench):
    thread = bench.store.thread(bench.id)
    assert await thread.load_state() is None
    await thread.delete_state()
    await thread.delete()
    assert await thread.drop_hot() is False


async def test_append_counts_what_is_new_each_on_its_own_also_inside_a_batch(thread):
    assert await thread.append(M1, M2, M1) == 2
    assert await thread.append(M2, M3, {"no": "id"}, {"no": "id"}) == 3
    assert await thread.append() == 0
    assert await thread.load() == [M1, M2, M3, {"no": "id"}, {"no": "id"}]


async def test_load_last_gives_the_end(thread):
    await thread.append(M1, M2, M3)
    assert await thread.load(last=2) == [M2, M3]
    assert await thread.load(last=9) == [M1, M2, M3]
    assert await thread.load(last=0) == []
    with pytest.raises(ValueError, match="negative"):
        await thread.load(last=-1)
    for wrong in (True, "2", 1.5):
        with pytest.raises(TypeError, match="int or None"):
            await thread.load(last=wrong)


async def test_truncate_removes_the_message_and_all_after_it(thread):
    await thread.append(M1, {"no": "id"}, M2, M3)
    assert await thread.truncate_from_id("m2") == 2
    assert await thread.truncate_from_id("m2") == 0
    assert await thread.load() == [M1, {"no": "id"}]
    assert await thread.append(M3) == 1
    assert await thread.truncate_from_id("m1") == 3
    assert await thread.length() == 0


@pytest.mark.parametrize("message_id", ["", None, 7])
async def test_truncate_needs_a_real_id(thread, message_id):
    with pytest.raises(ValueError, match="non-empty str"):
        await thread.truncate_from_id(message_id)


async def test_replace_all_replaces_and_refuses_repeated_ids(thread):
    await thread.append(M1, M2)
    await thread.save_state({"kept": 1})
    with pytest.raises(ValueError, match="'m3'"):
        await thread.replace_all(M3, M1, M3)
    assert await thread.load() == [M1, M2]
    await thread.replace_all(M3, {"no": "id"}, {"no": "id"})
    assert await thread.load() == [M3, {"no": "id"}, {"no": "id"}]
    assert await thread.append(M1, M3) == 1
    assert await thread.load_state() == {"kept": 1}
    await thread.replace_all()
    assert await thread.length() == 0


async def test_without_id_of_nothing_is_deduplicated_and_nothing_truncated(bench, thread):
    plain = bench.store.thread(bench.id, id_of=None)
    assert await plain.append(M1, M1) == 2
    with pytest.raises(ValueError, match="id_of"):
        await plain.truncate_from_id("m1")


@pytest.mark.parametrize("message", [{"id": ""}, {"id": 7}, {"id": None}, "text", 7, None, [M1]])
async def test_an_id_that_is_no_non_empty_string_is_no_id(thread, message):
    assert await thread.append(message, message) == 2
    assert await thread.load() == [message, message]


async def test_opaque_strings_come_back_exactly(bench):
    raws = ["", "not json", '{"id" : "x",\n "n":1e400}', "\x00\ud800\U0001f680", '{"id":"y"}' * 2]
    thread = bench.store.thread(bench.id, serialize=str, deserialize=str, id_of=None)
    await thread.initialize()
    await thread.append(*raws)
    assert await thread.load() == raws
    await thread.flush()
    await thread.hydrate()
    assert await thread.load() == raws


async def test_json_values_survive_flush_and_hydrate(thread):
    messages = [{"n": 2**70, "t": "\ud800 é \u2028"}, [1.5, None, True], {"id": "\ud83d\ude00"}]
    await thread.append(*messages)
    await thread.flush()
    await thread.hydrate()
    again = await thread.load()
    assert again[:2] == messages[:2]
    assert await thread.append(*messages[2:]) == 0


class Odd:
    """Not serialisable."""


@pytest.mark.parametrize(
    ("options", "message", "error", "text"),
    [
        ({}, Odd(), TypeError, "message 1 cannot be serialised"),
        ({}, {"n": math.nan}, ValueError, "message 1 cannot be serialised"),
        ({"serialize": lambda _: 1 / 0}, M2, ValueError, "message 0 cannot be serialised"),
        ({"serialize": lambda _: b"bytes"}, M2, TypeError, "serialize returned bytes"),
        ({"id_of": lambda m: m["nope"]}, M2, ValueError, "message 0: id_of failed: KeyError"),
        ({"id_of": lambda m: ""}, M2, ValueError, "empty string"),
        ({"id_of": lambda m: 7}, M2, TypeError, "id_of returned int"),
    ],
)
async def test_a_bad_message_is_named_and_nothing_of_its_batch_is_stored(
    bench, thread, options, message, error, text
):
    handle = bench.store.thread(bench.id, **options)
    for step in (handle.append, handle.replace_all):
        with pytest.raises(error, match=text):
            await step(M1, message, M3)
    assert await thread.load() == []


async def test_a_message_that_cannot_be_read_back_is_an_error_that_names_it(bench, thread):
    await bench.store.thread(bench.id, serialize=str, id_of=None).append("{", "1")
    with pytest.raises(ValueError, match="message 0 of those loaded"):
        await thread.load()
    assert await thread.load(last=1) == [1]


async def test_state_is_a_json_object_saved_loaded_and_deleted(thread):
    assert await thread.load_state() is None
    await thread.save_state({"a": [1, {"b": None}]})
    assert await thread.load_state() == {"a": [1, {"b": None}]}
    for wrong, error in (
        ([1], TypeError),
        ({"a": Odd()}, TypeError),
        ({"a": math.inf}, ValueError),
    ):
        with pytest.raises(error):
            await thread.save_state(wrong)
    assert await thread.load_state() == {"a": [1, {"b": None}]}
    await thread.delete_state()
    assert await thread.load_state() is None


async def test_a_fork_has_messages_ids_and_state_and_goes_its_own_way(bench, thread):
    await thread.append(M1, M2)
    await thread.save_state({"n": 1})
    fork = await thread.fork()
    assert fork.key == thread.key
    assert await fork.load_state() == {"n": 1}
    assert await fork.append(M1, M3) == 1
    await fork.truncate_from_id("m2")
    assert await fork.load() == [M1]
    assert await thread.load() == [M1, M2]


async def test_delete_removes_the_thread_from_both_tiers(bench, thread):
    await thread.append(M1)
    await thread.flush(delete_hot=False)
    await thread.delete()
    assert await bench.archived() is None
    assert not await thread.exists()
    assert await thread.initialize()
    assert await thread.load() == []


async def test_drop_hot_goes_back_to_the_archive(thread):
    await thread.append(M1)
    await thread.flush(delete_hot=False)
    await thread.append(M2)
    assert await thread.drop_hot()
    await thread.hydrate()
    assert await thread.load() == [M1]


async def test_threads_of_two_keys_never_meet(bench, thread):
    other = bench.store.thread(bench.id, key="other")
    await other.initialize()
    await other.append(M1)
    assert await thread.append(M1) == 1
    await other.delete()
    assert await thread.load() == [M1]


async def test_a_store_that_is_not_open_says_how_to_open_it():
    store = ThreadStore(MemoryHotTier(), None)
    with pytest.raises(ConfigurationError, match="async with"):
        store.thread("t")
    with pytest.raises(ConfigurationError, match="async with"):
        await store.list()


async def test_without_a_cold_tier_hydrate_and_flush_do_nothing():
    async with open_store("memory://", "none") as store:
        async with store.session("t") as thread:
            await thread.append(M1)
        thread = store.thread("t")
        assert (await thread.flush()).hot
        assert (await thread.hydrate()).found
        assert await thread.load() == [M1]
        assert (await store.list()).threads[0].ref.id == "t"
        assert (await store.stat("t")).archived_bytes is None
        await thread.drop_hot()
        assert not (await thread.hydrate()).found
        with pytest.raises(ThreadNotFoundError):
            await store.read("t")
