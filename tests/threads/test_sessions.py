"""The session lifecycle: modes, order of steps, two sessions on one thread."""

import logging
import re

import pytest

from zeitlich_store import ConflictError, HotTierUnavailableError, ThreadNotFoundError

M1, M2, M3 = ({"id": f"m{n}", "n": n} for n in (1, 2, 3))


async def make(bench, *messages, state=None):
    """An archived thread."""
    async with bench.other().session(bench.id) as thread:
        await thread.append(*messages)
        thread.state.update(state or {})


async def test_a_new_thread_begins_empty_and_is_archived_and_evicted_on_leaving(bench):
    async with bench.store.session(bench.id) as thread:
        assert thread.state == {}
        assert await thread.load() == []
        await thread.append(M1)
    assert (await bench.archived()).dedup_ids == ("m1",)
    assert not await bench.store.thread(bench.id).exists()


async def test_the_order_is_hydrate_load_state_save_state_flush(bench):
    await make(bench, M1, state={"n": 1})
    bench.calls.clear()
    async with bench.store.session(bench.id, mode="continue") as thread:
        assert thread.state == {"n": 1}
        bench.calls.append("body")
        thread.state["n"] = 2
    assert bench.calls == [
        *("status", "read", "restore", "load_state", "body"),
        *("save_state", "export", "write", "evict"),
    ]
    assert (await bench.archived()).state == '{"n":2}'


async def test_a_session_that_changes_nothing_uploads_nothing(bench):
    await make(bench, M1, state={"n": 1})
    bench.calls.clear()
    async with bench.store.session(bench.id) as thread:
        assert await thread.length() == 1
    assert bench.puts() == 0
    assert "save_state" not in bench.calls
    assert not await bench.store.thread(bench.id).exists()


async def test_changing_only_the_state_is_archived(bench):
    await make(bench, M1)
    async with bench.store.session(bench.id) as thread:
        thread.state["done"] = True
    assert (await bench.archived()).state == '{"done":true}'
    async with bench.store.session(bench.id) as thread:
        assert thread.state == {"done": True}
        thread.state.clear()
    assert (await bench.archived()).state == "{}"


async def test_continue_needs_a_thread_in_either_tier(bench):
    session = bench.store.session(bench.id, mode="continue")
    with pytest.raises(ThreadNotFoundError, match="neither tier"):
        await session.__aenter__()
    await bench.store.thread(bench.id).initialize()
    async with bench.store.session(bench.id, mode="continue") as thread:
        assert await thread.append(M1) == 1


async def test_auto_continues_a_hot_thread(bench):
    hot = bench.store.thread(bench.id)
    await hot.initialize()
    await hot.append(M1)
    await hot.save_state({"a": 1})
    async with bench.store.session(bench.id) as thread:
        assert await thread.load() == [M1]
        assert thread.state == {"a": 1}


async def test_new_discards_what_is_hot_and_replaces_the_archive(bench):
    await make(bench, M1, M2, state={"old": 1})
    await bench.store.thread(bench.id).hydrate()
    await bench.store.thread(bench.id).append(M3)
    async with bench.store.session(bench.id, mode="new") as thread:
        assert await thread.load() == []
        assert thread.state == {}
        await thread.append(M1)
    assert (await bench.archived()).messages == ('{"id":"m1","n":1}',)
    assert (await bench.archived()).state is None


async def test_without_an_id_a_session_makes_a_short_random_one(bench):
    async with bench.store.session() as one, bench.store.session(mode="new") as two:
        assert one.id != two.id
        assert re.fullmatch(r"[A-Za-z0-9]{12}", one.id)


@pytest.mark.parametrize("new_id", [None, "given"])
async def test_a_fork_continues_a_copy_and_the_source_is_never_changed(bench, new_id):
    await make(bench, M1, M2, state={"n": 1})
    source = await bench.archived()
    new_id = new_id and f"{new_id}-{bench.id}"
    async with bench.store.session(bench.id, mode="fork", new_id=new_id) as fork:
        assert fork.id == (new_id or fork.id) != bench.id
        assert fork.state == {"n": 1}
        assert await fork.append(M2, M3) == 1
        fork.state["n"] = 2
    assert await bench.archived() == source
    assert not await bench.store.thread(bench.id).exists()
    assert len((await bench.archived(fork.id)).messages) == 3
    assert (await bench.archived(fork.id)).state == '{"n":2}'
    contents = await bench.store.read(bench.id)
    assert contents.messages == [M1, M2]
    assert contents.state == {"n": 1}


async def test_a_fork_of_nothing_and_one_to_an_existing_thread_are_refused(bench):
    with pytest.raises(ThreadNotFoundError):
        await bench.store.session(bench.id, mode="fork").__aenter__()
    await make(bench, M1)
    with pytest.raises(ConflictError, match="exists already"):
        await bench.store.session(bench.id, mode="fork", new_id=bench.id).__aenter__()
    await bench.store.thread(bench.id).flush()
    await bench.store.thread(f"{bench.id}-b").initialize()
    with pytest.raises(ConflictError, match="exists already"):
        await bench.store.session(bench.id, mode="fork", new_id=f"{bench.id}-b").__aenter__()


async def test_a_fork_to_an_archived_thread_is_refused(bench):
    await make(bench, M1)
    async with bench.other().session(f"{bench.id}-b") as other:
        await other.append(M2)
    with pytest.raises(ConflictError, match="exists already"):
        await bench.store.session(bench.id, mode="fork", new_id=f"{bench.id}-b").__aenter__()
    assert (await bench.archived(f"{bench.id}-b")).dedup_ids == ("m2",)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"mode": "old"}, "known are auto, new, continue, fork"),
        ({"mode": "continue"}, "needs the id"),
        ({"mode": "fork"}, "needs the id"),
        ({"thread_id": "t", "new_id": "u"}, 'mode="fork" alone'),
    ],
)
async def test_a_wrong_session_is_a_value_error_without_io(bench, arguments, problem):
    with pytest.raises(ValueError, match=problem):
        bench.store.session(**arguments)
    assert bench.calls == []


async def test_a_session_goes_on_where_anothers_exit_archived_the_thread(bench):
    async with bench.store.session(bench.id) as one:
        await one.append(M1)
        async with bench.other().session(bench.id) as two:
            await two.append(M2)
        assert not await bench.store.thread(bench.id).exists()
        assert await one.append(M2, M3) == 1
        assert await one.load() == [M1, M2, M3]
    assert (await bench.archived()).dedup_ids == ("m1", "m2", "m3")


@pytest.mark.parametrize("step", ["load", "length", "fork", "save_state"])
async def test_every_step_hydrates_again_where_it_has_to(bench, step):
    async with bench.store.session(bench.id) as one:
        await one.append(M1)
        await bench.other().thread(bench.id).flush()
        await getattr(one, step)(*([{"s": 1}] if step == "save_state" else []))
        assert await bench.store.thread(bench.id).exists()


async def test_the_retry_after_hydrating_again_has_the_same_operation_id(bench):
    """Where the first try did land, a message without id is stored once."""
    async with bench.store.session(bench.id) as one:
        await one.append(M1)

        async def land_and_vanish():
            raise ThreadNotFoundError("as if another had archived the thread")

        bench.hot.after["append"] = land_and_vanish
        await one.append("no id")
        assert await one.load() == [M1, "no id"]


async def test_a_session_that_others_are_faster_than_each_time_is_told_to_retry(bench):
    flush = bench.other().thread(bench.id).flush
    async with bench.store.session(bench.id) as one:
        await one.append(M1)
        bench.hot.before["append"] = [flush] * 5
        with pytest.raises(HotTierUnavailableError, match="4 times in a row; retry"):
            await one.append(M2)
        assert await one.append(M2) == 1
    assert (await bench.archived()).dedup_ids == ("m1", "m2")


async def test_where_two_sessions_change_the_state_the_last_to_leave_wins_and_says_so(
    bench, caplog
):
    caplog.set_level(logging.WARNING, "zeitlich_store")
    async with bench.store.session(bench.id) as one:
        one.state["who"] = "one"
        async with bench.other().session(bench.id) as two:
            two.state["who"] = "two"
        assert caplog.records == []
    assert (await bench.archived()).state == '{"who":"one"}'
    assert "two sessions changed its state" in caplog.text


async def test_a_session_whose_thread_it_deleted_leaves_nothing_behind(bench):
    async with bench.store.session(bench.id) as thread:
        await thread.append(M1)
        thread.state["a"] = 1
        await thread.delete()
        with pytest.raises(ThreadNotFoundError):
            await thread.append(M2)
    assert await bench.archived() is None
    assert not await bench.store.thread(bench.id).exists()
