"""A session: hydrate and load state on the way in, save state and flush on the way out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Literal, TypeVar, get_args

from . import tiering
from .errors import ThreadNotFoundError
from .flush import ROUNDS
from .messages import MessageFormat
from .models import ThreadRef
from .protocols import ColdTier, HotTier
from .results import HydrateResult, HydrateStatus
from .thread import Thread, dump_state, new_thread_id, parse_state
from .transfers import Transfers

T = TypeVar("T")
Mode = Literal["auto", "new", "continue", "fork"]
MODES: Final = get_args(Mode)
log = logging.getLogger("zeitlich_store")


class SessionThread(Thread):
    """The handle a session hands over: a `Thread` with `state`.

    `state` is a JSON dict, empty for a new thread; the session saves what it holds at the end.
    Where another session archives the thread meanwhile, the handle hydrates it again and goes on.
    """

    def __init__(
        self,
        hot: HotTier,
        cold: ColdTier | None,
        ref: ThreadRef,
        messages: MessageFormat,
        transfers: Transfers,
    ) -> None:
        super().__init__(hot, cold, ref, messages, transfers)
        self.state: dict[str, Any] = {}
        self._seen: str | None = None
        self._saved = dump_state({})
        self._deleted = False

    async def delete(self) -> None:
        """Remove the thread from both tiers; leaving the session then saves and flushes nothing."""
        await super().delete()
        self._deleted = True

    async def fork_session(self, new_id: str | None) -> SessionThread:
        """A fork with a `state` of its own; called by the session on entry."""
        target = await self._fork_to(new_id)
        return SessionThread(self._hot, self._cold, target, self._format, self._transfers)

    async def enter_state(self) -> None:
        """Load `state`; called by the session on entry."""
        self._seen = await self._with_hot(lambda _: self._hot.load_state(self._ref))
        self.state = parse_state(self._ref, self._seen) or {}
        self._saved = dump_state(self.state)

    async def leave_state(self) -> None:
        """Save `state` if it changed; called by the session on exit."""
        text = dump_state(self.state)
        if text == self._saved or self._deleted:
            return
        overwrote = await self._with_hot(
            lambda op: self._hot.save_state(self._ref, text, op=op, seen=self._seen)
        )
        if overwrote:
            log.warning(
                "thread %s: two sessions changed its state; this one left last and its state "
                "replaced the other's, which is lost",
                self._ref,
            )
        self._seen, self._saved = text, text

    async def _with_hot(self, step: Callable[[str], Awaitable[T]]) -> T:
        """Hydrates where another archived the thread; the step keeps its operation id."""
        op = tiering.new_op()
        for _ in range(ROUNDS):
            try:
                return await step(op)
            except ThreadNotFoundError:
                if self._deleted or not (await self.hydrate()).found:
                    raise
        try:
            return await step(op)
        except ThreadNotFoundError as exc:
            # It was there a moment ago: "not found" would have a caller begin it anew.
            raise tiering.restless(self._ref) from exc


class Session:
    """An async context manager around one thread; made by `ThreadStore.session`.

    On every exit, also after an exception, the state is saved if it changed and the thread is
    flushed, also where saving failed. A failure of either is logged and, where the body raised,
    attached to its exception as a note; else it is raised.
    """

    def __init__(
        self,
        hot: HotTier,
        cold: ColdTier | None,
        ref: ThreadRef | None,
        *,
        mode: Mode,
        key: str,
        new_id: str | None,
        messages: MessageFormat,
        transfers: Transfers,
    ) -> None:
        _check(mode, ref, new_id)
        self._hot, self._cold, self._mode, self._new_id = hot, cold, mode, new_id
        self._ref = ref or tiering.checked_ref(cold, key, new_thread_id())
        self._format = messages
        self._transfers = transfers
        self._thread: SessionThread | None = None

    async def __aenter__(self) -> SessionThread:
        thread = SessionThread(self._hot, self._cold, self._ref, self._format, self._transfers)
        if self._mode == "new":
            await thread.initialize(replace=True)
        elif self._mode == "auto":
            if not await thread.initialize():
                await thread.enter_state()
        else:
            thread = await self._continue(thread)
        self._thread = thread
        return thread

    async def _continue(self, thread: SessionThread) -> SessionThread:
        found: HydrateResult = await thread.hydrate()
        if not found.found:
            raise ThreadNotFoundError(f"thread {str(self._ref)!r} is in neither tier")
        if self._mode == "fork":
            source, thread = thread, await thread.fork_session(self._new_id)
            if found.status is HydrateStatus.RESTORED:
                await source.flush()  # it was not hot before, and is clean
        await thread.enter_state()
        return thread

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failures = await self._leave()
        if not failures:
            return
        original = exc or failures[0]
        for failure in failures:
            self.note(failure, original)
        if exc is None:
            raise original

    def note(self, failure: Exception, original: BaseException) -> None:
        """Log a failure of leaving, and attach it to the exception that goes on in its place."""
        log.error("leaving the session of thread %s failed: %r", self._ref, failure)
        if failure is not original:
            original.add_note(f"leaving the session of thread {self._ref} failed: {failure!r}")

    async def _leave(self) -> list[Exception]:
        """Save state, then flush, whatever the first did; what failed."""
        thread = self._thread
        steps = (thread.leave_state, thread.flush) if thread else ()
        failures = []
        for step in steps:
            try:
                await step()
            except Exception as exc:  # noqa: BLE001  # whatever failed, the next step must run
                failures.append(exc)
        return failures


def _check(mode: str, ref: ThreadRef | None, new_id: str | None) -> None:
    if mode not in MODES:
        raise ValueError(f"unknown session mode {mode!r}; known are {', '.join(MODES)}")
    if ref is None and mode in {"continue", "fork"}:
        raise ValueError(f'mode="{mode}" needs the id of the thread to {mode}')
    if new_id is not None and mode != "fork":
        raise ValueError('new_id is for mode="fork" alone')
