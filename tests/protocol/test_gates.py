"""The fault injection itself: each fault does what it says, at the request it is told."""

import asyncio

import pytest

from zeitlich_store import ColdTierUnavailableError, HotTierUnavailableError
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.plain import JsonCodec
from zeitlich_store.messages import MessageFormat
from zeitlich_store.models import ThreadRef
from zeitlich_store.session import Session
from zeitlich_store.testing.gated_redis import gated_redis_tier
from zeitlich_store.testing.gated_tiers import GatedConditionalStore, GatedHotTier, GatedObjectStore
from zeitlich_store.testing.gates import CrashedError, FaultAt
from zeitlich_store.testing.scheduler import Scheduler
from zeitlich_store.transfers import Transfers

SESSION = {
    "ref": ThreadRef("messages", "crashed"),
    "mode": "auto",
    "key": "messages",
    "new_id": None,
    "messages": MessageFormat(),
    "transfers": Transfers(),
}


class Counter:
    """A request that counts how often it took effect."""

    def __init__(self):
        self.done = 0

    async def __call__(self):
        self.done += 1
        return self.done


async def second(kind, request="store put", **options):
    """What becomes of the second of three requests, and how often it took effect."""
    gate, results, effects = FaultAt(2, kind, **options), [], []
    for _ in range(3):
        send = Counter()
        try:
            results.append(await gate(request, send))
        except (CrashedError, ColdTierUnavailableError, HotTierUnavailableError) as exc:
            results.append(type(exc))
        effects.append(send.done)
    after = (CrashedError, 0) if kind == "crash" else (1, 1)
    assert (results[0], effects[0], (results[2], effects[2])) == (1, 1, after)
    return results[1], effects[1]


async def test_fail_has_no_effect_and_is_the_tiers_own_error():
    assert await second("fail") == (ColdTierUnavailableError, 0)
    assert await second("fail", "redis append") == (HotTierUnavailableError, 0)


async def test_crash_takes_effect_and_no_handler_of_errors_catches_it():
    assert await second("crash") == (CrashedError, 1)
    assert not issubclass(CrashedError, Exception)


async def test_a_session_that_crashed_saves_and_flushes_nothing_on_its_way_out():
    hot, objects = MemoryHotTier(), MemoryObjectStore("crashed")
    gate = FaultAt(4, "crash")
    archive = ObjectArchive(GatedConditionalStore(objects, gate), JsonCodec(), legacy=False)
    with pytest.raises(CrashedError):
        async with Session(GatedHotTier(hot, gate), archive, **SESSION) as thread:
            thread.state["left"] = True
            await thread.append({"id": "a"})
    assert gate.seen == ["redis status", "store get", "redis initialize", "redis append"]
    view = await hot.read(SESSION["ref"])
    assert (view.messages, view.state) == (['{"id":"a"}'], None)
    assert await objects.list("") == []
    with pytest.raises(CrashedError):
        await archive.read(SESSION["ref"])


async def test_what_a_client_sends_beside_the_request_it_crashes_at_is_not_sent():
    gate, beside = FaultAt(1, "crash"), Counter()
    ends = await asyncio.gather(
        gate("store get", Counter()), gate("store get", beside), return_exceptions=True
    )
    assert [type(end) for end in ends] == [CrashedError, CrashedError]
    assert beside.done == 0


async def test_lose_takes_effect_twice_and_the_second_reply_counts():
    assert await second("lose") == (2, 2)


async def test_delay_lets_others_run_first():
    order = []

    async def slow():
        order.append("slow")

    async def other():
        order.append("other")

    await asyncio.gather(FaultAt(1, "delay", seconds=0.01)("store put", slow), other())
    assert order == ["other", "slow"]


async def test_answer_says_something_else_and_has_no_effect():
    assert await second("answer", reply=lambda: "a lie") == ("a lie", 0)


async def test_every_call_of_an_object_store_is_one_request():
    gate = FaultAt(0, "fail")
    store = GatedConditionalStore(MemoryObjectStore("gates"), gate)
    token = await store.put_if("a", b"1", expected=None)
    await store.put("a", b"2")
    await store.get("a")
    await store.get_range("a", 0, 1)
    await store.list("")
    await store.delete_if("a", expected=await store.put("a", b"3"))
    await store.delete("a")
    assert token
    assert [name.removeprefix("store ") for name in gate.seen] == [
        *("put_if", "put", "get", "get_range", "list", "put", "delete_if", "delete")
    ]
    assert not hasattr(GatedObjectStore(MemoryObjectStore("gates"), gate), "put_if")


async def test_every_script_and_transaction_of_redis_is_one_request(redis_server):
    gate, ref = FaultAt(0, "fail"), ThreadRef("messages", "gates")
    hot = gated_redis_tier(redis_server.url, gate)
    await hot.open()
    status = await hot.status(ref)
    await hot.initialize(ref, op="a1", gate=status.gate)
    await hot.export(ref)
    await hot.drop(ref, op="a2")
    await hot.aclose()
    loading, rights, *seen = gate.seen
    assert (loading, rights) == ("redis script load", "redis script")
    assert seen == [f"redis {name}" for name in ("status", "initialize", "export", "drop")]


async def test_a_hot_tier_of_any_kind_can_be_gated():
    gate = FaultAt(1, "fail")
    with pytest.raises(HotTierUnavailableError):
        await GatedHotTier(MemoryHotTier(), gate).status(ThreadRef("k", "t"))


async def run(seed):
    """Two clients of three requests each."""
    scheduler = Scheduler(seed, faults=("lost", "late", "crash"), budget=2)

    async def work(client):
        gate = scheduler.gate_of(client)
        for n in range(3):
            try:
                await gate(f"step {n}", Counter())
            except CrashedError:
                return

    clients = [scheduler.client(name) for name in "AB"]
    await scheduler.run([(client, lambda client=client: work(client)) for client in clients])
    return scheduler.trace


async def test_a_seed_gives_the_order_and_the_faults_back():
    traces = [await run(seed) for seed in range(40)]
    assert traces == [await run(seed) for seed in range(40)]
    assert len({tuple(trace) for trace in traces}) > 20
    assert any("[lost]" in line for trace in traces for line in trace)
    assert any("landed late" in line for trace in traces for line in trace)


async def test_a_client_that_fails_ends_the_run_with_its_error():
    scheduler = Scheduler(1)
    client = scheduler.client("A")

    async def work():
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await scheduler.run([(client, work)])
