"""The blocking store: the same surface on a background loop, from any thread."""

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from zeitlich_store import SessionThread, Thread, ThreadNotFoundError, ThreadStore
from zeitlich_store.sync import (
    BlockingSessionThread,
    BlockingStore,
    BlockingThread,
    open_store_sync,
)

RENAMED = {"aclose": "close"}


@pytest.fixture
def store(tmp_path):
    with open_store_sync("memory://", f"file://{tmp_path}") as store:
        yield store


@pytest.mark.parametrize(
    ("waiting", "blocking"),
    [
        (ThreadStore, BlockingStore),
        (Thread, BlockingThread),
        (SessionThread, BlockingSessionThread),
    ],
)
def test_every_public_method_has_its_counterpart(waiting, blocking):
    inside = {"enter_state", "leave_state", "fork_session", "hot", "cold"}
    public = {name for name in dir(waiting) if not name.startswith("_")} - inside
    assert {RENAMED.get(name, name) for name in public} <= set(dir(blocking))
    for name in public:
        found = getattr(blocking, RENAMED.get(name, name))
        assert not inspect.iscoroutinefunction(found)


def test_a_session_works_without_await(store):
    with store.session("t") as thread:
        assert thread.append({"id": "a"}, {"id": "a"}) == 1
        thread.state["n"] = 1
        thread.state = {"n": 2}
    found = store.read("t")
    assert (found.messages, found.state, found.tier) == ([{"id": "a"}], {"n": 2}, "cold")
    assert [row.ref.id for row in store.list().threads] == ["t"]
    assert store.stat("t").archived_generation == 1
    assert [row.ok for row in store.verify()] == [True]
    assert [str(row.status) for row in store.convert(format="v2")] == ["already"]
    assert len(store.salvage("t").messages) == 1
    store.delete("t")
    with pytest.raises(ThreadNotFoundError):
        store.read("t")


def test_a_thread_has_the_same_methods(store):
    thread = store.thread("t")
    assert thread.initialize()
    thread.append({"id": "a"}, {"id": "b"}, {"id": "c"})
    assert thread.truncate_from_id("c") == 1
    assert (thread.length(), thread.load(last=1)) == (2, [{"id": "b"}])
    thread.save_state({"x": 1})
    assert thread.load_state() == {"x": 1}
    thread.delete_state()
    fork = thread.fork("u")
    assert (fork.id, fork.key, fork.exists()) == ("u", "messages", True)
    thread.replace_all({"id": "z"})
    assert str(thread.flush().status) == "archived"
    assert thread.hydrate().messages == 1
    assert thread.drop_hot()
    assert str(fork.resolve("hot").status) == "archived"
    fork.delete()


def test_an_exception_in_the_body_goes_on_after_the_flush(store):
    with pytest.raises(RuntimeError, match="mine"), store.session("t") as thread:
        thread.append({"id": "a"})
        raise RuntimeError("mine")
    assert store.read("t").tier == "cold"


def test_many_threads_share_one_store(store):
    def work(n):
        with store.session(f"t-{n % 4}") as thread:
            thread.append({"id": f"m{n}"})

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(64)))
    stored = [m["id"] for n in range(4) for m in store.read(f"t-{n}").messages]
    assert sorted(stored) == sorted(f"m{n}" for n in range(64))


def test_all_blocking_stores_use_one_thread(tmp_path):
    stores = [open_store_sync("memory://", f"file://{tmp_path}/{n}") for n in range(3)]
    for store in stores:
        store.open()
    assert [t.name for t in threading.enumerate()].count("zeitlich-store") == 1
    for store in stores:
        store.close()


async def test_it_works_beside_a_running_loop(store):
    def work():
        with store.session("t") as thread:
            return thread.append({"id": "a"})

    assert await asyncio.to_thread(work) == 1


def test_an_iteration_given_up_early_is_closed(store):
    for name in "abc":
        with store.session(name) as thread:
            thread.append({"id": "m"})
    rows = store.verify()
    assert next(rows).ok
    rows.close()
