"""Anyone's own class with the original's three methods, as a cold tier."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import replace
from typing import Any, Final, Protocol

from .. import _json
from ..errors import (
    ColdTierUnavailableError,
    ConfigurationError,
    CorruptSnapshotError,
    PreconditionFailedError,
    UnsupportedFormatError,
    map_errors,
)
from ..models import Archived, Expected, Removed, Snapshot, ThreadRef, Version, Written
from ..snapshot import v1

_METHODS: Final = ("read", "write", "delete")


class SimpleStore(Protocol):
    """The original's contract: a thread is named by key and id, the last writer wins."""

    async def read(self, thread_key: str, thread_id: str) -> Any:
        """A `Snapshot`, the original's v1 dict, or None where there is none."""

    async def write(self, thread_key: str, thread_id: str, snapshot: Snapshot) -> None:
        """Keep the snapshot as the newest one."""

    async def delete(self, thread_key: str, thread_id: str) -> None:
        """Remove it; a missing one is no error."""


def is_simple_cold_tier(obj: object) -> bool:
    """Whether an object has the plain three methods (a `ColdTier` expects a version to write).

    Raises:
        ConfigurationError: It has them, but one is not ``async``.
    """
    found = [getattr(obj, name, None) for name in _METHODS]
    methods = [inspect.unwrap(method) for method in found if callable(method)]
    if len(methods) < len(_METHODS):
        return False
    if "expected" in inspect.signature(methods[1]).parameters:
        return False
    sync = [n for n, m in zip(_METHODS, methods, strict=True) if not inspect.iscoroutinefunction(m)]
    if sync:
        raise ConfigurationError(f"{type(obj).__name__}.{sync[0]} must be an async method")
    return True


class SimpleColdTier:
    """Gives such an object the store's own contract; the object is never closed by it."""

    def __init__(self, obj: SimpleStore) -> None:
        self._obj = obj

    async def open(self) -> None:
        """The object is ready as it is."""

    async def aclose(self) -> None:
        """The object stays the caller's."""

    async def read(self, ref: ThreadRef) -> Archived | None:
        with _errors("read", ref):
            found = await self._obj.read(ref.key, ref.id)
        if found is None:
            return None
        known = _checked if isinstance(found, Snapshot) else _of_dict
        return _archived(known(ref, found))

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        head = await self.read(ref)
        _check(ref, expected, head)
        with _errors("write", ref):
            # A write id would be another one at each write of the same content, and so its token.
            plain = replace(snapshot, generation=0, write_id="")
            await self._obj.write(ref.key, ref.id, plain)
        archived = _archived(plain)
        return Written(archived.token, archived.size)

    async def delete(self, ref: ThreadRef, *, expected: Expected = Version.ANY) -> list[Removed]:
        try:
            head = await self.read(ref)
        except (CorruptSnapshotError, UnsupportedFormatError):
            head = None  # a delete is the user's word, readable or not
        if head is not None and isinstance(expected, str):
            _check(ref, expected, head)
        with _errors("delete", ref):
            await self._obj.delete(ref.key, ref.id)
        return [] if head is None else [Removed(head.token)]


def _archived(snapshot: Snapshot) -> Archived:
    """Its token is that of the state's value: a class may keep it as a dict, not as our text."""
    state = None if snapshot.state is None else _json.dumps(_json.loads(snapshot.state))
    token = hashlib.sha256(v1.encode(replace(snapshot, state=state))).hexdigest()
    return Archived(snapshot, token, len(v1.encode(snapshot)))


def _check(ref: ThreadRef, expected: Expected, head: Archived | None) -> None:
    token = Version.ABSENT if head is None else head.token
    if expected is not Version.ANY and expected != token:
        raise PreconditionFailedError(f"the archive of thread {str(ref)!r} is another version")


def _checked(ref: ThreadRef, found: Snapshot) -> Snapshot:
    """A snapshot whose fields are what they have to be; a class may have kept something else."""
    try:
        v1.encode(found)
        known = len(found.messages)
        places = all(isinstance(name, str) and -1 <= at < known for name, at in found.ids)
        words = (*found.ops, found.write_id, found.lineage)
        plain = all(isinstance(word, str) and len(word.split()) <= 1 for word in words)
        whole = isinstance(found.messages, tuple | list) and found.generation >= 0
    except (TypeError, ValueError, AttributeError, RecursionError) as exc:
        raise _no_snapshot(ref, exc) from exc
    if not (places and plain and whole):
        raise _no_snapshot(ref, "a field holds something else than it should")
    return replace(found, messages=tuple(found.messages))


def _no_snapshot(ref: ThreadRef, why: object) -> CorruptSnapshotError:
    return CorruptSnapshotError(
        f"the cold tier returned no snapshot for thread {str(ref)!r}: {why}"
    )


def _of_dict(ref: ThreadRef, found: Any) -> Snapshot:
    """A snapshot of the original's v1 dict, checked as a stored one is."""
    try:
        return v1.parse(_json.dumps(found).encode())
    except (TypeError, ValueError) as exc:
        raise _no_snapshot(ref, exc) from exc


def _errors(what: str, ref: ThreadRef) -> Any:
    """Whatever the caller's class raises, a retry is safe: each of its methods replaces whole."""
    return map_errors(
        {Exception: ColdTierUnavailableError}, f"the cold tier's {what} of thread {ref} failed"
    )
