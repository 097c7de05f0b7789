"""The blocking store: the same surface on a background loop, from any thread."""

import asyncio
import inspect
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from zeitlich_store import (
    ConfigurationError,
    SessionThread,
    Thread,
    ThreadNotFoundError,
    ThreadStore,
)
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


THREADS, EACH = 16, 40


@pytest.fixture(params=["memory", "redis"])
def shared(request, tmp_path):
    """A store that many threads share, on either hot tier."""
    redis = request.param == "redis"
    hot = request.getfixturevalue("redis_server").url if redis else "memory://"
    with open_store_sync(hot, f"file://{tmp_path}") as store:
        yield store


def at_once(work):
    """Run `work` in as many threads as there are, all beginning together."""
    start = threading.Barrier(THREADS)

    def run(n):
        start.wait()
        return work(n)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def own_order(messages):
    """What each writer wrote, in the order in which it is stored."""
    found = {}
    for message in messages:
        found.setdefault(message["by"], []).append(message["at"])
    return found


def test_of_many_threads_appending_to_one_nothing_is_lost_and_each_keeps_its_order(shared):
    name = uuid.uuid4().hex
    shared.thread(name).initialize()

    def work(n):
        thread = shared.thread(name)
        return sum(thread.append({"id": f"{n}-{at}", "by": n, "at": at}) for at in range(EACH))

    assert at_once(work) == [EACH] * THREADS
    shared.thread(name).flush()
    expected = {n: list(range(EACH)) for n in range(THREADS)}
    assert own_order(shared.read(name).messages) == expected


def test_of_many_threads_in_sessions_of_many_nothing_is_lost_and_each_keeps_its_order(shared):
    names = [uuid.uuid4().hex for _ in range(4)]

    def work(n):
        for at in range(8):
            with shared.session(names[(n + at) % 4]) as thread:
                thread.append({"id": f"{n}-{at}", "by": n, "at": at})

    at_once(work)
    for place, name in enumerate(names):
        wanted = {n: [at for at in range(8) if (n + at) % 4 == place] for n in range(THREADS)}
        assert own_order(shared.read(name).messages) == wanted


def append_until_closed(store, begun):
    """Append to a thread of one's own until that is refused: its name, how many, and why."""
    thread = store.thread(uuid.uuid4().hex)
    thread.initialize()
    begun.set()
    stored, refused = 0, None
    while refused is None:
        try:
            stored += thread.append({"id": f"m{stored}"})
        except ConfigurationError as exc:
            refused = str(exc)
    return thread.id, stored, refused


def test_closing_lets_what_is_under_way_end_and_takes_nothing_more(tmp_path, redis_server):
    store = open_store_sync(redis_server.url, f"file://{tmp_path}").open()
    begun = [threading.Event() for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        working = [pool.submit(append_until_closed, store, event) for event in begun]
        for event in begun:
            event.wait()
        store.close()
        ended = [each.result() for each in working]
    assert all("closed by now" in text for _, _, text in ended)
    with pytest.raises(ConfigurationError, match="not open"):
        store.thread("t")
    with store:
        for name, stored, _ in ended:
            assert store.thread(name).length() == stored
            store.delete(name)


def test_a_handle_and_a_session_that_outlive_their_store_say_so(tmp_path):
    store = open_store_sync("memory://", f"file://{tmp_path}")
    with pytest.raises(ConfigurationError, match="not open"):
        store.read("t")
    with store, store.session("t") as thread:
        thread.append({"id": "a"})
        session = store.session("u")
    for step in (thread.load, session.__enter__):
        with pytest.raises(ConfigurationError, match="closed by now"):
            step()
    store.close()  # once more does nothing


@pytest.fixture
def outlived(tmp_path):
    """A session that was entered, whose store has been closed since."""
    store = open_store_sync("memory://", f"file://{tmp_path}").open()
    session = store.session("t")
    thread = session.__enter__()
    thread.append({"id": "a"})
    thread.state["n"] = 1
    store.close()
    return session


def test_a_session_that_outlives_its_store_never_hides_what_its_body_raised(outlived, caplog):
    original = ValueError("mine")
    assert outlived.__exit__(ValueError, original, None) is False
    assert "closed by now" in original.__notes__[0]
    (told,) = [r.getMessage() for r in caplog.records if r.name == "zeitlich_store"]
    assert "leaving the session of thread messages/t failed" in told


def test_a_session_that_outlives_its_store_says_so_and_its_messages_are_archived(
    outlived, tmp_path
):
    with pytest.raises(ConfigurationError, match="closed by now"):
        outlived.__exit__(None, None, None)
    with open_store_sync("memory://", f"file://{tmp_path}") as store:
        found = store.read("t")
    assert (found.messages, found.state) == ([{"id": "a"}], None)


async def test_inside_a_running_loop_it_works_and_blocks_that_loop(store):
    with store.session("t") as thread:
        assert thread.append({"id": "a"}) == 1
    assert store.read("t").messages == [{"id": "a"}]


@pytest.mark.parametrize("call", [lambda store: store.read("t"), lambda store: store.close()])
def test_on_its_own_loop_it_is_refused_instead_of_waiting_for_itself(store, call):
    thread = store.thread("t", serialize=lambda message: call(store))
    thread.initialize()
    with pytest.raises(ValueError, match="its own event loop"):
        thread.append({"id": "a"})
    assert thread.length() == 0


def test_a_users_thread_may_have_the_name_of_the_loops(store):
    done = []
    work = threading.Thread(target=lambda: done.append(store.list()), name="zeitlich-store")
    work.start()
    work.join()
    assert not done[0].threads


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
