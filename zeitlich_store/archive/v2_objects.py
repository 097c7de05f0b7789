"""Archives in format v2: one head a thread, committed over exactly the version expected."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .. import _cpu
from ..encryption import Encryption
from ..errors import ConflictError, PreconditionFailedError
from ..keys import v2_path
from ..models import Archived, Blob, Removed, Snapshot, ThreadRef, Written
from ..protocols import Codec
from ..snapshot import v2
from ..snapshot.v2_layout import Header, is_sealed, read_header
from .commits import CommitStore, another
from .v1_objects import ATTEMPTS, EXPANSION, UNREADABLE

TOKEN: Final = "v2:"  # noqa: S105  # a version token's beginning, no secret
_SEALED: Final = "v2:sealed:"
"""How the token of an encrypted version begins."""


class V2Objects:
    """The v2 archives of a store, at ``{prefix}/v2/{thread key}/{thread id}/head.zt2``."""

    def __init__(
        self,
        store: CommitStore,
        codecs: Sequence[Codec],
        *,
        prefix: str,
        max_bytes: int,
        content_type: str | None,
        encryption: Encryption,
    ) -> None:
        self.store = store
        self.encryption = encryption
        self.codecs = codecs
        self.prefix = prefix
        self.max_bytes = max_bytes
        self._content_type = content_type or v2.CONTENT_TYPE

    def path(self, ref: ThreadRef) -> str:
        """Where the thread's head lies."""
        return v2_path(self.prefix, ref)

    async def head(self, ref: ThreadRef) -> Blob | None:
        """The thread's head, not looked into."""
        return await self.store.get(self.path(ref))

    async def read(self, ref: ThreadRef) -> Archived | None:
        """The thread's archive, None where there definitely is none."""
        head = await self.head(ref)
        return None if head is None else await self.decode(ref, head)

    async def decode(self, ref: ThreadRef, head: Blob) -> Archived:
        """The snapshot in a head."""
        try:
            found = await self.parsed(head.data, ref)
        except UNREADABLE as exc:
            raise type(exc)(f"{self.path(ref)}: {exc}") from exc
        token = _ours(str(head.token), head.data)
        return Archived(found.snapshot, token, len(head.data), versioned=True)

    async def parsed(self, data: bytes, ref: ThreadRef | None) -> v2.Parsed:
        """What an object holds, and whose it is; `ref`: whose it should be, None: anybody's."""
        keys, most = await self.encryption.keys_of(data), self.max_bytes
        return await _cpu.run(
            lambda: v2.parse(data, self.codecs, max_bytes=most, ref=ref, keys=keys),
            size=len(data) * EXPANSION,
        )

    async def sealed_as_written(self, header: Header) -> bool:
        """Whether an object is encrypted, or not, as a new one would be, under the same key."""
        key = await self.encryption.writing()
        return (header.key if header.aead else None) == key

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: str | None) -> Written:
        """Commit over the version with that token of ours, or (None) where there is no head.

        `MissingKeyError`: that would put a plain version in place of an encrypted one unasked.
        `LimitExceededError`: this very store would refuse to read it.
        """
        if expected is not None and not expected.startswith(TOKEN):
            raise another(self.path(ref))
        if not snapshot.write_id:  # from an admin tool, not from a flush
            snapshot = replace(snapshot, write_id=secrets.token_hex(16))
        snapshot = replace(snapshot, generation=max(1, snapshot.generation))
        size = sum(map(len, snapshot.messages)) + len(snapshot.state or "")
        codec, sealer = self.codecs[0], await self.encryption.sealer()
        if sealer is None and expected is not None and expected.startswith(_SEALED):
            self.encryption.check_unsealing()
        data = await _cpu.run(
            lambda: v2.encode(ref, snapshot, codec, sealer=sealer, max_bytes=self.max_bytes),
            size=size,
        )
        token = await self.store.put(
            self.path(ref),
            data,
            expected=expected and _theirs(expected),
            content_type=self._content_type,
        )
        return Written(_ours(token, data), len(data), snapshot.generation)

    async def commit(self, ref: ThreadRef, snapshot: Snapshot, *, expected: str | None) -> Written:
        """`write`, where a head of the very same write id says that it landed, its reply lost."""
        try:
            return await self.write(ref, snapshot, expected=expected)
        except PreconditionFailedError:
            head = await self.read(ref)
            if head is None or head.snapshot.write_id != snapshot.write_id:
                raise
            return Written(head.token, head.size, head.snapshot.generation)

    async def delete_version(self, ref: ThreadRef, token: str) -> list[Removed]:
        """Remove the head with that token of ours."""
        removed = await self.store.delete(self.path(ref), expected=_theirs(token))
        return [Removed(token)] if removed else []

    async def delete(self, ref: ThreadRef) -> list[Removed]:
        """Remove whichever head there is, readable or not."""
        removed: list[Removed] = []
        for _ in range(ATTEMPTS):
            head = await self.head(ref)
            if head is None:
                return removed
            token = _ours(str(head.token), head.data)
            removed.append(Removed(token, _write_id(head.data)))
            try:
                await self.delete_version(ref, token)
            except PreconditionFailedError:
                continue  # replaced since it was read: look again
            return removed
        raise ConflictError(
            f"{self.path(ref)} was replaced {ATTEMPTS} times while it was to be deleted; retry"
        )


def _ours(token: str, data: bytes) -> str:
    """Our token of an object: the store's, and whether it is encrypted."""
    return f"{_SEALED if is_sealed(data) else TOKEN}{token}"


def _theirs(token: str) -> str:
    """The store's token in one of ours."""
    return token.removeprefix(_SEALED if token.startswith(_SEALED) else TOKEN)


def _write_id(data: bytes) -> str:
    """The write id of an object, "" where its header is damaged."""
    try:
        return read_header(data).write_id.hex()
    except UNREADABLE:
        return ""
