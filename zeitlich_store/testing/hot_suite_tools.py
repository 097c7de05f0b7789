"""What the parts of the hot tier suite share: fresh names, threads and the list of changes."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from zeitlich_store.models import Base, Entry, EvictOutcome, HotExport, HotInfo, Outcome, ThreadRef
from zeitlich_store.protocols import HotTier

KEY: Final = f"suite-{secrets.token_hex(4)}"
"""The suite's thread key, in each process another."""


def new_ref(key: str = KEY) -> ThreadRef:
    """A thread no other test uses: a tier that is shared needs no cleaning up."""
    return ThreadRef(key, secrets.token_hex(8))


def new_op() -> str:
    """A fresh operation id."""
    return secrets.token_hex(16)


def text_of(message_id: str) -> str:
    """The text `named` gives the message with that id."""
    return f'{{"id":"{message_id}"}}'


def named(*ids: str) -> list[Entry]:
    """Messages with ids."""
    return [Entry(text_of(message_id), message_id) for message_id in ids]


def nameless(*texts: str) -> list[Entry]:
    """Messages without ids."""
    return [Entry(text, None) for text in texts]


async def make(hot: HotTier, *ids: str, state: str | None = None) -> ThreadRef:
    """A new hot thread with these messages."""
    ref = new_ref()
    gate = (await hot.status(ref)).gate
    assert await hot.initialize(ref, op=new_op(), gate=gate) is Outcome.OK
    if ids:
        assert await hot.append(ref, named(*ids), op=new_op()) == len(ids)
    if state is not None:
        await hot.save_state(ref, state, op=new_op())
    return ref


async def append(hot: HotTier, ref: ThreadRef, *ids: str) -> int:
    """Append messages with ids, as one operation."""
    return await hot.append(ref, named(*ids), op=new_op())


async def exported(hot: HotTier, ref: ThreadRef) -> HotExport:
    """An export of a thread that is hot."""
    export = await hot.export(ref)
    assert export is not None
    return export


async def info(hot: HotTier, ref: ThreadRef) -> HotInfo:
    """What the tier knows of a thread that is hot."""
    found = await hot.info(ref)
    assert found is not None
    return found


async def archive(
    hot: HotTier, ref: ThreadRef, *, version: str = "t1", keep: bool = False
) -> HotExport:
    """Take a thread through export and evict, as if a cold tier had stored it as `version`."""
    export = await exported(hot, ref)
    base = Base(version, export.generation + 1)
    outcome = await hot.evict(ref, export, base=base, head=export.write_id, keep=keep)
    assert outcome is EvictOutcome.EVICTED
    return export


class Content(NamedTuple):
    """Everything a user can see of a hot thread."""

    messages: tuple[str, ...]
    state: str | None
    ids: frozenset[tuple[str, int]]


async def content(hot: HotTier, ref: ThreadRef) -> Content:
    """The thread's messages, state and message ids."""
    snapshot = (await exported(hot, ref)).snapshot
    return Content(snapshot.messages, snapshot.state, frozenset(snapshot.ids))


Change = Callable[[HotTier, ThreadRef, str], Awaitable[object]]
"""An operation on a hot thread, given its operation id."""


async def _append(hot: HotTier, ref: ThreadRef, op: str) -> object:
    return await hot.append(ref, named("m1", "x1", "x2"), op=op)


async def _append_nameless(hot: HotTier, ref: ThreadRef, op: str) -> object:
    return await hot.append(ref, nameless("same", "same"), op=op)


async def _replace(hot: HotTier, ref: ThreadRef, op: str) -> object:
    await hot.replace_all(ref, named("r1"), op=op)
    return None


async def _truncate(hot: HotTier, ref: ThreadRef, op: str) -> object:
    return await hot.truncate_from_id(ref, "m1", op=op)


async def _save_state(hot: HotTier, ref: ThreadRef, op: str) -> object:
    return await hot.save_state(ref, '{"mine":1}', op=op, seen=None)


async def _delete_state(hot: HotTier, ref: ThreadRef, op: str) -> object:
    return await hot.save_state(ref, None, op=op, seen="{}")


CHANGES: Final[Mapping[str, Change]] = {
    "append": _append,
    "append without ids": _append_nameless,
    "replace_all": _replace,
    "truncate_from_id": _truncate,
    "save_state": _save_state,
    "delete state": _delete_state,
}
"""Every change of a hot thread's content; each has an effect on messages m0, m1 and a state."""


async def _load(hot: HotTier, ref: ThreadRef, _: str) -> object:
    return await hot.load(ref)


async def _length(hot: HotTier, ref: ThreadRef, _: str) -> object:
    return await hot.length(ref)


async def _load_state(hot: HotTier, ref: ThreadRef, _: str) -> object:
    return await hot.load_state(ref)


NEED_HOT: Final[Mapping[str, Change]] = {
    **CHANGES,
    "load": _load,
    "length": _length,
    "load_state": _load_state,
}
"""Every operation that raises `ThreadNotFoundError` where the thread is not hot."""
