"""The handle on one thread."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, get_args

from . import _json, tiering
from .errors import HotTierCorruptError, ThreadNotFoundError
from .messages import Message, MessageFormat, distinct
from .models import ThreadRef
from .protocols import ColdTier, HotTier
from .results import FlushResult, HydrateResult
from .transfers import Transfers

T = TypeVar("T")
_BASE62: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits


def new_thread_id(length: int = 12) -> str:
    """A short random base-62 id (12 characters hold 71 bits).

    >>> len(new_thread_id())
    12
    """
    return "".join(secrets.choice(_BASE62) for _ in range(length))


class Thread:
    """One conversation thread; made by `ThreadStore.thread`, without I/O.

    Messages are worked on while the thread is hot: where it is not, they raise
    `ThreadNotFoundError` (`hydrate` it first, or use `ThreadStore.session`). Every method may be
    retried after `HotTierUnavailableError` or `ColdTierUnavailableError`. A batch of `append` is
    all or nothing.

    >>> import asyncio
    >>> from zeitlich_store import open_store
    >>> async def main() -> list[str]:
    ...     async with open_store("memory://", "memory://doc-thread") as store:
    ...         thread = store.thread("t-1")
    ...         await thread.initialize()
    ...         await thread.append({"id": "m1", "text": "hi"}, {"id": "m1", "text": "again"})
    ...         await thread.flush()
    ...         await thread.hydrate()
    ...         return [message["text"] for message in await thread.load()]
    >>> asyncio.run(main())
    ['hi']
    """

    def __init__(
        self,
        hot: HotTier,
        cold: ColdTier | None,
        ref: ThreadRef,
        messages: MessageFormat,
        transfers: Transfers,
    ) -> None:
        self._hot = hot
        self._cold = cold
        self._ref = ref
        self._format = messages
        self._transfers = transfers

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._ref.id!r}, key={self._ref.key!r})"

    @property
    def id(self) -> str:
        """The thread's id."""
        return self._ref.id

    @property
    def ref(self) -> ThreadRef:
        """Thread key and id, as the tiers name the thread."""
        return self._ref

    @property
    def key(self) -> str:
        """The thread key."""
        return self._ref.key

    # -- life ------------------------------------------------------------------------------

    async def initialize(self, *, replace: bool = False) -> bool:
        """Make an empty hot thread; False where the thread exists already, which changes nothing.

        An archived thread is hydrated instead. With `replace`, what is hot is discarded, and the
        next flush replaces the archive version there is now.
        """
        tiers, op, id_of = (
            (self._hot, self._cold, self._ref),
            tiering.new_op(),
            self._format.id_of_raw,
        )
        async with self._transfers.turn():
            if replace:
                await tiering.replace(*tiers, op=op)
                return True
            _, made = await tiering.open_or_create(*tiers, id_of=id_of, op=op)
            return made

    async def exists(self) -> bool:
        """Whether the thread is hot."""
        return (await self._hot.status(self._ref)).hot

    async def hydrate(self) -> HydrateResult:
        """Bring the thread from the archive into the hot tier, unless it is hot already."""
        id_of = self._format.id_of_raw
        async with self._transfers.turn():
            return await tiering.hydrate(self._hot, self._cold, self._ref, id_of=id_of)

    async def flush(self, *, delete_hot: bool = True) -> FlushResult:
        """Archive the thread and free the hot tier (`delete_hot` False: keep it hot, and clean).

        Messages that are appended meanwhile stay hot; the flush goes round again up to four times
        and then says `FlushStatus.STILL_HOT`. A thread that is not hot: `FlushStatus.NOTHING`.

        Raises:
            ConflictError: The archive is another version than this copy was made from: another hot
                tier wrote it, or this one fell back to an older state. Nothing was overwritten;
                `resolve` decides.
        """
        async with self._transfers.turn():
            return await tiering.flush(self._hot, self._cold, self._ref, keep=not delete_hot)

    async def resolve(self, keep: tiering.Keep) -> FlushResult:
        """Flush, and end a `ConflictError` by keeping one version; the other is gone for good.

        ``"hot"`` replaces exactly the archive version found (one that is newer still is another
        `ConflictError`), ``"archive"`` gives the hot copy up. Without a conflict it is a flush.
        """
        if keep not in get_args(tiering.Keep):
            raise ValueError(f"keep is 'hot' or 'archive', not {keep!r}")
        async with self._transfers.turn():
            return await tiering.resolve(self._hot, self._cold, self._ref, keep=keep)

    async def drop_hot(self) -> bool:
        """Give the hot copy up without archiving it, damaged or not; whether there was one."""
        return await self._hot.drop(self._ref, op=tiering.new_op())

    async def delete(self) -> None:
        """Remove the thread from both tiers; one that is in neither is no error."""
        await tiering.delete(self._hot, self._cold, self._ref)

    async def fork(self, new_id: str | None = None) -> Thread:
        """Copy the hot thread, its state and ids, to a new one (None: a random short id).

        A fork of this very state to the same id that nobody has changed yet counts as this one, so
        that a retry after a crash finds its own result.

        Raises:
            ConflictError: A thread of that id exists already.
        """
        target = await self._fork_to(new_id)
        return Thread(self._hot, self._cold, target, self._format, self._transfers)

    async def _fork_to(self, new_id: str | None) -> ThreadRef:
        name = new_thread_id() if new_id is None else new_id
        target = tiering.checked_ref(self._cold, self._ref.key, name)
        await self._with_hot(
            lambda op: tiering.fork(
                self._hot, self._cold, self._ref, target, op=op, fresh=new_id is None
            )
        )
        return target

    # -- messages --------------------------------------------------------------------------

    async def append(self, *messages: Message) -> int:
        """Append messages; the number newly stored, those whose id is there already skipped.

        Raises:
            TypeError, ValueError: A message cannot be serialised, or `id_of` failed on it; nothing
                was appended. (By default a message without a non-empty string ``"id"`` simply
                has none and is stored every time.)
        """
        entries = self._format.entries(messages)
        if not entries:
            return 0
        return await self._with_hot(lambda op: self._hot.append(self._ref, entries, op=op))

    async def load(self, last: int | None = None) -> list[Message]:
        """The messages in order; `last` fetches only that many from the end."""
        check_last(last)
        raws = await self._with_hot(lambda _: self._hot.load(self._ref, last))
        return self._format.messages(raws)

    async def length(self) -> int:
        """Number of messages."""
        return await self._with_hot(lambda _: self._hot.length(self._ref))

    async def replace_all(self, *messages: Message) -> None:
        """Replace every message; state is kept. Repeated ids are refused (`ValueError`)."""
        entries = distinct(self._format.entries(messages))
        await self._with_hot(lambda op: self._hot.replace_all(self._ref, entries, op=op))

    async def truncate_from_id(self, message_id: str) -> int:
        """Remove the message with that id and all after it; the number removed (0: no such id)."""
        if self._format.id_of is None:
            raise ValueError("truncate_from_id needs a handle with an id_of")
        if not isinstance(message_id, str) or not message_id:
            raise ValueError(f"a message id is a non-empty str, not {message_id!r}")
        return await self._with_hot(
            lambda op: self._hot.truncate_from_id(self._ref, message_id, op=op)
        )

    # -- state -----------------------------------------------------------------------------

    async def load_state(self) -> dict[str, Any] | None:
        """The state slice; None where none was saved or the thread is not hot."""
        try:
            text = await self._hot.load_state(self._ref)
        except ThreadNotFoundError:
            return None
        return parse_state(self._ref, text)

    async def save_state(self, state: Mapping[str, Any]) -> None:
        """Save the state slice, a JSON object, over the one there is."""
        text = dump_state(state)
        await self._with_hot(lambda op: self._hot.save_state(self._ref, text, op=op))

    async def delete_state(self) -> None:
        """Remove the state slice; no error where the thread is not hot."""
        try:
            await self._hot.save_state(self._ref, None, op=tiering.new_op())
        except ThreadNotFoundError:
            return

    async def _with_hot(self, step: Callable[[str], Awaitable[T]]) -> T:
        """Run a step that needs the thread hot, with an operation id of its own."""
        return await step(tiering.new_op())


def check_last(last: int | None) -> None:
    """Refuse a `last` that is no count of messages."""
    if last is None:
        return
    if not isinstance(last, int) or isinstance(last, bool):
        raise TypeError(f"last is an int or None, not {type(last).__name__}")
    if last < 0:
        raise ValueError(f"last must not be negative, {last} is")


def dump_state(state: Mapping[str, Any]) -> str:
    """A state slice's JSON text; `TypeError` or `ValueError` where it has none."""
    if not isinstance(state, Mapping):
        raise TypeError(f"a state is a dict, not {type(state).__name__}")
    return _json.dumps(dict(state))


def parse_state(ref: ThreadRef, text: str | None) -> dict[str, Any] | None:
    """The state slice of its JSON text; `HotTierCorruptError` where it is no JSON object."""
    if text is None:
        return None
    try:
        state = _json.loads(text)
    except ValueError as exc:
        raise HotTierCorruptError(f"the state of thread {str(ref)!r} is not JSON: {exc}") from exc
    if not isinstance(state, dict):
        raise HotTierCorruptError(f"the state of thread {str(ref)!r} is not a JSON object")
    return state
