"""Values that travel between the layers: frozen, slotted, without behaviour of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, NamedTuple

MAX_ID_BYTES: Final = 1024
"""Longest thread key and thread id, in bytes of UTF-8."""

UNPLACED: Final = -1
"""Index of a message id that is known to be taken while its message's place is not known."""


@dataclass(frozen=True, slots=True)
class ThreadRef:
    """Names one thread: the thread key (a kind of thread, ``"messages"`` by default) and its id.

    Raises `ValueError` for an empty part, one over 1,024 bytes or one that is not valid unicode.
    """

    key: str
    id: str

    def __post_init__(self) -> None:
        for field in ("key", "id"):
            name = getattr(self, field)
            _check_name(f"thread {field}", name)
            if type(name) is not str:  # an enum's member shows another text than it is
                object.__setattr__(self, field, str.__str__(name))

    def __str__(self) -> str:
        return f"{self.key}/{self.id}"


def _check_name(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"a {what} is a str, not {type(value).__name__}")
    if not value:
        raise ValueError(f"a {what} must not be empty")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as exc:
        raise ValueError(f"a {what} must be valid unicode, {value!r} is not") from exc
    if size > MAX_ID_BYTES:
        raise ValueError(f"a {what} has at most {MAX_ID_BYTES} bytes, this one has {size}")


class Entry(NamedTuple):
    """One message on its way into the hot tier: its exact text and its id (None: no dedup)."""

    raw: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a thread's content, as a cold tier keeps it.

    `messages` are the exact strings that were appended, `state` is JSON text or None, `ids` pairs
    each message id with the index of its message (`UNPLACED` where that is not known). The other
    fields are the commit protocol's; formats that have no room for them leave the defaults.
    """

    messages: tuple[str, ...] = ()
    state: str | None = None
    ids: tuple[tuple[str, int], ...] = ()
    lineage: str = ""
    generation: int = 0
    write_id: str = ""
    ops: tuple[str, ...] = ()

    @property
    def dedup_ids(self) -> tuple[str, ...]:
        """The message ids alone, in the order of `ids`."""
        return tuple(message_id for message_id, _ in self.ids)

    def same_content(self, other: Snapshot) -> bool:
        """Whether both hold the same messages, state and message ids."""
        return (
            self.messages == other.messages
            and self.state == other.state
            and set(self.dedup_ids) == set(other.dedup_ids)
        )


class Version(Enum):
    """What a writer expects to find in the cold tier where it expects no particular version."""

    ANY = "any"
    ABSENT = "absent"


Expected = Version | str
"""`Version.ANY`, `Version.ABSENT` or the token of the version a write replaces."""


class Archived(NamedTuple):
    """A snapshot read from the cold tier, its version token and its stored size in bytes.

    `versioned`: the tier stores generation and write id with every version it writes, so that no
    two versions have one token and a writer recognises its own.
    """

    snapshot: Snapshot
    token: str
    size: int
    versioned: bool = False


class Written(NamedTuple):
    """What a cold write returns: the new version's token, its stored size in bytes, its generation.

    `generation` is None where the tier is not versioned, see `Archived`.
    """

    token: str
    size: int
    generation: int | None = None


class Removed(NamedTuple):
    """A version a cold tier removed; its write id is "" where it had or showed none."""

    token: str
    write_id: str = ""


class Blob(NamedTuple):
    """An object's bytes and its version token (None where the store has no tokens)."""

    data: bytes
    token: str | None


class ObjectInfo(NamedTuple):
    """One row of an object listing; `size` in bytes, `modified` in seconds since 1970 or None."""

    path: str
    size: int
    modified: float | None


class ArchiveInfo(NamedTuple):
    """One archived thread in a listing; `size` in bytes as stored, `path` names its object."""

    ref: ThreadRef
    path: str
    size: int
    modified: float | None


class HotStatus(NamedTuple):
    """Whether a thread is hot, and the nonce of its gate ("" where there is no gate)."""

    hot: bool
    gate: str


class HotView(NamedTuple):
    """Messages and state of a hot thread, read at one moment."""

    messages: list[str]
    state: str | None


@dataclass(frozen=True, slots=True)
class HotInfo:
    """What the hot tier knows of a thread without reading its messages.

    `expires_in` is in seconds (None: never). `token` is the archive version this copy contains,
    None where the thread was never archived.
    """

    ref: ThreadRef
    messages: int
    dirty: bool
    generation: int
    revision: str
    token: str | None
    expires_in: float | None


@dataclass(frozen=True, slots=True)
class HotExport:
    """Everything the hot tier holds of a thread, read atomically at the start of a flush.

    `write_id` names this attempt and stands in `pending`; `revision` is incarnation and counter;
    `token` and `generation` name the archive version the copy contains (None and 0: none yet).
    """

    snapshot: Snapshot
    write_id: str
    revision: str
    token: str | None
    generation: int
    dirty: bool
    pending: tuple[str, ...]
    dead: tuple[str, ...]

    @property
    def incarnation(self) -> str:
        """The part of the revision that is new at each initialize, restore and fork."""
        return self.revision.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Base:
    """The archive version a hot copy contains (or, for ``mode="new"``, replaces).

    `write_id` is "" where the archive has none.
    """

    token: str
    generation: int
    write_id: str = ""


class Outcome(StrEnum):
    """What a step that makes a thread hot did."""

    OK = "ok"
    HOT = "hot"
    """Something is hot under that name already; nothing was changed."""
    STALE = "stale"
    """The gate is not the one that was seen: the world moved on, read again."""
    DEAD = "dead"
    """The archive was written by an attempt that must not count any more."""
    NOT_HOT = "not-hot"
    """The source of a fork is not hot."""


class EvictOutcome(StrEnum):
    """What `HotTier.evict` did."""

    EVICTED = "evicted"
    """Nothing had changed: the hot copy is gone (or kept and clean, where it was to be kept)."""
    CHANGED = "changed"
    """The thread changed since the export: it stays hot and dirty."""
    GONE = "gone"
    """The thread is not hot any more and its archive stands."""
    DEAD = "dead"
    """Another archived the thread meanwhile, and this flush's version must not count any more."""
    UNDO = "undo"
    """The thread was deleted meanwhile; the archive this flush wrote must be removed again."""
