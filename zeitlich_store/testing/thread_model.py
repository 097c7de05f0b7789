"""What a thread is, in plain Python: the model the stateful test holds a store against.

Each method does what the `Thread` method of that name promises and raises the errors it promises.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from zeitlich_store.errors import (
    ColdTierUnavailableError,
    ConflictError,
    HotTierCorruptError,
    ThreadNotFoundError,
)
from zeitlich_store.results import FlushStatus, HydrateStatus

Message = dict[str, Any]
State = dict[str, Any] | None
_revisions = itertools.count(1)


@dataclass(slots=True)
class Content:
    """Messages and state."""

    messages: list[Message] = field(default_factory=list)
    state: State = None


@dataclass(slots=True)
class HotModel:
    """A hot copy.

    `base` is the archive version it was made from, `fork_of` the source's revision where the copy
    is an untouched fork, `own` the versions flushes of this copy have written, with its revisions.
    """

    content: Content = field(default_factory=Content)
    base: Content | None = None
    dirty: bool = True
    damaged: bool = False
    fork_of: int = 0
    own: list[tuple[Content, int]] = field(default_factory=list)
    revision: int = field(default_factory=lambda: next(_revisions))

    def changed(self) -> None:
        """Note a change."""
        self.dirty, self.fork_of, self.revision = True, 0, next(_revisions)


@dataclass(slots=True)
class ThreadModel:
    """A thread in two tiers. Each version of `cold` is an object of its own, never changed.

    `conflicts`: the cold tier tells a foreign version from one of this thread's own.
    """

    hot: HotModel | None = None
    cold: Content | None = None
    conflicts: bool = False

    def _found(self) -> HotModel | None:
        if self.hot and self.hot.damaged:
            raise HotTierCorruptError
        return self.hot

    def _hot(self) -> HotModel:
        if not self._found():
            raise ThreadNotFoundError
        return self.hot  # type: ignore[return-value]  # just looked at

    # -- life ----------------------------------------------------------------------------------

    def initialize(self, *, replace: bool) -> bool:
        """As `Thread.initialize`."""
        if not replace and self.hydrate() is not HydrateStatus.NOT_FOUND:
            return False
        self.hot = HotModel(base=self.cold)
        return True

    def hydrate(self) -> HydrateStatus:
        """As `Thread.hydrate`; its status."""
        if self._found():
            return HydrateStatus.HOT
        if self.cold is None:
            return HydrateStatus.NOT_FOUND
        self.hot = HotModel(copy.deepcopy(self.cold), self.cold, dirty=False)
        return HydrateStatus.RESTORED

    def flush(self, *, keep: bool) -> FlushStatus:
        """As `Thread.flush`; its status."""
        hot = self._found()
        if hot is None:
            return FlushStatus.NOTHING
        status = FlushStatus.ARCHIVED if hot.dirty else FlushStatus.CLEAN
        if hot.dirty:
            self._check_base()
            self.archive()
        hot.base, hot.dirty = self.cold, False
        self.hot = hot if keep else None
        return status

    def in_conflict(self) -> bool:
        """Whether a flush finds an archive that nothing explains."""
        hot = self.hot
        if not (self.conflicts and hot and hot.dirty):
            return False
        known = hot.base is self.cold or any(version is self.cold for version, _ in hot.own)
        return not known and self.cold != hot.content

    def _check_base(self) -> None:
        if self.in_conflict():
            raise ConflictError

    def resolve(self, keep: str) -> FlushStatus:
        """As `Thread.resolve`; its status."""
        try:
            return self.flush(keep=False)
        except ConflictError:
            if keep == "archive":
                self.drop_hot()
                return FlushStatus.DROPPED
            self.archive()
            self.hot = None
            return FlushStatus.ARCHIVED

    def archive(self) -> None:
        """The archive becomes what is hot."""
        if self.hot:
            self.cold = copy.deepcopy(self.hot.content)
            self.hot.own.append((self.cold, self.hot.revision))

    def refused(self, *, content_tokens: bool) -> bool:
        """Whether a conditional write of the hot copy finds another version than its base."""
        base = self.hot.base if self.hot else None
        return base != self.cold if content_tokens else base is not self.cold

    def failing_flush(self, fail: str) -> FlushStatus:
        """A flush whose write fails, ``"before"`` or ``"after"`` it landed."""
        hot = self._found()
        if hot is None or not hot.dirty:
            return self.flush(keep=False)
        if fail == "after":
            if self._holds(hot):
                return self.flush(keep=False)  # an earlier write that seemed to fail is found
            self._check_base()
            self.archive()
        raise ColdTierUnavailableError

    def _holds(self, hot: HotModel) -> bool:
        """Whether the archive is a version of this hot copy, which has not changed since."""
        return self.conflicts and any(
            version is self.cold and revision == hot.revision for version, revision in hot.own
        )

    def drop_hot(self) -> bool:
        """As `Thread.drop_hot`."""
        was_hot, self.hot = self.hot is not None, None
        return was_hot

    def evict_key(self, part: str) -> bool:
        """The hot tier loses a part; whether there was one. Meta and ids are there always."""
        hot = self._hot()
        parts = {"meta": True, "ids": True, "list": bool(hot.content.messages)}
        parts["state"] = hot.content.state is not None
        hot.damaged = hot.damaged or parts[part]
        return parts[part]

    def delete(self) -> None:
        """As `Thread.delete`."""
        self.hot = self.cold = None

    def fork_to(self, target: ThreadModel) -> None:
        """As `Thread.fork` with a given id."""
        target._found()
        if target.cold is not None:
            raise ConflictError
        source = self._found()
        if target.hot:
            if source and target.hot.fork_of == source.revision:
                return  # a retry of the same fork
            raise ConflictError
        source = self._hot()
        target.hot = HotModel(copy.deepcopy(source.content), fork_of=source.revision)

    # -- messages and state ------------------------------------------------------------------------

    def append(self, messages: Sequence[Message]) -> int:
        """As `Thread.append`."""
        if not messages:
            return 0
        hot = self._hot()
        known = {message.get("id") for message in hot.content.messages} - {None}
        added = 0
        for message in messages:
            if message.get("id") not in known:
                hot.content.messages.append(message)
                known |= {message.get("id")} - {None}
                added += 1
        if added:
            hot.changed()
        return added

    def load(self, last: int | None) -> list[Message]:
        """As `Thread.load`."""
        messages = self._hot().content.messages
        return messages[-last:] if last else [] if last == 0 else list(messages)

    def length(self) -> int:
        """As `Thread.length`."""
        return len(self._hot().content.messages)

    def replace_all(self, messages: Sequence[Message]) -> None:
        """As `Thread.replace_all`."""
        ids = [message["id"] for message in messages if "id" in message]
        if len(ids) != len(set(ids)):
            raise ValueError
        hot = self._hot()
        hot.content.messages = list(messages)
        hot.changed()

    def truncate_from_id(self, message_id: str) -> int:
        """As `Thread.truncate_from_id`."""
        hot = self._hot()
        ids = [message.get("id") for message in hot.content.messages]
        if message_id not in ids:
            return 0
        at = ids.index(message_id)
        del hot.content.messages[at:]
        hot.changed()
        return len(ids) - at

    def save_state(self, state: State) -> None:
        """As `Thread.save_state`, and `Thread.delete_state` (None)."""
        try:
            hot = self._hot()
        except ThreadNotFoundError:
            if state is None:
                return
            raise
        if hot.content.state != state:
            hot.content.state = state
            hot.changed()

    def load_state(self) -> State:
        """As `Thread.load_state`."""
        hot = self._found()
        return hot.content.state if hot else None

    def read(self) -> tuple[list[Message], State, Literal["hot", "cold"]]:
        """As `ThreadStore.read`: messages, state and tier."""
        if hot := self._found():
            return hot.content.messages, hot.content.state, "hot"
        if self.cold is None:
            raise ThreadNotFoundError
        return self.cold.messages, self.cold.state, "cold"
