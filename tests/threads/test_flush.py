"""A flush loses nothing between the tiers, whoever acts at whichever step."""

from dataclasses import replace

import pytest

from zeitlich_store import (
    ColdTierUnavailableError,
    CorruptSnapshotError,
    FlushStatus,
    HotTierCorruptError,
    ThreadNotFoundError,
    ids_key,
    list_key,
    meta_key,
    state_key,
)

M1, M2, M3, M4 = ({"id": f"m{n}"} for n in (1, 2, 3, 4))


async def begin(bench, *messages):
    thread = bench.store.thread(bench.id)
    await thread.initialize()
    await thread.append(*messages)
    bench.calls.clear()
    return thread


def lost_reply(error=ColdTierUnavailableError):
    async def fail():
        raise error("the reply was lost")

    return fail


async def contents(bench):
    return (await bench.other().read(bench.id)).messages


async def test_a_flush_of_an_absent_thread_does_nothing(bench):
    result = await bench.store.thread(bench.id).flush()
    assert (result.status, result.hot, result.bytes) == (FlushStatus.NOTHING, False, 0)
    assert bench.calls == ["export"]


async def test_a_flush_uploads_once_and_evicts(bench):
    thread = await begin(bench, M1)
    result = await thread.flush()
    assert bench.calls == ["export", "write", "evict"]
    assert (result.status, result.messages, result.hot) == (FlushStatus.ARCHIVED, 1, False)
    assert result.bytes > 0
    assert not await thread.exists()


async def test_a_flush_of_a_clean_thread_uploads_nothing_and_evicts(bench):
    thread = await begin(bench, M1)
    await thread.flush()
    await thread.hydrate()
    bench.calls.clear()
    result = await thread.flush()
    assert bench.calls == ["export", "evict"]
    assert (result.status, result.bytes) == (FlushStatus.CLEAN, 0)
    assert not await thread.exists()


async def test_a_keeping_flush_leaves_the_thread_hot_and_clean(bench):
    thread = await begin(bench, M1)
    assert (await thread.flush(delete_hot=False)).hot
    assert await thread.load() == [M1]
    assert not (await bench.store.stat(bench.id)).hot.dirty
    await thread.append(M2)
    assert (await bench.store.stat(bench.id)).hot.dirty
    assert (await thread.flush(delete_hot=False)).status is FlushStatus.ARCHIVED
    assert (await thread.flush(delete_hot=False)).status is FlushStatus.CLEAN
    assert (await thread.flush()).status is FlushStatus.CLEAN
    assert await contents(bench) == [M1, M2]


async def test_an_empty_thread_is_archived_as_empty(bench):
    thread = await begin(bench)
    assert (await thread.flush()).status is FlushStatus.ARCHIVED
    assert (await bench.archived()).messages == ()
    assert (await thread.hydrate()).found


@pytest.mark.parametrize(("tier", "step"), [("cold", "write"), ("hot", "evict")])
async def test_an_append_that_lands_during_a_flush_is_archived_by_the_next_round(bench, tier, step):
    thread = await begin(bench, M1)
    getattr(bench, tier).before[step] = lambda: bench.other().thread(bench.id).append(M2)
    result = await thread.flush()
    assert (result.status, result.rounds, result.messages) == (FlushStatus.ARCHIVED, 2, 2)
    assert (await bench.archived()).dedup_ids == ("m1", "m2")
    assert not await thread.exists()


async def test_a_flush_that_never_catches_up_says_so_and_loses_nothing(bench):
    thread = await begin(bench, M1)
    appended = iter(range(100))

    async def another():
        await bench.other().thread(bench.id).append({"id": f"x{next(appended)}"})

    bench.hot.before["evict"] = [another] * 10
    result = await thread.flush()
    assert (result.status, result.hot, result.rounds) == (FlushStatus.STILL_HOT, True, 4)
    assert bench.puts() == 4
    assert [m["id"] for m in await thread.load()] == ["m1", "x0", "x1", "x2", "x3"]
    assert (await bench.archived()).dedup_ids == ("m1", "x0", "x1", "x2")
    bench.hot.before.clear()
    assert (await thread.flush()).status is FlushStatus.ARCHIVED
    assert (await bench.archived()).dedup_ids == ("m1", "x0", "x1", "x2", "x3")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failed_put_leaves_the_thread_hot_and_a_retry_archives_it_once(bench, when):
    thread = await begin(bench, M1)
    getattr(bench.cold, when)["write"] = lost_reply()
    with pytest.raises(ColdTierUnavailableError):
        await thread.flush()
    assert await thread.load() == [M1]
    assert (await bench.archived() is None) == (when == "before")
    assert (await thread.flush()).status is FlushStatus.ARCHIVED
    assert (await bench.archived()).dedup_ids == ("m1",)
    assert not await thread.exists()


async def test_what_is_appended_after_a_put_whose_reply_was_lost_is_archived_too(bench, caplog):
    thread = await begin(bench, M1)
    bench.cold.after["write"] = lost_reply()
    with pytest.raises(ColdTierUnavailableError):
        await thread.flush()
    await thread.append(M2)
    assert (await thread.flush()).status is FlushStatus.ARCHIVED
    assert await contents(bench) == [M1, M2]
    assert caplog.records == []


async def test_an_archive_of_another_writer_is_replaced_with_a_warning(v1_bench, caplog):
    bench = v1_bench
    thread = await begin(bench, M1)
    foreign = b'{"v":1,"messages":["foreign"],"state":null,"dedupIds":[]}'
    await bench.cold.inner.store.put(f"threads/messages/{bench.id}.json.gz", foreign)
    await thread.flush()
    assert await contents(bench) == [M1]
    assert "replacing an archive this copy was not made from" in caplog.text


async def test_a_flush_that_is_refused_every_time_gives_way_and_stays_hot(v1_bench):
    bench = v1_bench
    thread = await begin(bench, M1)
    store, path = bench.cold.inner.store, f"threads/messages/{bench.id}.json.gz"
    foreign = iter(range(99))

    async def overtake():
        text = b'{"v":1,"messages":["%d"],"state":null,"dedupIds":[]}' % next(foreign)
        await store.put(path, text)

    bench.cold.before["write"] = [overtake] * 99
    result = await thread.flush()
    assert (result.status, result.hot, result.rounds) == (FlushStatus.STILL_HOT, True, 0)
    assert bench.puts() == 16
    assert await thread.load() == [M1]
    await thread.drop_hot()


async def test_a_crash_between_put_and_evict_loses_nothing(bench):
    thread = await begin(bench, M1)
    bench.hot.before["evict"] = lost_reply(RuntimeError)
    with pytest.raises(RuntimeError):
        await thread.flush()
    assert await thread.load() == [M1]
    await thread.append(M2)
    await thread.flush()
    assert await contents(bench) == [M1, M2]


async def come_back(bench):
    """Another client archives the thread, hydrates it and appends: as many changes as before."""
    other = bench.other().thread(bench.id)
    await other.flush()
    await other.hydrate()
    await other.append(M3)


async def test_a_flusher_stalled_before_its_put_brings_no_older_version_back(bench):
    thread = await begin(bench, M1)
    bench.cold.before["write"] = lambda: come_back(bench)
    await thread.flush()
    assert await contents(bench) == [M1, M3]
    assert (await bench.archived()).dedup_ids == ("m1", "m3")


async def test_a_flusher_stalled_before_its_put_spares_what_another_archived(bench):
    thread = await begin(bench, M1)

    async def come_and_go():
        await come_back(bench)
        await bench.other().thread(bench.id).flush()

    bench.cold.before["write"] = come_and_go
    assert (await thread.flush()).status is FlushStatus.GONE
    assert await contents(bench) == [M1, M3]


async def test_a_stalled_evict_of_another_incarnation_with_an_equal_counter_evicts_nothing(bench):
    thread = await begin(bench, M1)
    hot, ref = bench.hot.inner, thread.ref
    export = await hot.export(ref)
    base = await _write(bench, ref, export)
    await come_back(bench)
    now = (await hot.info(ref)).revision
    assert now.partition(":")[2] == export.revision.partition(":")[2]
    assert now != export.revision
    outcome = await hot.evict(ref, export, base=base, head=export.write_id)
    assert outcome.value == "changed"
    assert (await hot.info(ref)).revision == now
    assert await thread.load() == [M1, M3]


async def _write(bench, ref, export):
    from zeitlich_store.models import Base, Version

    version = replace(export.snapshot, generation=1, write_id=export.write_id)
    written = await bench.cold.inner.write(ref, version, expected=Version.ABSENT)
    return Base(written.token, 1)


async def test_a_flusher_stalled_before_its_evict_keeps_what_another_appended(bench):
    thread = await begin(bench, M1)
    bench.hot.before["evict"] = lambda: come_back(bench)
    await thread.flush()
    assert await contents(bench) == [M1, M3]


async def test_a_flush_overtaken_by_a_delete_resurrects_nothing(bench):
    for tier, step in ((bench.cold, "write"), (bench.hot, "evict")):
        thread = await begin(bench, M1)
        tier.before[step] = lambda: bench.other().thread(bench.id).delete()
        assert (await thread.flush()).status is FlushStatus.GONE
        assert await bench.archived() is None
        with pytest.raises(ThreadNotFoundError):
            await bench.store.read(bench.id)


async def test_two_flushers_of_one_content_never_undo_each_other(bench):
    """Equal content has an equal token in v1: an undo must not take it for its own."""
    thread = await begin(bench, M1)
    bench.cold.after["write"] = lambda: bench.other().thread(bench.id).flush()
    await thread.flush()
    assert await contents(bench) == [M1]
    assert (await bench.archived()).dedup_ids == ("m1",)


async def test_a_damaged_archive_is_never_overwritten_by_a_flush(bench):
    thread = await begin(bench, M1)
    path = f"threads/v2/messages/{bench.id}/head.zt2"
    await bench.cold.inner.store.put(path, b"\x1f\x8b damaged")
    with pytest.raises(CorruptSnapshotError, match=bench.id):
        await thread.flush()
    assert (await bench.cold.inner.store.get(path)).data == b"\x1f\x8b damaged"
    assert await thread.load() == [M1]
    await thread.drop_hot()


@pytest.mark.parametrize("key", [list_key, meta_key, state_key, ids_key])
async def test_a_flush_of_a_thread_redis_evicted_a_part_of_refuses(redis_bench, key):
    bench = redis_bench
    thread = await begin(bench, M1)
    await thread.save_state({"a": 1})
    await thread.flush(delete_hot=False)
    archived = await bench.archived()
    await thread.append(M2)
    await bench.hot.inner.client.delete(key("messages", bench.id))
    for step in (thread.flush, thread.hydrate, thread.load, thread.length, thread.load_state):
        with pytest.raises(HotTierCorruptError, match="drop_hot"):
            await step()
    with pytest.raises(HotTierCorruptError):
        await bench.store.read(bench.id)
    assert await bench.archived() == archived
    assert await thread.drop_hot()
    await thread.hydrate()
    assert await thread.load() == [M1]
    assert await thread.load_state() == {"a": 1}
