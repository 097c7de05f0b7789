"""`open_store`: from URLs, environment or ready objects to a store."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from ._secrets import forget_frames, hidden
from .archive import ObjectArchive
from .backends.simple_cold import SimpleColdTier, is_simple_cold_tier
from .encryption import Encryption, Keyring, KeySource
from .errors import ConfigurationError, map_errors
from .keys import THREAD_TTL_SECONDS
from .protocols import Codec, ColdTier, HotTier, ObjectStore
from .registry import find_backend, make_codec, readable_codecs
from .store import ThreadStore
from .transfers import TRANSFERS
from .urls import BackendUrl, file_url, parse_cold_url, parse_hot_url, scheme_of

HOT_ENV: Final = "ZEITLICH_HOT_URL"
COLD_ENV: Final = "ZEITLICH_COLD_URL"
HOT_ONLY: Final = "none"
DEFAULT_TTL_SECONDS: Final = 86_400
_HOT_METHODS: Final = ("status", "append", "export", "evict", "restore")
_ARCHIVE_OPTIONS: Final = (
    "prefix",
    "content_type",
    "format",
    "conditional",
    "legacy",
    "keep_v1",
)
_STORE_METHODS: Final = ("get", "put", "delete", "list")


def open_store(
    hot: str | HotTier | Any = None,
    cold: str | ColdTier | ObjectStore | Any = None,
    *,
    codec: str | Codec | None = None,
    storage_options: Mapping[str, Any] | None = None,
    max_decoded_bytes: int | None = None,
    encryption: Keyring | KeySource | Encryption | None = None,
    max_transfers: int | None = None,
) -> ThreadStore:
    """Make a store, to be used as ``async with``. Nothing is connected before that.

    Args:
        hot: A URL (``redis://``, ``rediss://``, ``unix://``, ``redis+cluster://``,
            ``redis+sentinel://``, ``memory://``, plug-ins), a `redis.asyncio.Redis` or
            `RedisCluster` (never closed by the store) or a `HotTier`. None: the variable
            ``ZEITLICH_HOT_URL``, else ``memory://``.
        cold: A URL (``file://``, ``memory://``, ``s3://``, ``r2://``, ``gs://``, ``az://``, every
            protocol of fsspec, plug-ins), ``"none"`` (no cold tier), a `ColdTier`, an
            `ObjectStore`, a pair ``(fsspec filesystem, "bucket/prefix")`` (never closed by the
            store) or an object with the plain methods ``read``, ``write`` and ``delete``. None:
            the variable ``ZEITLICH_COLD_URL``, else a folder in the user's data directory.
        codec: Name or `Codec` object for new archives, as the URL's ``codec``; by default zstd,
            with ``format=v1`` gzip.
        storage_options: Options of the cold URL's fsspec filesystem, credentials for instance.
        max_decoded_bytes: Largest decoded archive that is read, 1 GiB by default.
        encryption: The keys archives are encrypted with: a `Keyring`, a callable (`KeySource`), or
            an `Encryption`, which has a mode as well. None: the variable
            ``ZEITLICH_ENCRYPTION_KEYS``; without it nothing is encrypted.
        max_transfers: Threads that move between the tiers at a time, each held whole in memory;
            further calls wait for their turn. 32 by default.

    Raises:
        ConfigurationError: Any mistake that can be seen without connecting.

    >>> open_store("memory://", "memory://example?codec=gzip")
    ThreadStore(hot='memory://', cold='memory://example?codec=gzip')
    """
    hot = hidden(os.environ.get(HOT_ENV) or "memory://" if hot is None else hot)
    cold = hidden(os.environ.get(COLD_ENV) or default_cold_url() if cold is None else cold)
    storage_options = hidden(storage_options)
    try:
        settings = _ColdSettings(codec, storage_options, max_decoded_bytes, encryption)
        return _made(hot, cold, settings, max_transfers)
    except ConfigurationError as exc:
        # The message says it all, and the frames below hold parts of the URLs.
        forget_frames(exc)
        raise


def _made(hot: Any, cold: Any, settings: _ColdSettings, max_transfers: int | None) -> ThreadStore:
    limit = _positive("max_transfers", max_transfers) or TRANSFERS
    cold_tier, cold_name = settings.tier(cold)
    hot_tier, hot_name = _hot_tier(hot, hot_only=cold_tier is None)
    names = {"name_hot": hot_name, "name_cold": cold_name}
    return ThreadStore(hot_tier, cold_tier, **names, max_transfers=limit)


def default_cold_url() -> str:
    """The ``file://`` URL of the folder that is used where no cold tier is named."""
    with map_errors({RuntimeError: ConfigurationError}, "no folder of the user's for archives"):
        return file_url(_data_home() / "zeitlich-store")


def _data_home() -> Path:
    """Where this platform keeps a user's data."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".local" / "share"


# -- hot -------------------------------------------------------------------------------------------


def _hot_tier(hot: object, *, hot_only: bool) -> tuple[HotTier, str]:
    if isinstance(hot, str):
        return _hot_from_url(hot, hot_only=hot_only)
    if _has(hot, *_HOT_METHODS):
        return hot, type(hot).__name__  # type: ignore[return-value]  # told by its methods
    return _hot_from_client(hot, hot_only=hot_only), type(hot).__name__


def _hot_from_url(text: str, *, hot_only: bool) -> tuple[HotTier, str]:
    backend = find_backend("hot", scheme_of(text, what="hot URL"))
    url = parse_hot_url(text, parameters=backend.parameters)
    tier: HotTier = backend.build(url, **_lifetimes(url.options.get("ttl"), hot_only=hot_only))
    return tier, str(url)


def _hot_from_client(client: object, *, hot_only: bool) -> HotTier:
    import redis
    import redis.asyncio

    from .backends.redis_connect import link_of_cluster
    from .backends.redis_hot import RedisHotTier

    if isinstance(client, redis.asyncio.Redis):
        return RedisHotTier(client, **_lifetimes(None, hot_only=hot_only))
    if isinstance(client, redis.asyncio.RedisCluster):
        return RedisHotTier(link_of_cluster(client), **_lifetimes(None, hot_only=hot_only))
    if isinstance(client, redis.Redis | redis.RedisCluster):
        raise ConfigurationError(
            "the Redis client handed in is a synchronous one; make it with redis.asyncio.Redis"
        )
    raise ConfigurationError(
        f"hot is a URL, a redis.asyncio.Redis or a HotTier, not {type(client).__name__}"
    )


class _Lifetimes(TypedDict):
    ttl_seconds: int
    dirty_ttl_seconds: int


def _lifetimes(ttl: int | None, *, hot_only: bool) -> _Lifetimes:
    """In hot-only mode nothing is ever archived, so the ttl counts for every thread."""
    clean = DEFAULT_TTL_SECONDS if ttl is None else ttl
    dirty = THREAD_TTL_SECONDS if not hot_only else clean
    return {"ttl_seconds": clean, "dirty_ttl_seconds": max(clean, dirty)}


# -- cold ------------------------------------------------------------------------------------------


class _ColdSettings:
    """The arguments of `open_store` that belong to the cold tier."""

    def __init__(
        self,
        codec: str | Codec | None,
        storage_options: Mapping[str, Any] | None,
        max_decoded_bytes: int | None,
        encryption: Keyring | KeySource | Encryption | None,
    ) -> None:
        self._codec = codec
        self._encryption = encryption
        if not isinstance(storage_options, Mapping | None):
            raise ConfigurationError(
                f"storage_options is a dict, not {type(storage_options).__name__}"
            )
        self._storage_options = storage_options or {}
        self._max_decoded_bytes = _positive("max_decoded_bytes", max_decoded_bytes)

    def tier(self, cold: object) -> tuple[ColdTier | None, str]:
        """The cold tier and the name it is shown by."""
        if cold == HOT_ONLY:
            self._refuse_encryption(None, "without a cold tier nothing is archived")
            return None, HOT_ONLY
        if isinstance(cold, str):
            return self._from_url(cold)
        if self._storage_options:
            raise ConfigurationError("storage_options go with a cold URL, not with a ready object")
        if isinstance(cold, tuple):
            return self._archive(_filesystem_store(cold)), type(cold[0]).__name__
        if _has(cold, *_STORE_METHODS):
            return self._archive(cold), type(cold).__name__  # type: ignore[arg-type]  # told by its methods
        return self._ready(cold), type(cold).__name__

    def _from_url(self, text: str) -> tuple[ColdTier, str]:
        backend = find_backend("cold", scheme_of(text, what="cold URL"))
        url = parse_cold_url(text, parameters=backend.parameters)
        built = backend.build(url, storage_options=self._storage_options)
        if _has(built, *_STORE_METHODS):
            return self._archive(built, url), str(url)
        return self._ready(built, url), str(url)

    def _refuse_encryption(self, url: BackendUrl | None, why: str) -> None:
        """`ConfigurationError` where what is asked for would not be encrypted."""
        asked = url.options.get("encryption", "off") if url else "off"
        if self._encryption is not None or asked != "off":
            raise ConfigurationError(f"encryption has no effect here: {why}")

    def _ready(self, cold: object, url: BackendUrl | None = None) -> ColdTier:
        self._refuse_encryption(url, "a ready cold tier decides itself what it writes")
        if self._codec is not None or self._max_decoded_bytes is not None:
            raise ConfigurationError("a ready cold tier has its own codec and limits")
        if is_simple_cold_tier(cold):
            return SimpleColdTier(cold)  # type: ignore[arg-type]  # told by its methods
        if _has(cold, "open", "aclose", "read", "write", "delete"):
            return cold  # type: ignore[return-value]  # told by its methods
        raise ConfigurationError(
            "cold is a URL, 'none', a ColdTier, an ObjectStore, a pair (filesystem, path) or an "
            f"object with read, write and delete, not {type(cold).__name__}"
        )

    def _archive(self, store: ObjectStore, url: BackendUrl | None = None) -> ColdTier:
        options = dict(url.options) if url else {}
        named: dict[str, Any] = {n: options[n] for n in _ARCHIVE_OPTIONS if n in options}
        limit = _one("max_decoded_bytes", self._max_decoded_bytes, options)
        if limit is not None:
            named["max_decoded_bytes"] = limit
        named["encryption"] = self._make_encryption(options)
        return ObjectArchive(store, self._make_codec(options), codecs=readable_codecs(), **named)

    def _make_encryption(self, options: Mapping[str, Any]) -> Encryption:
        """From the argument, else the environment; the URL's mode, else on where there are keys."""
        mode = options.get("encryption")
        if isinstance(self._encryption, Encryption):
            _one("encryption", self._encryption.mode, options)
            return self._encryption
        keys = self._encryption
        return Encryption(Keyring.from_environment() if keys is None else keys, mode=mode)

    def _make_codec(self, options: Mapping[str, Any]) -> Codec:
        if isinstance(self._codec, str | None):
            name = _one("codec", self._codec, options)
            # The original, which format v1 is for, knows no zstd.
            default = "gzip" if options.get("format") == "v1" else "zstd"
            return make_codec(name or default, options.get("level"))
        if "codec" in options or "level" in options:
            raise ConfigurationError("codec is given both as an object and in the cold URL")
        if not _has(self._codec, "encode", "decode", "matches"):
            raise ConfigurationError(
                f"codec is a name or a Codec, not {type(self._codec).__name__}"
            )
        return self._codec


def _filesystem_store(pair: tuple[Any, ...]) -> ObjectStore:
    from .builders import object_store

    if len(pair) != 2 or not _has(pair[0], "protocol") or not isinstance(pair[1], str):
        raise ConfigurationError("a filesystem is given as a pair (filesystem, 'bucket/prefix')")
    filesystem, root = pair
    protocol = filesystem.protocol
    name = protocol if isinstance(protocol, str) else protocol[0]
    return object_store(name, root, filesystem=filesystem)


def _one(name: str, given: Any, options: Mapping[str, Any]) -> Any:
    """A setting that may stand in the call or in the URL, not differently in both."""
    if given is not None and options.get(name, given) != given:
        raise ConfigurationError(
            f"{name} is given twice: {given!r} in the call, {options[name]!r} in the cold URL"
        )
    return options.get(name, given)


def _positive(name: str, value: int | None) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ConfigurationError(f"{name} is a positive int, not {value!r}")
    return value


def _has(obj: object, *names: str) -> bool:
    return all(hasattr(obj, name) for name in names)
