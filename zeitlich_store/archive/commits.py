"""Compare and write on an object store: by its own conditions, or by looking first.

Which of the two is found out by a probe, not by the service's name: some take a condition and
ignore it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from typing import Final, Literal, NamedTuple

from ..errors import ConfigurationError, PreconditionFailedError, ZeitlichStoreError
from ..models import Blob
from ..protocols import ConditionalObjectStore, ObjectStore

Mode = Literal["auto", "require", "off"]
MODES: Final = ("auto", "require", "off")
_LAST_WINS: Final = (
    "of two stores that write one thread at the very same moment the last writer wins "
    "(conditional=off says that this is known)"
)
log = logging.getLogger("zeitlich_store")


class Conditions(NamedTuple):
    """Which conditions a service really keeps."""

    create: bool
    replace: bool
    delete: bool

    @property
    def writes(self) -> bool:
        """Whether of two writers with stale knowledge one is refused, always."""
        return self.create and self.replace

    def __str__(self) -> str:
        missing = [name for name, kept in self._asdict().items() if not kept]
        return f"does not keep the conditions for {', '.join(missing)}" if missing else "keeps all"


NO_CONDITIONS: Final = Conditions(create=False, replace=False, delete=False)
ALL_CONDITIONS: Final = Conditions(create=True, replace=True, delete=True)


class CommitStore:
    """An object store with compare-and-write, whatever it offers itself.

    Args:
        store: Where the objects lie; closed with this object.
        mode: ``"auto"`` uses the conditions the store keeps (probed before the first write),
            ``"require"`` refuses to open without them, ``"off"`` never uses them.
        folder: Where a probe may write its object.
    """

    def __init__(self, store: ObjectStore, *, mode: Mode = "auto", folder: str = "") -> None:
        self.store = store
        self._mode = mode
        self._folder = folder
        self._known: Conditions | None = self._without_probe()
        self._probing = asyncio.Lock()

    def _without_probe(self) -> Conditions | None:
        if self._mode == "off" or not isinstance(self.store, ConditionalObjectStore):
            return NO_CONDITIONS
        return ALL_CONDITIONS if self.store.proven and self._mode == "auto" else None

    async def open(self) -> None:
        """Open the store; with ``"require"``, `ConfigurationError` where it ignores conditions."""
        self._probing = asyncio.Lock()  # of this event loop
        await self.store.open()
        try:
            await self._require()
        except BaseException:  # closes, raises again
            await self.store.aclose()
            raise
        if self._known == NO_CONDITIONS:
            level = logging.INFO if self._mode == "off" else logging.WARNING
            name = type(self.store).__name__
            log.log(level, "%s is used without conditional writes: %s", name, _LAST_WINS)

    async def _require(self) -> None:
        if self._mode == "require":
            found = await self.conditions()
            if not found.writes:
                raise ConfigurationError(
                    f"conditional=require, but this object store {found}; use conditional=auto to "
                    "go on with the last writer winning"
                )

    async def aclose(self) -> None:
        """Close the store."""
        await self.store.aclose()

    @property
    def known(self) -> Conditions | None:
        """The conditions the store keeps, None as long as nobody had to know."""
        return self._known

    async def conditions(self) -> Conditions:
        """The conditions the store keeps, probed once."""
        async with self._probing:
            if self._known is None:
                self._known = await probe(self.store, self._folder)
                if not self._known.writes:
                    name = type(self.store).__name__
                    log.warning("%s %s: %s", name, self._known, _LAST_WINS)
            return self._known

    async def get(self, path: str) -> Blob | None:
        """The object, with a token in any case."""
        blob = await self.store.get(path)
        return None if blob is None else Blob(blob.data, token_of(blob))

    async def put(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        """Write over the version with that token (None: where there is none); the new token.

        Raises:
            PreconditionFailedError: Another object is there, or none; nothing was written.
        """
        if (await self.conditions()).writes and isinstance(self.store, ConditionalObjectStore):
            return await self.store.put_if(path, data, expected=expected, content_type=content_type)
        await self._look(path, expected)
        token = await self.store.put(path, data, content_type=content_type)
        return token_of(Blob(data, token))

    async def delete(self, path: str, *, expected: str) -> bool:
        """Remove the version with that token; False where there is no object.

        Raises:
            PreconditionFailedError: Another object is there; nothing was removed.
        """
        if (await self.conditions()).delete and isinstance(self.store, ConditionalObjectStore):
            return await self.store.delete_if(path, expected=expected)
        if await self.store.get(path) is None:
            return False
        await self._look(path, expected)
        return await self.store.delete(path)

    async def _look(self, path: str, expected: str | None) -> None:
        found = await self.get(path)
        if (found and found.token) != expected:
            raise another(path)


def token_of(blob: Blob) -> str:
    """The store's own token, or one of the content where it has none."""
    return blob.token or f"sha256-{hashlib.sha256(blob.data).hexdigest()}"


def another(path: str) -> PreconditionFailedError:
    """The refusal of a write or delete that expected something else."""
    return PreconditionFailedError(f"object {path} is another version than expected")


async def probe(store: ObjectStore, folder: str = "") -> Conditions:
    """Which conditions a store keeps, tried out on an object of its own below `folder`.

    At most eight requests. Errors that say nothing about conditions are raised.
    """
    if not isinstance(store, ConditionalObjectStore):
        return NO_CONDITIONS
    path = "/".join(part for part in (folder, ".probe", secrets.token_hex(16)) if part)
    try:
        return await _probe(store, path)
    finally:
        try:
            await store.delete(path)
        except ZeitlichStoreError as exc:
            log.info("the probe object %s could not be removed: %s", path, exc)


async def _probe(store: ConditionalObjectStore, path: str) -> Conditions:
    try:
        first = await store.put_if(path, b"first", expected=None)
    except ConfigurationError:
        return NO_CONDITIONS
    create = await _refuses(store, path, None)
    if not create:
        first = await store.put_if(path, b"first again", expected=None)
    second = await _accepts(store, path, first)
    replace = second is not None and await _refuses(store, path, first)
    return Conditions(create, replace, delete=await _deletes(store, path, first, second))


async def _refuses(store: ConditionalObjectStore, path: str, expected: str | None) -> bool:
    """Whether a put over what is not there any more is refused."""
    try:
        await store.put_if(path, b"must be refused", expected=expected)
    except PreconditionFailedError:
        return True
    except ConfigurationError:
        return False
    return False


async def _accepts(store: ConditionalObjectStore, path: str, expected: str) -> str | None:
    """The token of a put over what is there; None where the service cannot do it."""
    try:
        return await store.put_if(path, b"second", expected=expected)
    except (PreconditionFailedError, ConfigurationError):
        return None


async def _deletes(
    store: ConditionalObjectStore, path: str, stale: str, current: str | None
) -> bool:
    """Whether a delete of another version is refused, and one of this version done."""
    try:
        await store.delete_if(path, expected=stale)
    except PreconditionFailedError:
        pass
    except ConfigurationError:
        return False
    else:
        return False
    try:
        return current is not None and await store.delete_if(path, expected=current)
    except (PreconditionFailedError, ConfigurationError):
        return False
