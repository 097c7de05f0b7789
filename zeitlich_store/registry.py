"""What a URL's scheme and a codec's name stand for: text to lazily imported builders.

A builder is named as ``"module:name"`` and imported at its first use, so that the package loads
none of the libraries of the backends. Later registrations replace earlier ones. Installed packages
add theirs by entry points (``zeitlich_store.hot``, ``zeitlich_store.cold``,
``zeitlich_store.codecs``); a name that is registered here already stays what it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Literal, cast

from .errors import ConfigurationError
from .protocols import Codec
from .urls import unknown

Kind = Literal["hot", "cold"]
Target = str | Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Registration:
    """One backend or codec: its name, its builder and the extra that brings what it imports.

    `parameters` are the URL parameters the backend takes beside our own.
    """

    name: str
    target: Target
    extra: str | None = None
    description: str = ""
    parameters: tuple[str, ...] = ()

    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Import the builder and call it; a missing library is a `ConfigurationError`."""
        try:
            return self._load()(*args, **kwargs)
        except ImportError as exc:
            raise ConfigurationError(f"{self.name} needs a library: {self._advice(exc)}") from exc

    def _load(self) -> Callable[..., Any]:
        if callable(self.target):
            return self.target
        module, _, name = self.target.partition(":")
        found = getattr(importlib.import_module(module), name, None)
        if not callable(found):
            raise ConfigurationError(f"{self.name} is registered as {self.target!r}: no such name")
        return cast("Callable[..., Any]", found)

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the builder, which is imported for it."""
        try:
            return getattr(self._load(), name, default)
        except ImportError as exc:
            raise ConfigurationError(f"{self.name} needs a library: {self._advice(exc)}") from exc

    def _advice(self, exc: ImportError) -> str:
        return f'pip install "zeitlich-store[{self.extra}]"' if self.extra else str(exc)


_OWN: Final = "zeitlich_store.builders"
_BACKENDS: Final[dict[Kind, dict[str, Registration]]] = {"hot": {}, "cold": {}}
_CODECS: Final[dict[str, Registration]] = {}


def register_backend(
    kind: Kind,
    scheme: str,
    target: Target,
    *,
    extra: str | None = None,
    description: str = "",
    parameters: Iterable[str] = (),
) -> None:
    """Make ``scheme://`` URLs known.

    Args:
        kind: ``"hot"`` or ``"cold"``.
        scheme: The URL scheme, in lower case.
        target: A callable or ``"module:name"`` of one. Hot: ``target(url, ttl_seconds=…,
            dirty_ttl_seconds=…)`` returns a `HotTier`. Cold: ``target(url, storage_options=…)``
            returns an `ObjectStore` or a `ColdTier`. `url` is a `BackendUrl`. No I/O is done.
        extra: The extra of this package that installs what the target imports.
        description: One line for ``zeitlich-store backends``.
        parameters: URL parameters of the backend's own; it finds them in ``url.rest``.

    Raises:
        ConfigurationError: An unknown kind or a scheme that no URL can have.
    """
    if kind not in _BACKENDS:
        raise ConfigurationError(f"a backend's kind is 'hot' or 'cold', not {kind!r}")
    if not scheme or scheme != scheme.lower() or set("/:?#@") & set(scheme):
        raise ConfigurationError(f"{scheme!r} is no scheme for a URL")
    _check_target(target)
    entry = Registration(scheme, target, extra, description, tuple(parameters))
    _BACKENDS[kind][scheme] = entry


def register_codec(
    name: str, target: Target, *, extra: str | None = None, description: str = ""
) -> None:
    """Make ``?codec=name`` known; `target` as in `register_backend`.

    It is called as ``target()`` or, where the URL gives a level, ``target(level=…)``, and returns
    a `Codec`.
    """
    if not name or set("&=?#/") & set(name):
        raise ConfigurationError(f"{name!r} is no name for a codec")
    _check_target(target)
    _CODECS[name] = Registration(name, target, extra, description)


def backends(kind: Kind) -> list[Registration]:
    """The backends of a kind, plug-ins included, by scheme."""
    return [entry for _, entry in sorted({**_plug_ins(kind), **_BACKENDS[kind]}.items())]


def codecs() -> list[Registration]:
    """The codecs, plug-ins included, by name."""
    return [entry for _, entry in sorted({**_plug_ins("codecs"), **_CODECS}.items())]


@cache
def _plug_ins(group: str) -> Mapping[str, Registration]:
    """What installed packages offer; nothing of theirs is imported here."""
    found = entry_points(group=f"zeitlich_store.{group}")
    return {
        each.name: Registration(each.name, each.value, None, f"plug-in {each.value}")
        for each in found
    }


def _plug_in(kind: Kind, scheme: str) -> Registration | None:
    """A plug-in's backend, with the URL parameters its builder has as ``parameters``."""
    found = _plug_ins(kind).get(scheme)
    if found is None:
        return None
    return replace(found, parameters=tuple(found.attribute("parameters", ())))


def find_backend(kind: Kind, scheme: str) -> Registration:
    """What `scheme` stands for; `ConfigurationError` names the known schemes.

    A cold scheme that is not registered may be any protocol fsspec knows.
    """
    found = _BACKENDS[kind].get(scheme) or _plug_in(kind, scheme)
    if found is None and kind == "cold":
        found = _fsspec_protocol(scheme)
    if found is None:
        known = [entry.name for entry in backends(kind)]
        tail = ", and every protocol of fsspec, or 'none' alone" if kind == "cold" else ""
        raise ConfigurationError(unknown(f"{kind} scheme", scheme, known) + tail)
    return found


def make_codec(name: str, level: int | None = None) -> Codec:
    """The codec of that name; `ConfigurationError` for an unknown one or a level it cannot take."""
    known = {entry.name: entry for entry in codecs()}
    if name not in known:
        raise ConfigurationError(unknown("codec", name, list(known)))
    try:
        made = known[name].build() if level is None else known[name].build(level=level)
    except TypeError as exc:
        raise ConfigurationError(f"codec {name} takes no level") from exc
    return cast("Codec", made)


def readable_codecs() -> tuple[Codec, ...]:
    """One of every registered codec, but for those whose library is not installed."""
    made: list[Codec] = []
    for entry in codecs():
        with suppress(ConfigurationError):
            made.append(entry.build())
    return tuple(made)


def _check_target(target: object) -> None:
    if not callable(target) and not (isinstance(target, str) and target.count(":") == 1):
        raise ConfigurationError(f"a target is a callable or 'module:name', not {target!r}")


def _fsspec_protocol(scheme: str) -> Registration | None:
    known = importlib.import_module("fsspec").available_protocols()
    if scheme not in known:
        return None
    return Registration(scheme, f"{_OWN}:fsspec_store", None, "any protocol of fsspec")


_REDIS_PARAMETERS: Final = (
    "client_name",
    "db",
    "health_check_interval",
    "max_connections",
    "password",
    "protocol",
    "retry_on_timeout",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_read_size",
    "socket_timeout",
    "timeout",
    "username",
)
_TLS_PARAMETERS: Final = (
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_ciphers",
    "ssl_keyfile",
    "ssl_min_version",
    "ssl_password",
)
_SENTINEL_PARAMETERS: Final = ("sentinel_password", "sentinel_username")
_NOT_OF_CLUSTERS: Final = {"db", "retry_on_timeout", "ssl_ca_path", "ssl_password"}


def _register_redis() -> None:
    plain, tls = _REDIS_PARAMETERS, (*_REDIS_PARAMETERS, *_TLS_PARAMETERS)
    for scheme, target, names, text in (
        ("redis", "redis_tier", plain, "Redis 6.2 or newer"),
        ("rediss", "redis_tier", tls, "Redis over TLS"),
        ("unix", "redis_tier", plain, "Redis on a unix socket"),
        ("redis+cluster", "redis_cluster_tier", plain, "Redis Cluster: host:port,host:port"),
        ("rediss+cluster", "redis_cluster_tier", tls, "Redis Cluster over TLS"),
        ("redis+sentinel", "redis_sentinel_tier", plain, "Redis by Sentinel: host:port,…/SERVICE"),
        ("rediss+sentinel", "redis_sentinel_tier", tls, "Redis by Sentinel, all over TLS"),
    ):
        known = (*names, *_SENTINEL_PARAMETERS) if "sentinel" in scheme else names
        if "cluster" in scheme:
            known = tuple(name for name in known if name not in _NOT_OF_CLUSTERS)
        register_backend("hot", scheme, f"{_OWN}:{target}", description=text, parameters=known)


def _register_own() -> None:
    """Everything this package brings; a new backend is one line here."""
    register_backend("hot", "memory", f"{_OWN}:memory_tier", description="this process's memory")
    _register_redis()
    for scheme, target, extra, text in (
        ("file", "file_store", None, "a local folder, written atomically and durably"),
        ("memory", "memory_store", None, "this process's memory, shared by name"),
        ("s3", "s3_store", "s3", "Amazon S3 and what speaks its protocol (endpoint_url)"),
        ("r2", "r2_store", "s3", "Cloudflare R2: r2://ACCOUNT/bucket/prefix"),
        ("gs", "gcs_store", "gcs", "Google Cloud Storage"),
        ("gcs", "gcs_store", "gcs", "Google Cloud Storage"),
        ("az", "azure_store", "azure", "Azure Blob Storage: az://container/prefix"),
        ("abfs", "azure_store", "azure", "Azure Blob Storage: abfs://container/prefix"),
        ("webdav", "webdav_store", "webdav", "a WebDAV server: webdav://folder?endpoint_url=…"),
        ("ftp", "fsspec_store", None, "an FTP server: ftp://host:port/folder"),
        ("sftp", "fsspec_store", "sftp", "an SSH server: sftp://host:port/folder"),
        ("ssh", "fsspec_store", "sftp", "an SSH server: ssh://host:port/folder"),
    ):
        register_backend("cold", scheme, f"{_OWN}:{target}", extra=extra, description=text)
    register_codec("json", "zeitlich_store.codecs.plain:JsonCodec", description="no compression")
    register_codec("gzip", "zeitlich_store.codecs.gzip:GzipCodec", description="level 1 to 9")
    register_codec("zstd", "zeitlich_store.codecs.zstd:ZstdCodec", description="level 1 to 22")


_register_own()
