"""Hot tier suite: texts of every kind and size come back byte for byte."""

# a test's name says what is promised

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from zeitlich_store.models import Base, Entry, Outcome, Snapshot
from zeitlich_store.protocols import HotTier

from .hot_suite_tools import exported, make, named, nameless, new_op, new_ref

TEXTS: Final[Mapping[str, str]] = {
    "empty": "",
    "NUL bytes": "a\0b\0",
    "lone surrogates": "\ud800 and \udfff",
    "a pair of surrogates, not one character": "\ud83d\ude00",
    "beyond the first plane": "\U0001f600",
    "two normal forms": "\u00e9 e\u0301",
    "line ends and spaces": " \r\n\t\u2028 ",
    "a number": "12345678901234567890",
}
"""Texts that a tier may be tempted to change."""
MIB: Final = 1 << 20


def _large(megabytes: int) -> list[Entry]:
    """Messages of 1 KiB with ids, each unlike the others."""
    return [Entry(f"{at:08d}" * 128, f"id{at}") for at in range(megabytes * 1024)]


class TextPromises:
    """Messages, ids and state are opaque."""

    @pytest.mark.parametrize("name", TEXTS)
    async def test_a_message_comes_back_exactly(self, hot: HotTier, name: str) -> None:
        ref, text = await make(hot), TEXTS[name]
        await hot.append(ref, nameless(text, "x"), op=new_op())
        assert await hot.load(ref) == [text, "x"]
        await hot.replace_all(ref, nameless("y", text), op=new_op())
        assert (await exported(hot, ref)).snapshot.messages == ("y", text)

    @pytest.mark.parametrize("name", [name for name in TEXTS if TEXTS[name]])
    async def test_an_id_and_a_state_come_back_exactly(self, hot: HotTier, name: str) -> None:
        ref, text = await make(hot), TEXTS[name]
        assert await hot.append(ref, named("a", text), op=new_op()) == 2
        assert await hot.append(ref, named(text), op=new_op()) == 0
        await hot.save_state(ref, text, op=new_op())
        assert await hot.save_state(ref, "{}", op=new_op(), seen=text) is False
        await hot.save_state(ref, text, op=new_op())
        snapshot = (await exported(hot, ref)).snapshot
        assert (snapshot.state, snapshot.ids) == (text, (("a", 0), (text, 1)))
        assert await hot.truncate_from_id(ref, text, op=new_op()) == 1

    async def test_ids_that_differ_by_normal_form_are_different(self, hot: HotTier) -> None:
        ref = await make(hot)
        assert await hot.append(ref, named("\u00e9", "e\u0301"), op=new_op()) == 2

    async def test_texts_survive_fork_and_restore(self, hot: HotTier) -> None:
        ref, target, restored = await make(hot, state="{}"), new_ref(), new_ref()
        await hot.append(ref, nameless(*TEXTS.values()), op=new_op())
        await hot.fork(ref, target, op=new_op())
        assert await hot.load(target) == list(TEXTS.values())
        snapshot = (await exported(hot, ref)).snapshot
        await hot.restore(restored, snapshot, base=None, gate="", op=new_op())
        assert await hot.load(restored) == list(TEXTS.values())


class SizePromises:
    """Nothing is too large for one operation."""

    async def test_a_message_and_a_state_of_5_mib(self, hot: HotTier) -> None:
        ref, text = await make(hot, "a"), "é\ud800" * MIB
        assert await hot.append(ref, [Entry(text, "big")], op=new_op()) == 1
        await hot.save_state(ref, text, op=new_op())
        assert (await hot.load(ref))[1] == text
        assert await hot.load_state(ref) == text

    async def test_a_batch_of_9_mib_is_stored_whole_and_deduplicated(self, hot: HotTier) -> None:
        ref, op = await make(hot, "id9000"), new_op()
        batch = [*_large(9), Entry("again", "id0")]
        assert await hot.append(ref, batch, op=op) == 9 * 1024 - 1
        assert await hot.append(ref, batch, op=op) == 9 * 1024 - 1
        expected = [entry.raw for entry in batch[:-1] if entry.id != "id9000"]
        assert (await hot.load(ref))[1:] == expected
        assert await hot.truncate_from_id(ref, "id10", op=new_op()) == 9 * 1024 - 11

    async def test_a_batch_of_sixty_thousand_small_messages(self, hot: HotTier) -> None:
        ref = await make(hot)
        batch = nameless(*(str(at) for at in range(60_000)))
        assert await hot.append(ref, batch, op=new_op()) == 60_000
        assert await hot.load(ref) == [entry.raw for entry in batch]

    async def test_a_replacement_of_9_mib_is_whole(self, hot: HotTier) -> None:
        ref, op, batch = await make(hot, "a", state="{}"), new_op(), _large(9)
        for _ in range(2):
            await hot.replace_all(ref, batch, op=op)
        assert await hot.load(ref) == [entry.raw for entry in batch]
        assert await hot.append(ref, [batch[-1]], op=new_op()) == 0

    async def test_a_snapshot_of_9_mib_is_restored_whole(self, hot: HotTier) -> None:
        ref, batch = new_ref(), _large(9)
        snapshot = Snapshot(
            messages=tuple(entry.raw for entry in batch),
            state="{}",
            ids=tuple((entry.id or "", at) for at, entry in enumerate(batch)),
        )
        outcome = await hot.restore(ref, snapshot, base=Base("t1", 1), gate="", op=new_op())
        assert outcome is Outcome.OK
        assert (await exported(hot, ref)).snapshot.same_content(snapshot)
