"""What a session does when something fails: it always flushes, and never hides the first error."""

import asyncio
import logging

import pytest

from zeitlich_store import ColdTierUnavailableError, HotTierUnavailableError

M1 = {"id": "m1"}


class BodyError(Exception):
    """What the body of a session raised."""


def failing(error):
    async def fail():
        raise error

    return fail


async def test_a_session_saves_and_flushes_after_an_exception(bench):
    with pytest.raises(BodyError):
        async with bench.store.session(bench.id) as thread:
            await thread.append(M1)
            thread.state["n"] = 1
            raise BodyError
    found = await bench.archived()
    assert found.dedup_ids == ("m1",)
    assert found.state == '{"n":1}'


async def test_a_session_flushes_after_a_cancellation(waiting_bench):
    entered = asyncio.Event()

    async def work():
        async with waiting_bench.store.session(waiting_bench.id) as thread:
            await thread.append(M1)
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await waiting_bench.archived()).dedup_ids == ("m1",)


async def test_a_session_flushes_also_where_saving_the_state_failed(bench):
    error = HotTierUnavailableError("no reply")
    with pytest.raises(HotTierUnavailableError) as caught:
        async with bench.store.session(bench.id) as thread:
            await thread.append(M1)
            thread.state["n"] = 1
            bench.hot.before["save_state"] = failing(error)
    assert caught.value is error
    assert (await bench.archived()).dedup_ids == ("m1",)


async def test_a_state_that_is_not_json_is_raised_and_the_messages_are_archived(bench):
    with pytest.raises(TypeError, match="not JSON serializable"):
        async with bench.store.session(bench.id) as thread:
            await thread.append(M1)
            thread.state["bad"] = object()
    assert (await bench.archived()).dedup_ids == ("m1",)


async def test_a_failing_flush_is_raised_and_the_thread_stays_hot(bench):
    error = ColdTierUnavailableError("no bucket today")
    with pytest.raises(ColdTierUnavailableError) as caught:
        async with bench.store.session(bench.id) as thread:
            await thread.append(M1)
            bench.cold.before["write"] = failing(error)
    assert caught.value is error
    assert await bench.store.thread(bench.id).load() == [M1]
    await bench.store.thread(bench.id).flush()
    assert (await bench.archived()).dedup_ids == ("m1",)


async def test_the_original_exception_survives_a_failing_flush_and_tells_of_it(bench, caplog):
    original = BodyError("first")
    with pytest.raises(BodyError) as caught:
        async with bench.store.session(bench.id) as thread:
            await thread.append(M1)
            bench.cold.before["write"] = failing(ColdTierUnavailableError("second"))
            raise original
    assert caught.value is original
    assert len(original.__notes__) == 1
    assert "second" in original.__notes__[0]
    assert any("second" in r.getMessage() for r in caplog.records if r.levelno == logging.ERROR)


async def test_of_two_failures_the_first_is_raised_and_the_second_noted(bench):
    with pytest.raises(HotTierUnavailableError) as caught:
        async with bench.store.session(bench.id) as thread:
            thread.state["n"] = 1
            await thread.append(M1)
            bench.hot.before["save_state"] = failing(HotTierUnavailableError("first"))
            bench.cold.before["write"] = failing(ColdTierUnavailableError("second"))
    assert "second" in caught.value.__notes__[0]


async def test_an_exception_with_two_failures_has_two_notes(bench):
    with pytest.raises(BodyError) as caught:
        async with bench.store.session(bench.id) as thread:
            thread.state["n"] = 1
            bench.hot.before["save_state"] = failing(HotTierUnavailableError("first"))
            bench.cold.before["write"] = failing(ColdTierUnavailableError("second"))
            raise BodyError
    assert ["first" in caught.value.__notes__[0], "second" in caught.value.__notes__[1]] == [
        True
    ] * 2


async def test_closing_a_store_archives_what_a_private_hot_tier_holds():
    from zeitlich_store import open_store

    async with open_store("memory://", "memory://closing") as store:
        for name in ("a", "b"):
            await store.thread(name).initialize()
            await store.thread(name).append(M1)
    async with open_store("memory://", "memory://closing") as store:
        assert [(await store.read(name)).messages for name in ("a", "b")] == [[M1], [M1]]


async def test_a_store_that_cannot_archive_on_closing_names_the_threads_and_closes_all_the_same():
    from .conftest import Bench, MemoryHotTier, ObjectArchive
    from .conftest import GzipCodec as Gzip
    from .conftest import MemoryObjectStore as Objects

    bench = Bench(MemoryHotTier(), ObjectArchive(Objects("failing-close"), Gzip()))
    closed = []

    async def note_closing():
        closed.append(True)

    await bench.store.open()
    for name in ("a", "b"):
        await bench.store.thread(name).initialize()
    bench.cold.before["write"] = [failing(ColdTierUnavailableError("gone"))] * 8
    bench.cold.aclose = note_closing
    with pytest.raises(ColdTierUnavailableError) as caught:
        await bench.store.aclose()
    assert caught.value.__notes__ == ["not archived: messages/a, messages/b"]
    assert closed == [True]
    await bench.store.aclose()


async def test_closing_after_an_exception_notes_what_closing_raised():
    from .conftest import Bench, MemoryHotTier, ObjectArchive
    from .conftest import GzipCodec as Gzip
    from .conftest import MemoryObjectStore as Objects

    bench = Bench(MemoryHotTier(), ObjectArchive(Objects("failing-close-2"), Gzip()))
    with pytest.raises(BodyError) as caught:
        async with bench.store:
            await bench.store.thread("a").initialize()
            bench.cold.before["write"] = failing(ColdTierUnavailableError("gone"))
            raise BodyError
    assert "gone" in caught.value.__notes__[0]
