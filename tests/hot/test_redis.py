"""What is special about the hot tier on Redis: expiry, scripts, staging, clients."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from zeitlich_store.backends import redis_wire as wire
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.errors import HotTierUnavailableError
from zeitlich_store.keys import THREAD_TTL_SECONDS
from zeitlich_store.models import Base, Entry, Snapshot, ThreadRef
from zeitlich_store.testing.hot_suite_tools import (
    CHANGES,
    archive,
    make,
    new_op,
    new_ref,
)

from .operations import OPERATIONS, whole

CLEAN_MS = 5_000_000
DIRTY_MS = THREAD_TTL_SECONDS * 1000
LARGE = [Entry(f"{at:08d}" * 128, f"id{at}") for at in range(9 * 1024)]


@pytest.fixture
async def hot(redis_server) -> AsyncIterator[RedisHotTier]:
    tier = RedisHotTier.from_url(redis_server.url, ttl_seconds=CLEAN_MS // 1000)
    await tier.open()
    yield tier
    await tier.aclose()


# -- expiry ----------------------------------------------------------------------------------------


async def left(hot: RedisHotTier, ref: ThreadRef) -> int:
    """Milliseconds the thread has left: the same for each of its keys."""
    async with hot.client.pipeline(transaction=True) as pipe:
        for key in wire.thread_keys(ref)[:4]:
            pipe.pttl(key)
        ttls = [ttl for ttl in await pipe.execute() if ttl != -2]
    assert max(ttls) - min(ttls) <= 5
    return max(ttls)


async def nearly_expired(hot: RedisHotTier, ref: ThreadRef) -> None:
    for at, key in enumerate(wire.thread_keys(ref)[:4]):
        await hot.client.pexpire(key, 60_000 + 1000 * at)


def is_ttl(found: int, expected: int) -> bool:
    return expected - 600_000 < found <= expected


@pytest.mark.parametrize("name", CHANGES)
async def test_every_change_renews_the_one_expiry_of_all_keys(hot, name):
    ref = await make(hot, "m0", "m1", state='{"other":1}')
    await nearly_expired(hot, ref)
    await CHANGES[name](hot, ref, new_op())
    assert is_ttl(await left(hot, ref), DIRTY_MS)


async def test_a_new_thread_and_a_fork_live_as_long_as_dirty_ones(hot):
    ref, target = await make(hot), new_ref()
    assert is_ttl(await left(hot, ref), DIRTY_MS)
    source = await make(hot, "m0", state="{}")
    await nearly_expired(hot, source)
    await hot.fork(source, target, op=new_op())
    assert is_ttl(await left(hot, target), DIRTY_MS)


@pytest.mark.parametrize(("dirty", "expected"), [(False, CLEAN_MS), (True, DIRTY_MS)])
async def test_a_restored_thread_lives_for_the_ttl_unless_it_is_dirty(hot, dirty, expected):
    ref = new_ref()
    snapshot = Snapshot(messages=("a", "b"), state="{}", ids=(("a", 0),))
    await hot.restore(ref, snapshot, base=None, gate="", op=new_op(), dirty=dirty)
    assert is_ttl(await left(hot, ref), expected)


async def test_a_thread_kept_by_a_flush_lives_for_the_ttl_and_its_gate_an_hour_longer(hot):
    ref = await make(hot, "m0", state="{}")
    await archive(hot, ref, keep=True)
    assert is_ttl(await left(hot, ref), CLEAN_MS)
    gate = await hot.client.pttl(wire.thread_keys(ref)[4])
    assert is_ttl(gate, CLEAN_MS + 3_600_000)
    await CHANGES["append"](hot, ref, new_op())
    assert is_ttl(await left(hot, ref), DIRTY_MS)


@pytest.mark.parametrize("how", ["evict", "drop", "delete"])
async def test_a_gate_outlives_the_hot_copy_by_an_hour(hot, how):
    ref = await make(hot, "m0")
    await (archive(hot, ref) if how == "evict" else getattr(hot, how)(ref, op=new_op()))
    assert is_ttl(await hot.client.pttl(wire.thread_keys(ref)[4]), 3_600_000)


async def test_a_later_gate_never_shortens_an_earlier_one(hot):
    ref = await make(hot)
    await archive(hot, ref, keep=True)
    await hot.drop(ref, op=new_op())
    assert is_ttl(await hot.client.pttl(wire.thread_keys(ref)[4]), CLEAN_MS + 3_600_000)


# -- scripts and staging ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_operation_works_on_a_server_that_forgot_the_scripts(hot, name):
    known, flushed = await whole(hot), await whole(hot)
    expected = await OPERATIONS[name](known)
    await hot.client.script_flush()
    found = await OPERATIONS[name](flushed)
    assert type(found) is type(expected)
    if name not in {"info", "export"}:  # these name the thread and its revision
        assert found == expected


async def keys_of(hot: RedisHotTier) -> set[bytes]:
    return {key async for key in hot.client.scan_iter(count=1000)}


def _append(hot, ref):
    return hot.append(ref, LARGE, op=new_op())


def _replace(hot, ref):
    return hot.replace_all(ref, LARGE, op=new_op())


def _restore(hot, ref):
    snapshot = Snapshot(
        messages=tuple(entry.raw for entry in LARGE),
        ids=tuple((entry.id, at) for at, entry in enumerate(LARGE)),
    )
    return hot.restore(ref, snapshot, base=None, gate="", op=new_op())


STAGED: dict[str, Callable[..., Awaitable]] = {
    "append": _append,
    "replace": _replace,
    "restore": _restore,
}


@pytest.mark.parametrize("name", STAGED)
async def test_a_staged_write_leaves_nothing_but_the_threads_own_keys(hot, name):
    before = await keys_of(hot)
    ref = new_ref() if name == "restore" else await make(hot)
    await STAGED[name](hot, ref)
    meta, messages, _, ids, _ = (key.encode() for key in wire.thread_keys(ref))
    assert await keys_of(hot) - before == {meta, messages, ids}
    assert is_ttl(await left(hot, ref), CLEAN_MS if name == "restore" else DIRTY_MS)


@pytest.mark.parametrize("name", STAGED)
async def test_a_staged_write_that_lost_a_chunk_changes_nothing(hot, name, monkeypatch):
    ref = new_ref() if name == "restore" else await make(hot, "m0")
    before = await hot.read(ref)
    stage = hot._calls.stage

    async def losing(*args, **kwargs):
        keys = await stage(*args, **kwargs)
        assert await hot.client.delete(keys[0]) == 1
        return keys

    monkeypatch.setattr(hot._calls, "stage", losing)
    with pytest.raises(HotTierUnavailableError, match="staged"):
        await STAGED[name](hot, ref)
    assert await hot.read(ref) == before


async def test_staged_chunks_that_are_never_published_expire(hot):
    keys = await hot._calls.stage(new_ref(), [b"x", b"y"], [b"0", b"a"])
    for key in keys:
        assert is_ttl(await hot.client.pttl(key), wire.STAGE_MS)


async def test_a_threads_whole_life_leaves_nothing_but_its_gate(hot):
    before, ref = await keys_of(hot), await make(hot, "m0", state="{}")
    snapshot = (await archive(hot, ref)).snapshot
    gate = (await hot.status(ref)).gate
    await hot.restore(ref, snapshot, base=Base("t1", 1), gate=gate, op=new_op())
    await hot.delete(ref, op=new_op())
    await hot.finish_delete(ref, op=new_op(), tokens=["t1"], write_ids=[])
    key = wire.thread_keys(ref)[4]
    assert await keys_of(hot) - before == {key.encode()}
    assert await hot.client.pttl(key) > 0


async def test_a_listing_passes_over_keys_that_are_no_threads(hot):
    key = new_op()
    await hot.client.set(f"zs:{{{key}:not-ours}}:meta", "x")
    await hot.initialize(ThreadRef(key, "t"), op=new_op(), gate="")
    rows, cursor = await hot.scan(key=key, limit=100_000)
    assert ([row.ref.id for row in rows], cursor) == (["t"], "")
