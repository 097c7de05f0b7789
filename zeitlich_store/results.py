"""What the public calls return: results, contents and listings. Frozen and slotted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from .models import HotInfo, Snapshot, ThreadRef


class FlushStatus(StrEnum):
    """What a flush did."""

    ARCHIVED = "archived"
    """A new archive was written (or an equal one recognised)."""
    CLEAN = "clean"
    """The archive was up to date; nothing was uploaded."""
    NOTHING = "nothing"
    """The thread was not hot (or the store has no cold tier); nothing was done."""
    GONE = "gone"
    """Another client archived or deleted the thread meanwhile."""
    DROPPED = "dropped"
    """A conflict was ended in favour of the archive: the hot copy was given up."""
    STILL_HOT = "still-hot"
    """Changes kept landing: what was exported is archived, the rest stays hot and dirty."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What a flush did: messages archived, stored bytes uploaded, rounds it took.

    `generation` counts this thread's archive versions (None where the format keeps no count).
    `hot` says whether the thread is hot afterwards.
    """

    status: FlushStatus
    messages: int = 0
    bytes: int = 0
    generation: int | None = None
    hot: bool = False
    rounds: int = 0


class HydrateStatus(StrEnum):
    """What a hydrate did."""

    RESTORED = "restored"
    HOT = "already-hot"
    NOT_FOUND = "not-found"


@dataclass(frozen=True, slots=True)
class HydrateResult:
    """What a hydrate did; `messages` and `bytes` (as stored) count what was restored."""

    status: HydrateStatus
    messages: int = 0
    bytes: int = 0
    generation: int | None = None

    @property
    def found(self) -> bool:
        """Whether the thread exists in either tier."""
        return self.status is not HydrateStatus.NOT_FOUND


@dataclass(frozen=True, slots=True)
class ThreadContents:
    """What `ThreadStore.read` returns: deserialized messages, the state dict and where they lay."""

    messages: list[Any]
    state: dict[str, Any] | None
    tier: Literal["hot", "cold"]


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """One thread in a listing; `size` in bytes as stored, `modified` in seconds since 1970."""

    ref: ThreadRef
    hot: bool
    archived: bool
    size: int | None = None
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """One page of a listing; `cursor` is None on the last page."""

    threads: list[ThreadInfo]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ThreadStat:
    """Both tiers' view of one thread; each part is None where the thread is not in that tier.

    `archived_bytes` is the stored size, `archived_messages` the number of messages in the archive,
    `archived_generation` how often it was written (None: its format does not count).
    """

    ref: ThreadRef
    hot: HotInfo | None
    archived_messages: int | None
    archived_bytes: int | None
    archived_generation: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One archive that was verified: `problem` is "" where nothing is wrong with it.

    `size` in bytes as stored; `messages` and `generation` are None where they could not be read
    (or the format keeps none), `ref` where not even the thread is known. `unchecked` says what
    could not be looked at: without any key, only the checksums of an encrypted archive.
    """

    path: str
    ref: ThreadRef | None
    format: Literal["v1", "v2"]
    size: int
    messages: int | None = None
    generation: int | None = None
    problem: str = ""
    unchecked: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem

    def read(self, ref: ThreadRef | None, snapshot: Snapshot) -> Checked:
        """This row with what was read."""
        count, generation = len(snapshot.messages), snapshot.generation or None
        return replace(self, ref=ref, messages=count, generation=generation)

    def damaged(self, problem: str) -> Checked:
        """This row with what is wrong, "" for nothing."""
        return replace(self, problem=problem)


class ConvertStatus(StrEnum):
    """What a conversion did to a thread."""

    CONVERTED = "converted"
    ALREADY = "already"
    """Its archive is in that format and codec."""
    HOT = "hot"
    """It is hot: its copy was made from the archive as it is. Flush it first."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Converted:
    """One thread of a conversion; sizes in bytes as stored.

    `ref` is None for an object so damaged that its thread is not known; `problem` names its path.
    """

    ref: ThreadRef | None
    status: ConvertStatus
    before: int | None = None
    after: int | None = None
    problem: str = ""
