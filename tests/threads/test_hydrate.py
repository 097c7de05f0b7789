"""Hydrate brings back the newest archive, or nothing, or an error; never an older version."""

import pytest

from zeitlich_store import (
    ConflictError,
    CorruptSnapshotError,
    HotTierUnavailableError,
    HydrateStatus,
    Snapshot,
    ThreadNotFoundError,
    apply_snapshot,
    clear_hot_tier,
    encode_snapshot,
)
from zeitlich_store.models import Outcome, Version

M1, M2, M3 = ({"id": f"m{n}"} for n in (1, 2, 3))


async def make(bench, *messages):
    async with bench.other().session(bench.id) as thread:
        await thread.append(*messages)


async def test_hydrate_restores_once_and_then_finds_it_hot(bench):
    await make(bench, M1, M2)
    thread = bench.store.thread(bench.id)
    first = await thread.hydrate()
    assert (first.status, first.messages, first.found) == (HydrateStatus.RESTORED, 2, True)
    assert first.bytes > 0
    assert (await thread.hydrate()).status is HydrateStatus.HOT
    assert bench.calls == ["status", "read", "restore", "status"]


async def test_hydrate_of_what_exists_nowhere_is_not_found(bench):
    result = await bench.store.thread(bench.id).hydrate()
    assert (result.status, result.found) == (HydrateStatus.NOT_FOUND, False)
    assert not await bench.store.thread(bench.id).exists()


async def test_ids_are_known_again_after_flush_and_hydrate(bench):
    await make(bench, M1, M2)
    thread = bench.store.thread(bench.id)
    await thread.hydrate()
    assert await thread.append(M1, M3, M2, M3) == 1
    assert await thread.truncate_from_id("m2") == 2
    assert await thread.load() == [M1]


async def test_a_hydrate_overtaken_by_anothers_hydrate_append_flush_does_not_publish_the_older(
    bench,
):
    await make(bench, M1)
    thread = bench.store.thread(bench.id)

    async def overtake():
        async with bench.other().session(bench.id) as other:
            await other.append(M2)

    bench.hot.before["restore"] = overtake
    assert (await thread.hydrate()).messages == 2
    assert await thread.load() == [M1, M2]


async def test_a_hydrate_overtaken_by_a_keeping_flush_and_an_expiry_starts_again(bench):
    await make(bench, M1)
    thread = bench.store.thread(bench.id)

    async def overtake():
        other = bench.other().thread(bench.id)
        await other.hydrate()
        await other.append(M2)
        await other.flush(delete_hot=False)
        if hasattr(bench.hot.inner, "client"):
            keys = [k async for k in bench.hot.inner.client.scan_iter(f"zs:{{messages:{bench.id}*")]
            await bench.hot.inner.client.delete(*(k for k in keys if not k.endswith(b":gate")))
        else:
            bench.hot.inner._records.clear()

    bench.hot.before["restore"] = overtake
    assert (await thread.hydrate()).messages == 2


async def test_a_hydrate_overtaken_by_a_delete_brings_nothing_back(bench):
    await make(bench, M1)
    thread = bench.store.thread(bench.id)
    bench.hot.before["restore"] = lambda: bench.other().thread(bench.id).delete()
    assert not (await thread.hydrate()).found
    assert not await thread.exists()


async def test_a_hydrate_that_is_overtaken_every_time_says_so(bench):
    await make(bench, M1)

    async def overtake():
        other = bench.other().thread(bench.id)
        await other.hydrate()
        await other.flush()

    bench.hot.before["restore"] = [overtake] * 9
    with pytest.raises(HotTierUnavailableError, match="retry"):
        await bench.store.thread(bench.id).hydrate()


async def test_a_copy_restored_during_a_delete_is_removed_by_its_second_half(bench):
    await make(bench, M1)
    bench.cold.before["delete"] = lambda: bench.other().thread(bench.id).hydrate()
    await bench.store.thread(bench.id).delete()
    assert not await bench.store.thread(bench.id).exists()
    assert await bench.archived() is None


async def test_initialize_of_an_archived_thread_hydrates_it(bench):
    await make(bench, M1)
    assert await bench.store.thread(bench.id).initialize() is False
    assert await bench.store.thread(bench.id).load() == [M1]


async def test_initialize_overtaken_by_anothers_whole_session_hides_nothing(bench):
    bench.hot.before["initialize"] = lambda: make(bench, M1)
    thread = bench.store.thread(bench.id)
    assert await thread.initialize() is False
    assert await thread.load() == [M1]


async def test_an_archive_written_by_a_dead_attempt_is_removed_and_not_restored(bench):
    """A put of a deleted thread that landed late."""
    await make(bench, M1)
    thread = bench.store.thread(bench.id)
    hot, cold = bench.hot.inner, bench.cold.inner
    await thread.hydrate()
    write_id = (await hot.export(thread.ref)).write_id
    await thread.delete()
    late = Snapshot(messages=("late",), write_id=write_id)
    await cold.write(thread.ref, late, expected=Version.ABSENT)
    with pytest.raises(ThreadNotFoundError):
        await bench.store.read(bench.id)
    with pytest.raises(ThreadNotFoundError):
        await bench.store.stat(bench.id)
    listed = {row.ref for row in (await bench.store.list(limit=1000)).threads}
    assert thread.ref not in listed
    assert not (await thread.hydrate()).found
    assert await cold.read(thread.ref) is None


async def test_a_damaged_archive_is_an_error_and_nothing_becomes_hot(bench):
    await make(bench, M1)
    path = f"threads/v2/messages/{bench.id}/head.zt2"
    data = (await bench.cold.inner.store.get(path)).data
    await bench.cold.inner.store.put(path, data[:-9])
    thread = bench.store.thread(bench.id)
    for step in (thread.hydrate, thread.initialize, lambda: bench.store.read(bench.id)):
        with pytest.raises(CorruptSnapshotError, match=bench.id):
            await step()
    with pytest.raises(CorruptSnapshotError):
        await thread.initialize(replace=True)
    assert not await thread.exists()


async def test_two_archives_of_one_thread_are_an_error_that_names_both(v1_bench):
    bench = v1_bench
    await make(bench, M1)
    path = f"threads/messages/{bench.id}.json"
    await bench.cold.inner.store.put(path, b'{"v":1,"messages":[],"state":null,"dedupIds":[]}')
    with pytest.raises(ConflictError, match="two archives"):
        await bench.store.thread(bench.id).hydrate()


async def test_fork_to_a_given_id_retried_finds_its_own_result(bench):
    thread = bench.store.thread(bench.id)
    await thread.initialize()
    await thread.append(M1)
    fork = await thread.fork(f"{bench.id}-b")
    again = await thread.fork(f"{bench.id}-b")
    assert await again.load() == [M1]
    await fork.append(M2)
    with pytest.raises(ConflictError):
        await thread.fork(f"{bench.id}-b")
    assert await fork.load() == [M1, M2]


async def test_the_helpers_move_a_snapshot_by_hand(bench):
    thread = bench.store.thread(bench.id)
    assert await encode_snapshot(bench.store, bench.id) is None
    await make(bench, M1)
    await thread.hydrate()
    snapshot = await encode_snapshot(bench.store, bench.id)
    assert snapshot.messages == ('{"id":"m1"}',)
    assert not await apply_snapshot(bench.store, bench.id, snapshot)
    assert await clear_hot_tier(bench.store, bench.id)
    assert not await clear_hot_tier(bench.store, bench.id)
    other = Snapshot(messages=('{"id":"m9"}',), state='{"a":1}', ids=(("m9", 0),))
    assert await apply_snapshot(bench.store, bench.id, other)
    assert await thread.append({"id": "m9"}) == 0
    await thread.flush()
    assert (await bench.archived()).messages == ('{"id":"m9"}',)
    with pytest.raises(ThreadNotFoundError):
        await thread.load()


async def test_outcomes_are_words_both_tiers_share():
    assert {outcome.value for outcome in Outcome} == {"ok", "hot", "stale", "dead", "not-hot"}
