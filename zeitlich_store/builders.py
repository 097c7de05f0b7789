"""From a checked URL to a tier: one short function for each family of backends. No I/O here.

Each is registered by name in `registry` and imports its own backend.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Final

from ._home import expanded
from .errors import ConfigurationError
from .protocols import HotTier, ObjectStore
from .urls import BackendUrl

_BUCKETS: Final = frozenset(["s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"])
_CHAINING: Final = frozenset({"fo", "remote_protocol", "target_protocol"})
_PLATFORM: Final = PureWindowsPath if os.name == "nt" else PurePosixPath
_DRIVE: Final = re.compile(r"/([A-Za-z]:)(.*)", re.DOTALL)
_SHARE: Final = re.compile(r"[^/\\:.~][^/\\:]*/+[^/\\]")


def memory_tier(url: BackendUrl, *, ttl_seconds: int, dirty_ttl_seconds: int) -> HotTier:
    """The hot tier in this process."""
    from .backends.memory_hot import MemoryHotTier

    if url.location:
        raise ConfigurationError("a memory hot tier has no name: write memory://")
    return MemoryHotTier(ttl_seconds=ttl_seconds, dirty_ttl_seconds=dirty_ttl_seconds)


def redis_tier(url: BackendUrl, *, ttl_seconds: int, dirty_ttl_seconds: int) -> HotTier:
    """The hot tier on one Redis server."""
    from .backends.redis_connect import server_link

    return _redis(url, server_link, ttl_seconds, dirty_ttl_seconds)


def redis_cluster_tier(url: BackendUrl, *, ttl_seconds: int, dirty_ttl_seconds: int) -> HotTier:
    """The hot tier on a Redis Cluster."""
    from .backends.redis_connect import cluster_link

    return _redis(url, cluster_link, ttl_seconds, dirty_ttl_seconds)


def redis_sentinel_tier(url: BackendUrl, *, ttl_seconds: int, dirty_ttl_seconds: int) -> HotTier:
    """The hot tier on the master that Sentinel names."""
    from .backends.redis_connect import sentinel_link

    return _redis(url, sentinel_link, ttl_seconds, dirty_ttl_seconds)


def _redis(url: BackendUrl, connect: Callable[[str], Any], ttl: int, dirty_ttl: int) -> HotTier:
    from .backends.redis_hot import RedisHotTier

    try:
        link = connect(url.text)
        return RedisHotTier(link, ttl_seconds=ttl, dirty_ttl_seconds=dirty_ttl, owns_client=True)
    except ConfigurationError:
        raise
    except (ValueError, TypeError) as exc:
        # redis-py's own text may repeat a part of the URL, its frames hold all of it.
        refused = type(exc)
    raise ConfigurationError(f"redis-py refuses the hot URL {url}: {refused.__name__}")


def file_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """A local folder."""
    from .backends.local_cold import LocalObjectStore

    _refuse(url, storage_options)
    return LocalObjectStore(local_path(url.location))


def memory_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """Objects in this process."""
    from .backends.memory_cold import MemoryObjectStore

    _refuse(url, storage_options)
    return MemoryObjectStore(url.location)


def s3_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """S3, with the URL's endpoint and region where it gives them."""
    client = {"region_name": url.options["region"]} if "region" in url.options else {}
    return _s3(_root(url), _endpoint(url), client, storage_options)


def r2_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """S3 with R2's endpoint and region ``auto``."""
    account, _, root = url.location.partition("/")
    if not account.replace("-", "").isalnum() or not root.strip("/"):
        raise ConfigurationError("an R2 URL is written r2://ACCOUNT/bucket/prefix")
    own = {"endpoint_url": f"https://{account}.r2.cloudflarestorage.com"}
    region = {"region_name": url.options.get("region", "auto")}
    return _s3(root.strip("/"), own | _endpoint(url), region, storage_options)


def gcs_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """Google Cloud Storage."""
    _refuse(url, {}, allowed=("endpoint_url",))
    options = _endpoint(url) | dict(storage_options)
    return object_store("gs", _root(url), storage_options=options)


def azure_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """Azure Blob Storage; the account comes from the environment or `storage_options`."""
    _refuse(url, {})
    return object_store("abfs", _root(url), storage_options=storage_options)


def webdav_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """A folder of the WebDAV server that ``endpoint_url``, or webdav4's ``base_url``, names."""
    from .backends.fsspec_dialects import configured

    _refuse(url, {}, allowed=("endpoint_url",))
    own = {"base_url": url.options["endpoint_url"]} if "endpoint_url" in url.options else {}
    options = own | dict(storage_options)
    if "base_url" not in options and not configured("base_url", "webdav"):
        raise ConfigurationError(
            "a WebDAV URL is written webdav://folder?endpoint_url=https://server/where/webdav/begins"
        )
    return object_store("webdav", url.location.strip("/"), storage_options=options)


def fsspec_store(url: BackendUrl, *, storage_options: Mapping[str, Any]) -> ObjectStore:
    """Any other protocol of fsspec: what its URL says of host and port becomes options."""
    from fsspec import get_filesystem_class

    _refuse(url, {})
    if _CHAINING & set(storage_options):
        raise ConfigurationError(
            "storage_options chain one filesystem to another "
            f"({', '.join(sorted(_CHAINING & set(storage_options)))}), which is not supported"
        )
    kind = get_filesystem_class(url.scheme)
    root, found = _read_by_fsspec(url, kind)
    options = {**found, **storage_options}
    _check_host(url, kind, options)
    return object_store(url.scheme, root, storage_options=options)


def _read_by_fsspec(url: BackendUrl, kind: Any) -> tuple[str, dict[str, Any]]:
    """Root and options as the filesystem itself reads them from the URL."""
    text = f"{url.scheme}://{url.location}"
    try:
        return str(kind._strip_protocol(text)), kind._get_kwargs_from_urls(text)  # noqa: SLF001  # fsspec's way to read its own URLs
    except Exception as exc:  # noqa: BLE001  # each filesystem reads its URLs in its own way
        failed = type(exc)
    raise ConfigurationError(f"fsspec cannot read the cold URL {url}: {failed.__name__}")


def _check_host(url: BackendUrl, kind: Any, options: Mapping[str, Any]) -> None:
    """Refuse a URL of a server that names none."""
    host = inspect.signature(kind.__init__).parameters.get("host")
    if host is not None and host.default is inspect.Parameter.empty and not options.get("host"):
        raise ConfigurationError(
            f"a cold URL of this kind names a server: {url.scheme}://host:port/folder"
        )


def local_path(location: str) -> Path:
    """The folder of a file URL's location on this platform; `pure_path` has the rules.

    ``~`` and ``~user`` in front are expanded, as in ``file://~/threads``. Behind a slash it is a
    folder of that name: ``file:///~/threads`` is absolute.

    >>> local_path("localhost/var/threads").as_posix()
    '/var/threads'
    """
    return expanded(Path(pure_path(location, _PLATFORM)))


def pure_path(location: str, kind: type[PurePath]) -> PurePath:
    """The path of a file URL's location, absolute or relative to the current folder.

    `kind` says by whose rules. On Windows, as in the URLs that `pathlib` makes there, a drive
    stands behind a slash, and of two names the first is a server and the second its share: a
    relative folder of several parts is written ``file://./one/two``, which works everywhere.

    >>> pure_path("server/share/x", PureWindowsPath).as_posix()
    '//server/share/x'
    """
    path = location.removeprefix("localhost") if location.startswith("localhost/") else location
    if not path or "\0" in path:
        raise ConfigurationError("a file URL names a folder: file:///path/to/folder")
    if issubclass(kind, PureWindowsPath):
        path = _windows_path(path)
    return kind(path)


def _windows_path(path: str) -> str:
    if drive := _DRIVE.fullmatch(path):
        return f"{drive[1]}/{drive[2]}"  # "C:" alone is the current folder of that drive
    return f"//{path}" if _SHARE.match(path) else path


def _s3(
    root: str, own: Mapping[str, Any], client: Mapping[str, Any], options: Mapping[str, Any]
) -> ObjectStore:
    for name in ("client_kwargs", "config_kwargs"):
        if not isinstance(options.get(name, {}), Mapping):
            raise ConfigurationError(f"{name} in storage_options is a dict")
    merged = {**own, **options}
    client_options = {**client, **options.get("client_kwargs", {})}
    if client_options:
        merged["client_kwargs"] = client_options
    return object_store("s3", root, storage_options=merged)


def object_store(protocol: str, root: str, **options: Any) -> ObjectStore:
    """Objects on an fsspec filesystem, with conditional writes where the protocol has them.

    `options` are those of `FsspecObjectStore`.
    """
    from .backends.bucket_cold import BucketObjectStore
    from .backends.fsspec_cold import FsspecObjectStore

    if "::" in root:
        raise ConfigurationError("a path with '::' is a chained one, which is not supported")
    kind = BucketObjectStore if protocol in _BUCKETS else FsspecObjectStore
    return kind(protocol, root, **options)


def _endpoint(url: BackendUrl) -> dict[str, Any]:
    return {name: url.options[name] for name in ("endpoint_url",) if name in url.options}


def _root(url: BackendUrl) -> str:
    root = url.location.strip("/")
    if not root or any(part in {"", ".", ".."} for part in root.split("/")):
        raise ConfigurationError(f"a cold URL names a bucket: {url.scheme}://bucket/prefix")
    return root


def _refuse(
    url: BackendUrl, storage_options: Mapping[str, Any], *, allowed: tuple[str, ...] = ()
) -> None:
    """Refuse what has no effect on this backend."""
    for name in ("endpoint_url", "region"):
        if name in url.options and name not in allowed:
            raise ConfigurationError(f"parameter {name!r} has no effect on {url.scheme}://")
    if storage_options:
        raise ConfigurationError(f"storage_options have no effect on {url.scheme}://")
