"""The built-in cold tier: an object store, a codec and a format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal, TypedDict

from .. import _cpu
from ..abilities import BoundedObjectStore
from ..codecs.gzip import GzipCodec
from ..codecs.plain import JsonCodec
from ..codecs.zstd import ZstdCodec
from ..encryption import Encryption
from ..errors import ConfigurationError, ConflictError, PreconditionFailedError
from ..models import Archived, ArchiveInfo, Expected, Removed, Snapshot, ThreadRef, Version, Written
from ..protocols import Codec, ObjectStore
from ..results import Checked
from ..snapshot.ids import IdOfRaw
from ..snapshot.salvage import Salvaged
from .checking import Checker
from .commits import CommitStore, Conditions, Mode, another
from .converting import Converter
from .listing import has_head, list_archives
from .salvaging import salvage_of
from .v1_objects import V1Objects
from .v2_objects import TOKEN, V2Objects

DEFAULT_MAX_DECODED_BYTES: Final = 1 << 30
Format = Literal["v1", "v2"]


class _Common(TypedDict):
    prefix: str
    max_bytes: int
    content_type: str | None


class ObjectArchive:
    """Keeps one object per thread, by default in format v2.

    A version is written over exactly the one expected. Where the store cannot compare and write in
    one step, the object is read first, and of two writers at the very same time the last one wins.

    Args:
        store: Where the objects lie; closed with this tier.
        codec: How an archive is written (in format v1 a new one; an existing one keeps its own).
        codecs: What may be read, by the first bytes, whatever the object is called.
        prefix: First part of every path, ``"threads"`` as in the original.
        max_decoded_bytes: Largest decoded archive; more is `LimitExceededError`.
        content_type: Overrides the format's own.
        format: ``"v2"``, or ``"v1"`` for a bucket the original still writes to.
        conditional: ``"auto"`` uses the conditional writes the store really keeps, ``"require"``
            refuses to open without them, ``"off"`` never uses them.
        legacy: Whether v1 archives are looked for where there is none in v2.
        keep_v1: Whether a v1 archive stays where it is when the thread is first written in v2.
        encryption: How v2 archives are encrypted; None: not, and encrypted ones cannot be read.

    Raises `ConfigurationError` for format v1 with encryption, of which it has none.
    """

    def __init__(
        self,
        store: ObjectStore,
        codec: Codec,
        *,
        codecs: Sequence[Codec] = (),
        prefix: str = "threads",
        max_decoded_bytes: int = DEFAULT_MAX_DECODED_BYTES,
        content_type: str | None = None,
        format: Format = "v2",  # noqa: A002  # the name it has in a URL
        conditional: Mode = "auto",
        legacy: bool = True,
        keep_v1: bool = False,
        encryption: Encryption | None = None,
    ) -> None:
        self.encryption = encryption or Encryption()
        if format == "v1" and self.encryption.writes:
            raise ConfigurationError(
                "format=v1 cannot be encrypted: use format=v2, or say encryption=off"
            )
        known = codecs or (JsonCodec(), GzipCodec(), ZstdCodec())
        self.prefix = prefix.strip("/")
        self.codec = codec
        # The configured codec comes first: of two with one suffix, its level counts.
        self.codecs = (codec, *(c for c in known if c.suffix != codec.suffix))
        self.format: Format = format
        self.max_bytes = max_decoded_bytes
        if isinstance(store, BoundedObjectStore):
            # No codec of ours makes more of what it cannot compress.
            store.max_object_bytes = max_decoded_bytes + max_decoded_bytes // 64 + (1 << 20)
        self.commits = CommitStore(store, mode=conditional, folder=self.prefix)
        self._content_type = content_type
        self.v1, self.v2 = self._objects(self.codecs)
        self._legacy = legacy
        self._keep_v1 = keep_v1

    def _objects(self, codecs: Sequence[Codec]) -> tuple[V1Objects, V2Objects]:
        """The archives in both formats, written with the first of the codecs."""
        prefix, limit, kind = self.prefix, self.max_bytes, self._content_type
        common: _Common = {"prefix": prefix, "max_bytes": limit, "content_type": kind}
        refused = self.encryption.requires
        older = V1Objects(self.commits, codecs, **common, refused=refused)
        return older, V2Objects(self.commits, codecs, **common, encryption=self.encryption)

    @property
    def store(self) -> ObjectStore:
        """The object store, for admin tools."""
        return self.commits.store

    async def open(self) -> None:
        """Open the object store; a missing bucket is `ConfigurationError`."""
        await self.commits.open()

    async def aclose(self) -> None:
        """Close the object store."""
        await self.commits.aclose()

    async def conditions(self) -> Conditions:
        """Which conditional writes are used, probed where that is not known yet."""
        return await self.commits.conditions()

    def check(self, ref: ThreadRef) -> None:
        """Raise `ValueError` where the format has no path for the thread's name."""
        if self.format == "v1":
            self.v1.base(ref)

    def looks_for_v1(self, ref: ThreadRef) -> bool:
        """Whether the thread may have an archive in format v1."""
        return self._legacy and self.v1.has_path(ref)

    async def read(self, ref: ThreadRef) -> Archived | None:
        """The archive of a thread, in whichever format, name and codec it was written.

        Raises:
            ConflictError: There are two of which neither is known to be newer; the message names
                both. Or the tier writes v1, and there is one in v2.
            CorruptSnapshotError, UnsupportedFormatError, LimitExceededError: It cannot be read.
            EncryptionError: It is encrypted with another key, or is not and has to be.
        """
        if self.format == "v1":
            await self._refuse_v2(ref)
            found = await self.v1.find(ref)
            return await self.v1.decode(found) if found else None
        archived = await self.v2.read(ref)
        if archived is None and self.looks_for_v1(ref):
            found = await self.v1.find(ref)
            # Under neither name: it may have moved from the one to the other between the looks.
            archived = await (self.v1.decode(found) if found else self.v2.read(ref))
        return archived and archived._replace(versioned=True)

    async def _refuse_v2(self, ref: ThreadRef) -> None:
        if await self.v2.head(ref) is not None:
            raise ConflictError(
                f"thread {str(ref)!r} has an archive in format v2, {self.v2.path(ref)}; a store "
                f"with format=v1, which would keep it at {self.v1.base(ref)}, leaves it alone: "
                "open it without format=v1, or convert it"
            )

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        """Write over the expected version; `PreconditionFailedError` where another is there.

        An existing object that cannot be read is never overwritten.
        """
        if self.format == "v1":
            await self._refuse_v2(ref)
            return await self.v1.write(ref, snapshot, expected=expected)
        if expected is Version.ANY:
            head = await self.read(ref)
            expected = head.token if head else Version.ABSENT
            generation = head.snapshot.generation + 1 if head else 1
            snapshot = replace(snapshot, generation=max(generation, snapshot.generation))
        if isinstance(expected, str) and not expected.startswith(TOKEN):
            return await self._migrate(ref, snapshot, expected)
        token = expected if isinstance(expected, str) else None
        return await self.v2.write(ref, snapshot, expected=token)

    async def _migrate(self, ref: ThreadRef, snapshot: Snapshot, expected: str) -> Written:
        """The first version in v2 of a thread whose v1 archive has that token."""
        found = await self.v1.find(ref) if self.looks_for_v1(ref) else None
        if found is None or found.token != expected:
            raise another(found.path if found else self.v2.path(ref))
        written = await self.v2.commit(ref, snapshot, expected=None)
        if not self._keep_v1:
            # Changed since, it stays, and verify reports that the thread has both. It stays too
            # where the head is gone: a conversion has gone the other way (or it was deleted, then
            # this was removed as well). Never put back: that brought deleted threads back.
            with suppress(PreconditionFailedError):
                if await has_head(self.v2, ref):
                    await self.v1.remove(found)
        return written

    async def delete(self, ref: ThreadRef, *, expected: Expected = Version.ANY) -> list[Removed]:
        """Remove the thread's objects, readable or not; or exactly the version with that token."""
        if isinstance(expected, str):
            if expected.startswith(TOKEN):
                return await self.v2.delete_version(ref, expected)
            removed = await self.v1.delete(ref, expected=expected) if self._legacy else []
            if not removed and await has_head(self.v2, ref):
                raise another(self.v2.path(ref))
            return removed
        # The older format first: whatever stops this, the head still counts until it is gone.
        removed = await self.v1.delete(ref, expected=expected) if self.looks_for_v1(ref) else []
        return removed + await self.v2.delete(ref)

    async def list(self, *, key: str, after: str = "", limit: int = 100) -> list[ArchiveInfo]:
        """Archived threads of a thread key by path; objects that are no archive are left out."""
        v1 = self.v1 if self._legacy else None
        return await list_archives(v1, self.v2, key=key, after=after, limit=limit)

    # -- for admin tools ---------------------------------------------------------------------

    def verify(
        self, *, ref: ThreadRef | None = None, key: str | None = None
    ) -> AsyncGenerator[Checked, None]:
        """Read and check one thread's archive, a thread key's, or (neither) all of the prefix."""
        checker = Checker(self.v1 if self._legacy else None, self.v2)
        return checker.key(key) if ref is None else checker.thread(ref)

    def archived(self, *, key: str | None = None) -> AsyncGenerator[ThreadRef | Checked, None]:
        """Every archived thread of a thread key, or (None) of all keys.

        A row instead for an object so damaged that its thread is not known.
        """
        return Checker(self.v1, self.v2).refs(key)

    def converter(
        self,
        *,
        codec: Codec | None = None,
        keep_v1: bool = False,
        id_of: IdOfRaw | None = None,
    ) -> Converter:
        """Rewrites archives in another format, and with `codec` (None: this tier's)."""
        codec = codec or self.codec
        v1, v2 = self._objects((codec, *(c for c in self.codecs if c.suffix != codec.suffix)))
        return Converter(v1, v2, codec, keep_v1=keep_v1 or self._keep_v1, id_of=id_of)

    async def salvage(self, ref: ThreadRef) -> Salvaged | None:
        """What can be read of a v2 archive that may be damaged; None: there is none."""
        head = await self.v2.head(ref)
        if head is None:
            return None
        codecs, limit, keys = self.codecs, self.max_bytes, await self.encryption.keys_of(head.data)
        return await _cpu.run(
            lambda: salvage_of(ref, head.data, codecs, max_bytes=limit, keys=keys),
            size=len(head.data),
        )
