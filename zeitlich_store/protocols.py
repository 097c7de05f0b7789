"""What a tier, an object store or a codec must do. Adapters document differences only.

Contract common to all tiers:

* Every method may be retried after an error: changes carry an operation id and a resend of the
  same id has no second effect. An adapter that resends by itself sends the same id.
* `None` means "never written"; an error means "written but unreadable".
* Errors are those of `zeitlich_store.errors`, foreign ones are their `__cause__`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, runtime_checkable

from .models import (
    Archived,
    ArchiveInfo,
    Base,
    Blob,
    Entry,
    EvictOutcome,
    Expected,
    HotExport,
    HotInfo,
    HotStatus,
    HotView,
    ObjectInfo,
    Outcome,
    Removed,
    Snapshot,
    ThreadRef,
    Version,
    Written,
)


class HotTier(Protocol):
    """Holds the threads agents work on. Every method is atomic to all other clients.

    Methods that need the thread hot raise `ThreadNotFoundError` where it is not, and
    `HotTierCorruptError` where part of it is missing. `op` is the operation id of a change.
    """

    async def open(self) -> None:
        """Connect and check the configuration; called once, before anything else."""

    async def aclose(self) -> None:
        """Release what this object opened; a client it was given stays open."""

    async def status(self, ref: ThreadRef) -> HotStatus:
        """Whether the thread is hot, and its gate, for a later `initialize` or `restore`."""

    async def initialize(
        self,
        ref: ThreadRef,
        *,
        op: str,
        gate: str,
        replace: bool = False,
        base: Base | None = None,
    ) -> Outcome:
        """Make an empty hot thread. `HOT`: one is hot; `STALE`: the gate is not `gate` any more.

        With `replace`, whatever is hot is discarded, the gate is not looked at, and `base` names
        the archive version the new thread's first flush replaces (None: there is none).
        """

    async def append(self, ref: ThreadRef, entries: Sequence[Entry], *, op: str) -> int:
        """Append the entries whose id is not there yet; the number newly stored."""

    async def load(self, ref: ThreadRef, last: int | None = None) -> list[str]:
        """The messages in order; only the last `last` of them are transferred where given."""

    async def length(self, ref: ThreadRef) -> int:
        """Number of messages."""

    async def replace_all(self, ref: ThreadRef, entries: Sequence[Entry], *, op: str) -> None:
        """Replace every message; the ids in `entries` are distinct. State is kept."""

    async def truncate_from_id(self, ref: ThreadRef, message_id: str, *, op: str) -> int:
        """Remove that message and all after it; the number removed (0: no such id)."""

    async def load_state(self, ref: ThreadRef) -> str | None:
        """The state's JSON text, None where none was saved. Needs the thread hot."""

    async def save_state(
        self, ref: ThreadRef, state: str | None, *, op: str, seen: str | None = None
    ) -> bool:
        """Save the state's JSON text, or delete it (None).

        True where the text replaced was neither `seen` nor `state`: another writer's change is
        overwritten.
        """

    async def fork(
        self, ref: ThreadRef, target: ThreadRef, *, op: str, gate: str | None = None
    ) -> Outcome:
        """Copy a hot thread to `target`; `HOT`: the target is hot; `NOT_HOT`: the source is not.

        `gate` None skips the gate, for a target with a fresh random id. A fork of the same
        source revision that is still untouched counts as this one (`OK`).
        """

    async def read(self, ref: ThreadRef, last: int | None = None) -> HotView | None:
        """Messages and state at one moment, None where the thread is not hot."""

    async def which_hot(self, refs: Sequence[ThreadRef]) -> set[ThreadRef]:
        """Those of the threads that are hot, in one round trip."""

    async def dead_writes(self, refs: Sequence[ThreadRef]) -> Mapping[ThreadRef, AbstractSet[str]]:
        """Write ids of those threads whose put must not count, as their gates say."""

    async def info(self, ref: ThreadRef) -> HotInfo | None:
        """Counts, revision and expiry, None where the thread is not hot."""

    async def export(self, ref: ThreadRef) -> HotExport | None:
        """Everything, and a new write id in `pending`, at a resend another; None: not hot."""

    async def evict(
        self,
        ref: ThreadRef,
        export: HotExport,
        *,
        base: Base,
        head: str | None,
        keep: bool = False,
    ) -> EvictOutcome:
        """Free the thread if it is still at the exported revision; the gate is set.

        `base` is the archive version that holds the export, `head` that version's write id
        (None: nothing was written). With `keep` the thread stays hot, clean, on the new base.
        Where the thread changed, it stays hot and dirty and its base moves forward.
        """

    async def restore(
        self,
        ref: ThreadRef,
        snapshot: Snapshot,
        *,
        base: Base | None,
        gate: str,
        op: str,
        dirty: bool = False,
    ) -> Outcome:
        """Publish a snapshot as a hot thread, atomically to any reader.

        `base` is the archive version it replaces (None: there is none); it is clean unless
        `dirty`, that is, unless the snapshot differs from that version.

        `HOT`: something is hot; `STALE`: the gate is not `gate`; `DEAD`: the gate lists the
        snapshot's write id as one that must not count.
        """

    async def drop(self, ref: ThreadRef, *, op: str, revision: str | None = None) -> bool:
        """Give the hot copy up (only at `revision`, where given); whether it was there."""

    async def delete(self, ref: ThreadRef, *, op: str) -> str | None:
        """First half of a delete: remove the keys, set the gate; the copy's archive token."""

    async def finish_delete(
        self, ref: ThreadRef, *, op: str, tokens: Sequence[str], write_ids: Sequence[str]
    ) -> None:
        """Second half: remove a copy that was restored from a deleted version, or wrote one."""


@runtime_checkable
class ScannableHotTier(Protocol):
    """A hot tier that can list its threads."""

    async def scan(
        self, *, key: str, cursor: str = "", limit: int = 100
    ) -> tuple[list[HotInfo], str]:
        """About `limit` hot threads of that thread key and the next cursor ("" at the end)."""


class ColdTier(Protocol):
    """Keeps one snapshot per thread for ever."""

    async def open(self) -> None:
        """Check the configuration; a missing bucket is a `ConfigurationError`."""

    async def aclose(self) -> None:
        """Release what this object opened."""

    async def read(self, ref: ThreadRef) -> Archived | None:
        """The newest version, or None where there definitely is none."""

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        """Write a version over the expected one, or raise `PreconditionFailedError`."""

    async def delete(self, ref: ThreadRef, *, expected: Expected = Version.ANY) -> list[Removed]:
        """Remove the thread's archive, readable or not, or exactly the version with that token.

        The versions removed. `PreconditionFailedError`: another is there; nothing was removed.
        """


@runtime_checkable
class NamingColdTier(Protocol):
    """A cold tier that has no place for some names."""

    def check(self, ref: ThreadRef) -> None:
        """Raise `ValueError` where the thread's name cannot be archived; no I/O."""


@runtime_checkable
class ListableColdTier(Protocol):
    """A cold tier that can list its threads."""

    async def list(self, *, key: str, after: str = "", limit: int = 100) -> list[ArchiveInfo]:
        """Up to `limit` archived threads of that thread key, by path, after path `after`."""


class ObjectStore(Protocol):
    """Moves bytes. Paths are relative to the store's root, with ``/`` between parts."""

    async def open(self) -> None:
        """Check that the bucket or folder can be used; a missing one is `ConfigurationError`."""

    async def aclose(self) -> None:
        """Close the sessions this object opened."""

    async def get(self, path: str) -> Blob | None:
        """The whole object, or None where there definitely is none."""

    async def get_range(self, path: str, start: int, end: int) -> bytes | None:
        """Bytes `start` to `end` (exclusive) of an object."""

    async def put(self, path: str, data: bytes, *, content_type: str | None = None) -> str | None:
        """Write an object whole: readers see the old one or the new one. Its token, if any."""

    async def delete(self, path: str) -> bool:
        """Remove an object; a missing one is no error. Whether there was one, as far as known."""

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """Objects whose path starts with `prefix`, in path order, after path `after`."""


@runtime_checkable
class ConditionalObjectStore(Protocol):
    """An object store that can compare and write in one step. Its blobs and puts have tokens."""

    proven: bool
    """Whether the conditions are this library's own work, so that no probe is needed."""

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        """`put`, but only over the version with that token (None: where there is no object).

        `PreconditionFailedError`: another object is there, or none; nothing was written. It may be
        this very write, where its reply was lost and a client below sent it again.
        `ConfigurationError`: the service has no such condition; nothing was written.
        """

    async def delete_if(self, path: str, *, expected: str) -> bool:
        """`delete`, but only the version with that token; False where there is no object.

        Raises as `put_if`.
        """


class Codec(Protocol):
    """Turns a format's bytes into stored bytes and back. Synchronous and free of I/O."""

    @property
    def name(self) -> str:
        """The name in URLs, ``"zstd"`` for instance."""

    @property
    def suffix(self) -> str:
        """What a v1 object's name ends with after ``.json``, ``".gz"`` for instance."""

    @property
    def content_type(self) -> str:
        """The content type of a v1 object."""

    def matches(self, data: bytes) -> bool:
        """Whether stored bytes begin the way this codec's do."""

    def encode(self, data: bytes) -> bytes:
        """Stored bytes of `data`."""

    def decode(self, data: bytes, *, max_bytes: int) -> bytes:
        """`data` of stored bytes.

        Raises `CorruptSnapshotError` for damage, truncation, trailing bytes or a second frame and
        `LimitExceededError` before more than `max_bytes` were produced.
        """
