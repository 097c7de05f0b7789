"""The store across both tiers: read, list, stat, expiry."""

import uuid

import pytest

from zeitlich_store import ThreadNotFoundError, ThreadRef, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.plain import JsonCodec

M1, M2, M3 = ({"id": f"m{n}"} for n in (1, 2, 3))


async def test_read_takes_the_tier_that_has_it_and_changes_neither(bench):
    with pytest.raises(ThreadNotFoundError, match="neither tier"):
        await bench.store.read(bench.id)
    async with bench.store.session(bench.id) as thread:
        await thread.append(M1, M2, M3)
        thread.state["n"] = 1
        thread_view = await bench.store.read(bench.id, last=1)
        assert (thread_view.tier, thread_view.messages, thread_view.state) == ("hot", [M3], None)
    bench.calls.clear()
    view = await bench.store.read(bench.id)
    assert (view.tier, view.messages, view.state) == ("cold", [M1, M2, M3], {"n": 1})
    assert [(await bench.store.read(bench.id, last=n)).messages for n in (0, 2, 9)] == [
        [],
        [M2, M3],
        [M1, M2, M3],
    ]
    assert set(bench.calls) == {"read", "dead_writes"}
    assert not await bench.store.thread(bench.id).exists()


async def test_stat_tells_of_both_tiers(bench):
    thread = bench.store.thread(bench.id)
    with pytest.raises(ThreadNotFoundError):
        await bench.store.stat(bench.id)
    await thread.initialize()
    await thread.append(M1, M2)
    stat = await bench.store.stat(bench.id)
    assert (stat.hot.messages, stat.hot.dirty, stat.archived_messages) == (2, True, None)
    assert 89 * 86400 < stat.hot.expires_in <= 90 * 86400
    await thread.flush(delete_hot=False)
    stat = await bench.store.stat(bench.id)
    assert (stat.hot.dirty, stat.archived_messages) == (False, 2)
    assert 0 < stat.hot.expires_in <= 86400
    assert stat.archived_bytes > 0
    await thread.flush()
    assert (await bench.store.stat(bench.id)).hot is None


async def all_pages(store, **options):
    page = await store.list(**options)
    pages = [page]
    while page.cursor is not None:
        page = await store.list(cursor=page.cursor, **options)
        pages.append(page)
    return pages


async def test_list_pages_through_hot_and_archived_threads(bench):
    key = f"k{uuid.uuid4().hex}"
    for n in range(7):
        async with bench.store.session(f"cold-{n}", key=key) as thread:
            await thread.append(M1)
    await bench.store.thread("cold-3", key=key).hydrate()
    for n in range(3):
        await bench.store.thread(f"hot-{n}", key=key).initialize()
    pages = await all_pages(bench.store, key=key, limit=3)
    assert all(page.threads for page in pages[:-1])
    rows = {row.ref.id: row for page in pages for row in page.threads}
    assert sum(len(page.threads) for page in pages) == len(rows) == 10
    assert [name for name, row in rows.items() if row.hot and row.archived] == ["cold-3"]
    assert sorted(n for n, row in rows.items() if not row.archived) == ["hot-0", "hot-1", "hot-2"]
    assert rows["cold-0"].size > 0
    assert rows["cold-0"].modified > 1_700_000_000
    assert not any(page.threads for page in await all_pages(bench.store, key=key + "x"))
    for n in range(3):
        await bench.store.thread(f"hot-{n}", key=key).drop_hot()


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": True}, {"cursor": "x"}, {"key": ""}])
async def test_a_wrong_listing_is_a_value_error(bench, arguments):
    with pytest.raises(ValueError, match=r"limit|cursor|thread key"):
        await bench.store.list(**arguments)


async def test_delete_removes_from_both_tiers(bench):
    async with bench.store.session(bench.id) as thread:
        await thread.append(M1)
    await bench.store.delete(bench.id)
    await bench.store.delete(bench.id)
    assert await bench.archived() is None


async def test_in_memory_a_clean_thread_expires_and_a_dirty_one_lives_longer():
    now = [0.0]
    hot = MemoryHotTier(ttl_seconds=10, dirty_ttl_seconds=100, clock=lambda: now[0])
    cold = ObjectArchive(MemoryObjectStore(uuid.uuid4().hex), JsonCodec())
    async with ThreadStore(hot, cold) as store:
        thread = store.thread("t")
        await thread.initialize()
        now[0] += 90
        await thread.append(M1)
        now[0] += 90
        assert await thread.load() == [M1]
        await thread.flush(delete_hot=False)
        now[0] += 9
        assert await thread.exists()
        now[0] += 1
        assert not await thread.exists()
        await thread.hydrate()
        now[0] += 10
        assert not await thread.exists()
        assert hot.dirty_threads() == []


async def test_in_memory_gates_that_expired_are_swept():
    now = [0.0]
    hot = MemoryHotTier(clock=lambda: now[0])
    async with ThreadStore(hot, None) as store:
        for n in range(3000):
            now[0] += 10
            await store.thread(f"t{n}").initialize()
            await store.thread(f"t{n}").drop_hot()
    assert len(hot._gates._gates) == 0
    for n in range(3000):
        now[0] += 10
        hot._gates.close(ThreadRef("messages", f"t{n}"), [])
    assert len(hot._gates._gates) < 2000


def test_a_repr_shows_what_the_store_is_called():
    store = ThreadStore(MemoryHotTier(), None, name_hot="memory://", name_cold="none")
    assert repr(store) == "ThreadStore(hot='memory://', cold='none')"
