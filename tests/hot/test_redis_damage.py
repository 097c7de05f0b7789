"""A thread of which Redis holds only a part is an error, never an empty or older thread."""

from collections.abc import AsyncIterator
from itertools import chain, combinations

import pytest

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.errors import HotTierCorruptError
from zeitlich_store.models import Outcome
from zeitlich_store.testing.hot_suite_tools import content, new_op

from .operations import OPERATIONS, PARTS, Case, whole

MISSING = list(chain.from_iterable(combinations(PARTS, size) for size in (1, 2, 3)))


@pytest.fixture
async def hot(redis_server) -> AsyncIterator[RedisHotTier]:
    tier = RedisHotTier.from_url(redis_server.url)
    await tier.open()
    yield tier
    await tier.aclose()


@pytest.fixture
async def case(hot: RedisHotTier) -> Case:
    return await whole(hot)


async def lose(case: Case, missing: tuple[str, ...]) -> None:
    assert await case.hot.client.delete(*(case.keys[part] for part in missing)) == len(missing)


async def spoil(case: Case, part: str) -> None:
    """Put a value of another type in the key's place."""
    client, key = case.hot.client, case.keys[part]
    await client.delete(key)
    await (client.rpush(key, "x") if part == "state" else client.set(key, "x"))


async def stored(case: Case) -> dict[str, bytes | None]:
    return {part: await case.hot.client.dump(key) for part, key in case.keys.items()}


@pytest.mark.parametrize("missing", MISSING, ids="+".join)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_operation_names_the_damage_and_changes_nothing(case, name, missing):
    await lose(case, missing)
    before = await stored(case)
    with pytest.raises(HotTierCorruptError, match=case.ref.id):
        await OPERATIONS[name](case)
    assert await stored(case) == before


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_key_of_another_type_is_damage(case, name, part):
    await spoil(case, part)
    before = await stored(case)
    with pytest.raises(HotTierCorruptError, match=case.ref.id):
        await OPERATIONS[name](case)
    assert await stored(case) == before


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_list_that_lost_some_messages_is_damage(case, name):
    await case.hot.client.rpop(case.keys["list"])
    with pytest.raises(HotTierCorruptError):
        await OPERATIONS[name](case)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("part", ["meta", "ids"])
@pytest.mark.parametrize("state", ["kept", "deleted"])
async def test_an_empty_thread_that_lost_a_key_is_damage(case, name, part, state):
    """An empty thread has two keys, so that the loss of either shows."""
    await case.hot.replace_all(case.ref, [], op=new_op())
    if state == "deleted":
        await case.hot.save_state(case.ref, None, op=new_op())
    await case.hot.client.delete(case.keys[part])
    with pytest.raises(HotTierCorruptError):
        await OPERATIONS[name](case)


@pytest.mark.parametrize("damage", ["missing", "type"])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("how", ["drop", "delete", "replace"])
async def test_a_damaged_thread_can_be_given_up(case, how, part, damage):
    await (lose(case, (part,)) if damage == "missing" else spoil(case, part))
    if how == "drop":
        assert await case.hot.drop(case.ref, op=new_op()) is True
    elif how == "delete":
        await case.hot.delete(case.ref, op=new_op())
    else:
        await case.hot.initialize(case.ref, op=new_op(), gate="", replace=True)
        assert await content(case.hot, case.ref) == ((), None, frozenset())
        await case.hot.drop(case.ref, op=new_op())
    gate = await case.hot.status(case.ref)
    assert not gate.hot
    assert await case.hot.initialize(case.ref, op=new_op(), gate=gate.gate) is Outcome.OK


@pytest.mark.parametrize("part", PARTS)
async def test_the_end_of_a_delete_leaves_a_damaged_copy_alone(case, part):
    await lose(case, (part,))
    before = await stored(case)
    await case.hot.finish_delete(case.ref, op=new_op(), tokens=["t1"], write_ids=[])
    assert await stored(case) == before


@pytest.mark.parametrize("name", ["load", "read", "export"])
async def test_messages_that_are_not_utf8_are_damage(case, name):
    await case.hot.client.lset(case.keys["list"], 1, b"\xff\xfe")
    with pytest.raises(HotTierCorruptError, match="UTF-8"):
        await OPERATIONS[name](case)


@pytest.mark.parametrize("name", ["load_state", "read", "export"])
async def test_a_state_that_is_not_utf8_is_damage(case, name):
    await case.hot.client.setrange(case.keys["state"], 0, b"\xff")
    with pytest.raises(HotTierCorruptError, match="UTF-8"):
        await OPERATIONS[name](case)


async def test_an_id_that_is_not_utf8_is_damage(case):
    await case.hot.client.zrem(case.keys["ids"], "m1")
    await case.hot.client.zadd(case.keys["ids"], {b"\xff": 1})
    with pytest.raises(HotTierCorruptError, match="UTF-8"):
        await OPERATIONS["export"](case)
