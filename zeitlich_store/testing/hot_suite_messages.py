"""Hot tier suite: messages, state and the resend of a change."""

# a test's name says what is promised

from __future__ import annotations

import pytest

from zeitlich_store.errors import ThreadNotFoundError
from zeitlich_store.models import UNPLACED, Outcome, Snapshot
from zeitlich_store.protocols import HotTier

from .hot_suite_tools import (
    CHANGES,
    NEED_HOT,
    append,
    content,
    info,
    make,
    named,
    nameless,
    new_op,
    new_ref,
    text_of,
)


def _texts(*ids: str) -> list[str]:
    return [text_of(message_id) for message_id in ids]


class MessagePromises:
    """append, load, length, replace_all and truncate_from_id."""

    async def test_append_keeps_order_and_says_how_many_are_new(self, hot: HotTier) -> None:
        ref = await make(hot)
        assert await append(hot, ref, "b", "a") == 2
        assert await append(hot, ref, "c") == 1
        assert await hot.load(ref) == _texts("b", "a", "c")
        assert await hot.length(ref) == 3

    async def test_append_skips_each_id_that_is_there_on_its_own(self, hot: HotTier) -> None:
        ref = await make(hot, "a", "b")
        assert await append(hot, ref, "b", "c", "a", "d") == 2
        assert await hot.load(ref) == _texts("a", "b", "c", "d")

    async def test_an_id_repeated_in_a_batch_is_stored_once_the_first_one(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot)
        batch = [named("a")[0], named("b")[0], named("a")[0]._replace(raw="other")]
        assert await hot.append(ref, batch, op=new_op()) == 2
        assert await hot.load(ref) == _texts("a", "b")

    async def test_messages_without_ids_are_never_deduplicated(self, hot: HotTier) -> None:
        ref = await make(hot)
        assert await hot.append(ref, nameless("x", "x"), op=new_op()) == 2
        assert await hot.append(ref, nameless("x"), op=new_op()) == 1
        assert await hot.load(ref) == ["x", "x", "x"]

    async def test_threads_do_not_share_ids_or_messages(self, hot: HotTier) -> None:
        first, second = await make(hot, "a"), await make(hot)
        assert await append(hot, second, "a") == 1
        await hot.truncate_from_id(second, "a", op=new_op())
        assert await hot.load(first) == _texts("a")

    @pytest.mark.parametrize(
        ("last", "expected"),
        [(None, "abcd"), (0, ""), (1, "d"), (3, "bcd"), (4, "abcd"), (99, "abcd")],
    )
    async def test_load_gives_the_last_ones_in_order(
        self, hot: HotTier, last: int | None, expected: str
    ) -> None:
        ref = await make(hot, *"abcd")
        assert await hot.load(ref, last) == _texts(*expected)

    async def test_replace_all_replaces_messages_and_ids_and_keeps_state(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot, "a", "b", state="{}")
        await hot.replace_all(ref, [*named("c"), *nameless("x")], op=new_op())
        assert await append(hot, ref, "c", "a") == 1
        assert await hot.load(ref) == [text_of("c"), "x", text_of("a")]
        assert await hot.load_state(ref) == "{}"

    async def test_replace_all_by_nothing_leaves_an_empty_hot_thread(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        await hot.replace_all(ref, [], op=new_op())
        assert await hot.load(ref) == []
        assert (await hot.status(ref)).hot

    async def test_truncate_removes_that_message_and_all_after_it(self, hot: HotTier) -> None:
        ref = await make(hot, "a", "b", "c")
        await hot.append(ref, nameless("x"), op=new_op())
        assert await hot.truncate_from_id(ref, "b", op=new_op()) == 3
        assert await hot.load(ref) == _texts("a")

    async def test_truncate_frees_the_ids_it_removes_and_no_others(self, hot: HotTier) -> None:
        ref = await make(hot, "a", "b", "c")
        await hot.truncate_from_id(ref, "b", op=new_op())
        assert await append(hot, ref, "a", "c", "b") == 2
        assert await hot.load(ref) == _texts("a", "c", "b")

    async def test_truncate_at_the_first_message_leaves_an_empty_hot_thread(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot, "a", "b", state="{}")
        assert await hot.truncate_from_id(ref, "a", op=new_op()) == 2
        assert await hot.load(ref) == []
        assert await hot.load_state(ref) == "{}"

    async def test_truncate_at_an_unknown_id_removes_nothing(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        before = await info(hot, ref)
        assert await hot.truncate_from_id(ref, "z", op=new_op()) == 0
        assert (await info(hot, ref)).revision == before.revision

    async def test_truncate_at_an_id_without_a_place_is_refused(self, hot: HotTier) -> None:
        ref = new_ref()
        snapshot = Snapshot(messages=("x",), ids=(("a", UNPLACED),))
        outcome = await hot.restore(ref, snapshot, base=None, gate="", op=new_op())
        assert outcome is Outcome.OK
        with pytest.raises(ValueError, match="'a'"):
            await hot.truncate_from_id(ref, "a", op=new_op())
        assert await hot.load(ref) == ["x"]

    async def test_truncate_keeps_ids_without_a_place(self, hot: HotTier) -> None:
        ref = new_ref()
        snapshot = Snapshot(messages=("x", text_of("b")), ids=(("a", UNPLACED), ("b", 1)))
        await hot.restore(ref, snapshot, base=None, gate="", op=new_op())
        assert await hot.truncate_from_id(ref, "b", op=new_op()) == 1
        assert await append(hot, ref, "a", "b") == 1


class StatePromises:
    """load_state and save_state."""

    async def test_state_is_none_until_saved_and_after_it_was_deleted(self, hot: HotTier) -> None:
        ref = await make(hot)
        assert await hot.load_state(ref) is None
        await hot.save_state(ref, '{"n": 1e+21}', op=new_op())
        assert await hot.load_state(ref) == '{"n": 1e+21}'
        await hot.save_state(ref, None, op=new_op())
        assert await hot.load_state(ref) is None

    @pytest.mark.parametrize(
        ("old", "seen", "new", "overwrote"),
        [
            (None, None, "{}", False),
            ('{"a":1}', '{"a":1}', "{}", False),
            ('{"a":1}', None, "{}", True),
            ('{"a":1}', '{"b":1}', "{}", True),
            ("{}", '{"b":1}', "{}", False),
            (None, '{"b":1}', "{}", True),
            ('{"a":1}', '{"b":1}', None, True),
            ('{"a":1}', '{"a":1}', None, False),
            (None, '{"b":1}', None, False),
        ],
    )
    async def test_save_state_says_whether_another_writers_state_was_replaced(
        self, hot: HotTier, old: str | None, seen: str | None, new: str | None, *, overwrote: bool
    ) -> None:
        ref = await make(hot, state=old)
        assert await hot.save_state(ref, new, op=new_op(), seen=seen) is overwrote
        assert await hot.load_state(ref) == new


class ResendPromises:
    """What changes have in common: they need the thread hot and a resend has no second effect."""

    @pytest.mark.parametrize("name", NEED_HOT)
    async def test_a_thread_that_is_not_hot_is_not_found(self, hot: HotTier, name: str) -> None:
        with pytest.raises(ThreadNotFoundError):
            await NEED_HOT[name](hot, new_ref(), new_op())

    @pytest.mark.parametrize("name", CHANGES)
    async def test_a_change_makes_a_new_revision_and_the_thread_dirty(
        self, hot: HotTier, name: str
    ) -> None:
        ref = await make(hot, "m0", "m1", state='{"other":1}')
        before = await info(hot, ref)
        await CHANGES[name](hot, ref, new_op())
        after = await info(hot, ref)
        assert after.revision != before.revision
        assert after.revision.split(":")[0] == before.revision.split(":")[0]
        assert after.dirty

    @pytest.mark.parametrize("name", CHANGES)
    async def test_a_resend_gives_the_same_answer_and_changes_nothing(
        self, hot: HotTier, name: str
    ) -> None:
        ref, op = await make(hot, "m0", "m1", state='{"other":1}'), new_op()
        answer = await CHANGES[name](hot, ref, op)
        after, revision = await content(hot, ref), (await info(hot, ref)).revision
        assert await CHANGES[name](hot, ref, op) == answer
        assert await content(hot, ref) == after
        assert (await info(hot, ref)).revision == revision

    @pytest.mark.parametrize("name", CHANGES)
    async def test_a_resend_after_fifteen_other_changes_is_still_recognised(
        self, hot: HotTier, name: str
    ) -> None:
        ref, op = await make(hot, "m0", "m1", state='{"other":1}'), new_op()
        answer = await CHANGES[name](hot, ref, op)
        for at in range(14):
            await append(hot, ref, f"later{at}")
        await hot.save_state(ref, '{"later":1}', op=new_op())
        after = await content(hot, ref)
        assert await CHANGES[name](hot, ref, op) == answer
        assert await content(hot, ref) == after

    async def test_a_change_without_effect_makes_no_new_revision(self, hot: HotTier) -> None:
        ref = await make(hot, "a", state="{}")
        revision = (await info(hot, ref)).revision
        assert await append(hot, ref, "a") == 0
        assert await hot.append(ref, [], op=new_op()) == 0
        assert await hot.save_state(ref, "{}", op=new_op()) is False
        assert (await info(hot, ref)).revision == revision
