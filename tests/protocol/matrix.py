"""The crash matrix: every operation, every request of it, every way a request can go wrong."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store import ConflictError, ThreadNotFoundError, ThreadStore, ZeitlichStoreError
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends import redis_scripts
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.testing.gated_redis import GatedRedis
from zeitlich_store.testing.gated_tiers import GatedConditionalStore
from zeitlich_store.testing.gates import CrashedError, FaultAt, open_gate

KINDS = ("fail", "crash", "lose")


def messages(*names):
    return [{"id": name, "text": f"text of {name}"} for name in names]


GONE = None
"""What is expected of a deleted thread."""


@dataclass(frozen=True)
class Operation:
    """What is done to which thread, and what then has to be there.

    `keeps`: messages that no fault may make disappear, also before the operation is run again.
    `kinds`: a new process that appends messages without ids cannot know them again.
    """

    scene: str
    act: Callable[[ThreadStore, str], Awaitable[object]]
    expected: tuple[str, ...] | None
    state: dict | None = None
    keeps: tuple[str, ...] = ()
    kinds: tuple[str, ...] = KINDS
    target: str = ""
    after: Callable | None = None


@dataclass
class Bench:
    """One Redis and one object store, reached through gates or freely."""

    pool: redis.asyncio.ConnectionPool
    objects: object

    def store(self, gate=open_gate, format_name="v2"):
        client = GatedRedis(connection_pool=self.pool)
        client.gate = gate
        objects = GatedConditionalStore(self.objects, gate)
        codec = GzipCodec() if format_name == "v1" else ZstdCodec()
        archive = ObjectArchive(objects, codec, format=format_name)
        store = ThreadStore(RedisHotTier(client), archive)
        store._open = True  # the tiers are open already, and stay it
        return store

    async def load_scripts(self):
        await redis_scripts.load_all(redis.asyncio.Redis(connection_pool=self.pool))


def redis_pool(server):
    return redis.asyncio.ConnectionPool.from_url(server.url, retry=Retry(NoBackoff(), 0))


# -- scenes ----------------------------------------------------------------------------------------


async def _scene(bench, name, thread_id):
    """A thread with m1, m2 and state {"n": 1} in the archive; `dirty` adds m3 in the hot tier."""
    kind, _, format_name = name.partition("/")
    if kind == "none":
        return
    thread = bench.store(format_name=format_name or "v2").thread(thread_id)
    await thread.initialize()
    await thread.append(*messages("m1", "m2"))
    await thread.save_state({"n": 1})
    if kind == "new":
        return
    await thread.flush()
    if kind in {"clean", "dirty", "conflict"}:
        await thread.hydrate()
    if kind in {"dirty", "conflict"}:
        await thread.append(*messages("m3"))
    if kind == "conflict":
        archive = bench.store().cold
        head = await archive.read(thread.ref)
        foreign = head.snapshot.__class__(messages=('{"id":"x","text":"foreign"}',), generation=2)
        await archive.write(thread.ref, foreign, expected=head.token)


# -- trials ----------------------------------------------------------------------------------------


async def count_requests(bench, operation):
    """The names of the requests of one undisturbed run."""
    gate = FaultAt(0, "fail")
    thread_id = uuid.uuid4().hex
    await _scene(bench, operation.scene, thread_id)
    await operation.act(bench.store(gate), thread_id)
    await _check(bench, operation, thread_id, "undisturbed")
    return gate.seen


async def trial(bench, operation, at, kind):
    """One fault; then, if the operation did not end well, one more run of it."""
    thread_id = uuid.uuid4().hex
    await _scene(bench, operation.scene, thread_id)
    gate = FaultAt(at, kind)
    try:
        await operation.act(bench.store(gate), thread_id)
    except (CrashedError, ZeitlichStoreError):
        if kind == "lose":
            raise  # the same request sent again has to get the same answer
        await _check_kept(bench, operation, thread_id, gate.seen)
        await operation.act(bench.store(), thread_id)
    await _check(bench, operation, thread_id, f"{kind} at {at}: {gate.seen}")


async def _check_kept(bench, operation, thread_id, what):
    found = await _read(bench, thread_id)
    kept = [m["id"] for m in found.messages] if found else []
    missing = [name for name in operation.keeps if name not in kept]
    assert not missing, (missing, what)
    assert len(set(kept)) == len(kept), what


async def _check(bench, operation, thread_id, what):
    """The same before and after one more flush and hydrate."""
    target = thread_id + operation.target
    for _ in range(2):
        found = await _read(bench, target)
        if operation.expected is None:
            assert found is None, what
        else:
            assert found is not None, what
            assert [m.get("id") or m["text"] for m in found.messages] == list(operation.expected), (
                what
            )
            assert found.state == operation.state, what
        if operation.after:
            await operation.after(bench, thread_id)
        with suppress(ThreadNotFoundError):
            await bench.store().thread(target).flush()


async def _read(bench, thread_id):
    try:
        return await bench.store().read(thread_id)
    except ThreadNotFoundError:
        return None


# -- operations ------------------------------------------------------------------------------------


def on_thread(step):
    return lambda store, thread_id: step(store.thread(thread_id))


async def _session(store, thread_id, *names, **options):
    async with store.session(thread_id, **options) as thread:
        await thread.append(*messages(*names))
        thread.state["n"] = 2


async def _fork(store, thread_id):
    async with store.session(thread_id, mode="fork", new_id=f"{thread_id}-fork") as fork:
        await fork.append(*messages("f1"))


async def _fork_again(store, thread_id):
    """What a caller does after a crash: the fork is there already, or it is made."""
    try:
        await _fork(store, thread_id)
    except ConflictError:
        async with store.session(f"{thread_id}-fork", mode="continue") as fork:
            await fork.append(*messages("f1"))


async def _no_v1_left(bench, thread_id):
    archive = bench.store().cold
    head = await archive.v2.head(bench.store().thread(thread_id).ref)
    assert head is not None


M3 = ("m1", "m2", "m3")
ONE, TWO = {"n": 1}, {"n": 2}
LARGE = [{"id": f"l{n}", "text": "x" * 2_000_000} for n in range(3)]
OPERATIONS = {
    "initialize": Operation("none", on_thread(lambda t: t.initialize()), ()),
    "initialize an archived thread": Operation(
        "archived", on_thread(lambda t: t.initialize()), ("m1", "m2"), ONE, ("m1", "m2")
    ),
    "initialize in place of a thread": Operation(
        "dirty", on_thread(lambda t: t.initialize(replace=True)), ()
    ),
    "initialize in place of an archived thread": Operation(
        "archived", on_thread(lambda t: t.initialize(replace=True)), ()
    ),
    "append": Operation(
        "dirty", on_thread(lambda t: t.append(*messages("m4", "m5"))), (*M3, "m4", "m5"), ONE, M3
    ),
    "append without ids": Operation(
        "dirty",
        on_thread(lambda t: t.append({"text": "no id"}, {"text": "another"})),
        (*M3, "no id", "another"),
        ONE,
        M3,
        ("fail", "lose"),
    ),
    "append in pieces": Operation(
        "dirty", on_thread(lambda t: t.append(*LARGE)), (*M3, "l0", "l1", "l2"), ONE, M3
    ),
    "flush a new thread": Operation(
        "new", on_thread(lambda t: t.flush()), ("m1", "m2"), ONE, ("m1", "m2")
    ),
    "flush": Operation("dirty", on_thread(lambda t: t.flush()), M3, ONE, M3),
    "flush and keep": Operation(
        "dirty", on_thread(lambda t: t.flush(delete_hot=False)), M3, ONE, M3
    ),
    "flush a clean thread": Operation(
        "clean", on_thread(lambda t: t.flush()), ("m1", "m2"), ONE, ("m1", "m2")
    ),
    "flush a v1 thread": Operation(
        "dirty/v1", on_thread(lambda t: t.flush()), M3, ONE, M3, after=_no_v1_left
    ),
    "hydrate": Operation(
        "archived", on_thread(lambda t: t.hydrate()), ("m1", "m2"), ONE, ("m1", "m2")
    ),
    "hydrate a v1 thread": Operation(
        "archived/v1", on_thread(lambda t: t.hydrate()), ("m1", "m2"), ONE, ("m1", "m2")
    ),
    "truncate": Operation(
        "dirty", on_thread(lambda t: t.truncate_from_id("m2")), ("m1",), ONE, ("m1",)
    ),
    "replace": Operation(
        "dirty", on_thread(lambda t: t.replace_all(*messages("r1", "r2"))), ("r1", "r2"), ONE
    ),
    "save the state": Operation("dirty", on_thread(lambda t: t.save_state({"n": 2})), M3, TWO, M3),
    "delete the state": Operation("dirty", on_thread(lambda t: t.delete_state()), M3, None, M3),
    "delete": Operation("dirty", on_thread(lambda t: t.delete()), GONE),
    "delete an archived thread": Operation("archived", on_thread(lambda t: t.delete()), GONE),
    "delete a v1 thread": Operation("dirty/v1", on_thread(lambda t: t.delete()), GONE),
    "drop": Operation("dirty", on_thread(lambda t: t.drop_hot()), ("m1", "m2"), ONE, ("m1", "m2")),
    "session": Operation("archived", lambda s, t: _session(s, t, "m3"), M3, TWO, ("m1", "m2")),
    "session on nothing": Operation("none", lambda s, t: _session(s, t, "m1"), ("m1",), TWO),
    "session mode new": Operation(
        "dirty", lambda s, t: _session(s, t, "n1", mode="new"), ("n1",), TWO
    ),
    "fork": Operation("dirty", _fork_again, (*M3, "f1"), ONE, M3, target="-fork"),
    "resolve for the hot version": Operation(
        "conflict", on_thread(lambda t: t.resolve("hot")), M3, ONE
    ),
    "resolve for the archive": Operation(
        "conflict", on_thread(lambda t: t.resolve("archive")), ("x",), None
    ),
}
