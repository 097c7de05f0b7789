"""Fields of Redis that are not as we wrote them: told before anything is written or archived."""

import pytest
from redis.asyncio import RedisCluster

from zeitlich_store import HotTierCorruptError, ThreadRef, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.codecs import ZstdCodec
from zeitlich_store.keys import gate_key, scan_pattern
from zeitlich_store.testing.hot_suite_tools import new_op, new_ref

from ..hot.operations import OPERATIONS, whole
from .backends import HOT, RELAYED, opened, scanned

NO_NUMBERS = (b"", b"x", b"-1", b"1.0", b" 1", b"0x1", b"1e3", b"nan", b"inf", b"9" * 30, b"\xff")
FIELDS = {
    **dict.fromkeys(["ctr", "generation"], NO_NUMBERS),
    **dict.fromkeys(["n", "ns", "ni"], (*NO_NUMBERS, b"7", b"536870912")),
    "dirty": [b"", b"x", b"2", b"true", b"\xff"],
    "inc": [b""],
}
DAMAGE = [(name, value) for name, values in FIELDS.items() for value in values]
MISSING = [(name, None) for name in ("ctr", "generation", "n", "ns", "ni", "dirty")]
FEW = [("n", b"x"), ("dirty", b"\xff"), ("ctr", None)]
REDIS = [name for name in HOT if name != "memory"]


@pytest.fixture(params=REDIS)
async def tier(request):
    async with opened(HOT[request.param](request)) as tier:
        yield tier


@pytest.fixture
async def case(tier):
    return await whole(tier)


def tried(cases, few):
    """Row and case: a cluster and Sentinel, where the same scripts run, have to do with `few`."""
    return [(hot, *each) for hot in REDIS for each in (few if hot in RELAYED else cases)]


async def dump(case, *more):
    keys = [*case.keys.values(), gate_key(case.ref), *more]
    return {key: await case.hot.client.dump(key) for key in keys}


async def damage_meta(case, name, value):
    meta = case.keys["meta"]
    if value is None:
        assert await case.hot.client.hdel(meta, name) == 1
    else:
        await case.hot.client.hset(meta, name, value)


@pytest.mark.parametrize(
    ("tier", "name", "value"), tried([*DAMAGE, *MISSING], FEW), indirect=["tier"]
)
async def test_a_field_of_meta_that_is_not_ours_is_damage(case, name, value):
    await damage_meta(case, name, value)
    before = await dump(case)
    for operation in OPERATIONS:
        with pytest.raises(HotTierCorruptError, match=case.ref.id):
            await OPERATIONS[operation](case)
        assert await dump(case) == before, operation
    assert await case.hot.drop(case.ref, op=new_op())


async def test_a_thread_whose_mark_is_gone_is_not_freed_without_an_archive(case):
    objects = MemoryObjectStore(new_ref().id)
    store = await ThreadStore(case.hot, ObjectArchive(objects, ZstdCodec())).open()
    await case.hot.client.hset(case.keys["meta"], mapping={"dirty": "", "token": "t1"})
    with pytest.raises(HotTierCorruptError):
        await store.thread(case.ref.id, key=case.ref.key).flush()
    assert await objects.list("") == []
    assert await case.hot.client.llen(case.keys["list"]) == 2


@pytest.mark.parametrize("score", ["2", "1e300", "inf", "0.5", "-3", "-inf"])
async def test_an_id_without_a_message_is_damage(case, score):
    await case.hot.client.zadd(case.keys["ids"], {"m1": score})
    with pytest.raises(HotTierCorruptError, match="no message"):
        await case.hot.export(case.ref)
    before = await dump(case)
    if float(score) > 0:
        with pytest.raises(HotTierCorruptError, match="no message"):
            await case.hot.truncate_from_id(case.ref, "m1", op=new_op())
    assert await dump(case) == before


GATES = {
    "text": lambda client, key: client.set(key, "x"),
    "a list": lambda client, key: client.rpush(key, "x"),
    "a count that is none": lambda client, key: client.hset(key, "closed", "x"),
    "a count without end": lambda client, key: client.hset(key, "closed", "9" * 19),
}


@pytest.mark.parametrize("how", GATES)
async def test_a_damaged_gate_lets_nothing_happen_that_needs_it(case, how):
    gate = gate_key(case.ref)
    await case.hot.client.delete(gate)
    await GATES[how](case.hot.client, gate)
    before = await dump(case)
    reads = {"load", "load the last", "length", "load_state", "read", "info"}
    if isinstance(case.hot.client, RedisCluster):
        reads.add("fork from it")  # to another slot: the source is read, and no gate of it
    steps = {name: step for name, step in OPERATIONS.items() if name not in reads}
    steps |= {
        "drop": lambda case: case.hot.drop(case.ref, op=new_op()),
        "delete": lambda case: case.hot.delete(case.ref, op=new_op()),
        "begin anew": lambda case: case.hot.initialize(
            case.ref, op=new_op(), gate="", replace=True
        ),
        "finish": lambda case: case.hot.finish_delete(
            case.ref, op=new_op(), tokens=[], write_ids=[]
        ),
    }
    for name, step in steps.items():
        with pytest.raises(HotTierCorruptError, match="remove that key") as caught:
            await step(case)
        assert gate in str(caught.value)
        assert await dump(case) == before, name
    assert await case.hot.load(case.ref)
    await case.hot.client.delete(gate)
    assert await case.hot.drop(case.ref, op=new_op())


async def test_a_gate_of_other_bytes_is_damage(case):
    await case.hot.client.hset(gate_key(case.ref), "nonce", b"\xff")
    with pytest.raises(HotTierCorruptError, match="UTF-8"):
        await case.hot.status(case.ref)
    await case.hot.client.hset(gate_key(case.ref), "dead", b"\xff")
    with pytest.raises(HotTierCorruptError, match="UTF-8"):
        await case.hot.dead_writes([case.ref])
    await case.hot.client.delete(gate_key(case.ref))
    await case.hot.client.set(gate_key(case.ref), "x")
    with pytest.raises(HotTierCorruptError, match="another type"):
        await case.hot.dead_writes([case.ref])


@pytest.mark.parametrize("field", ["pending", "ops", "dead", "lineage", "token"])
async def test_bytes_that_are_no_text_are_not_archived(case, field):
    await case.hot.client.hset(case.keys["meta"], field, b"\xff")
    with pytest.raises(HotTierCorruptError, match="UTF-8"):
        await case.hot.export(case.ref)
    assert await case.hot.delete(case.ref, op=new_op()) in {None, "\ufffd"}


async def test_another_applications_keys_are_neither_listed_nor_touched(tier):
    key = new_ref().id
    ref = ThreadRef(key, "mine")
    await tier.initialize(ref, op=new_op(), gate="")
    shapes = ["", "a:b", "%zz", "%ff", "a%3ab", "A%2f", "ü", "x}:list}", "a b"]
    foreign = [f"zs:{{{key}:{shape}}}:meta" for shape in shapes]
    for name in foreign:
        await tier.client.hset(name, mapping={"inc": "theirs", "n": "1"})
    await tier.client.set(f"zs:{{{key}:text}}:meta", "x")
    assert await scanned(tier, key) == [ref]
    assert await tier.client.exists(*foreign) == len(foreign)
    async for name in tier.client.scan_iter(match=scan_pattern(key)):
        await tier.client.delete(name)


@pytest.mark.parametrize(("name", "value"), [("n", b"x"), ("ctr", None), ("generation", b"\xff")])
async def test_a_damaged_thread_is_listed_so_that_somebody_sees_it(case, name, value):
    await damage_meta(case, name, value)
    assert case.ref in await scanned(case.hot, case.ref.key)
    await case.hot.drop(case.ref, op=new_op())


@pytest.mark.parametrize("cursor", ["x", "-1", "1 2", "9" * 30, "\u0661"])
async def test_a_cursor_that_is_none_is_a_value_error(tier, cursor):
    with pytest.raises(ValueError, match="no cursor"):
        await tier.scan(key="messages", cursor=cursor)
