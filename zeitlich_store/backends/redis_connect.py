"""From a Redis URL to a link: one server, a cluster, or the server Sentinel names. No connection.

Every client has a bounded number of connections and no retries of its own; a `Turnstile` repeats
what failed, within the time a caller waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import redis.asyncio
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from ..errors import ConfigurationError
from .redis_link import QuietPool, RedisLink, ServerLink
from .redis_patience import Patience, Turnstile
from .redis_urls import check_url, is_database, port_of

DEFAULTS: Final[Mapping[str, Any]] = {
    "socket_timeout": 4.0,
    "socket_connect_timeout": 1.25,
    "max_connections": 64,
}
"""What a URL may set otherwise; times in seconds, connections for each server."""
_SENTINEL_SECONDS: Final = 1.0
"""Longest wait for a Sentinel to accept a connection, and for its answer."""
_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_NUMBERS: Final = ("protocol", "socket_read_size")


def server_link(text: str) -> RedisLink:
    """The link of a ``redis://``, ``rediss://`` or ``unix://`` URL."""
    options = _typed(text)
    pool = QuietPool.from_url(text, **DEFAULTS, retry=_no_retry())
    return ServerLink(redis.asyncio.Redis.from_pool(pool), _turnstile(options))


def cluster_link(text: str) -> RedisLink:
    """The link of a ``redis+cluster://`` or ``rediss+cluster://`` URL; any of its nodes will do."""
    from redis.asyncio.cluster import ClusterNode, RedisCluster  # noqa: PLC0415  # as the next

    from .redis_cluster import ClusterLink  # noqa: PLC0415  # only where a URL asks for it

    parts = _Parts.of(text, _REDIS_PORT)
    if parts.path not in {"", "0"}:
        raise ConfigurationError("a Redis Cluster has database 0 alone: leave the number away")
    options = _typed(parts.single(""))
    turnstile = _turnstile(options)
    client = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in parts.hosts],
        retry=_no_retry(),
        **_without(options, "host", "port", "db", "timeout"),
    )
    return ClusterLink(client, turnstile)


def link_of_cluster(client: Any) -> RedisLink:
    """The link of a caller's own `redis.asyncio.RedisCluster`."""
    from .redis_cluster import ClusterLink  # noqa: PLC0415  # as above

    given = {name: value for name, value in client.connection_kwargs.items() if value}
    return ClusterLink(client, _turnstile({**DEFAULTS, **given}))


def sentinel_link(text: str) -> RedisLink:
    """The link of a ``redis+sentinel://`` or ``rediss+sentinel://`` URL."""
    parts = _Parts.of(text, _SENTINEL_PORT)
    service, _, database = parts.path.partition("/")
    if not service:
        raise ConfigurationError(
            "a Sentinel URL names the service: redis+sentinel://host:26379/SERVICE"
        )
    if database and not is_database(database):
        raise ConfigurationError("a Sentinel URL ends with /SERVICE or /SERVICE/DATABASE-NUMBER")
    options = _typed(parts.single(database))
    turnstile = _turnstile(options)
    asking = _asking(options)
    for name in ("username", "password"):
        if f"sentinel_{name}" in options:
            asking[name] = options[f"sentinel_{name}"]
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py's own
        parts.hosts,
        sentinel_kwargs=asking,
        retry=_no_retry(),
        **_without(options, "host", "port", "timeout", "sentinel_username", "sentinel_password"),
    )
    client = sentinel.master_for(unquote(service))
    return ServerLink(client, turnstile, sentinel.sentinels)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A URL with several hosts, taken apart; its repr is never shown."""

    tls: bool
    userinfo: str
    hosts: list[tuple[str, int]]
    path: str
    query: str

    @classmethod
    def of(cls, text: str, port: int) -> _Parts:
        scheme, _, rest = text.partition("://")
        location, _, query = rest.partition("?")
        userinfo, _, addresses = location.rpartition("@")
        names, _, path = addresses.partition("/")
        hosts = [_host(name, port) for name in names.split(",")]
        return cls(scheme.startswith("rediss"), userinfo, hosts, path.strip("/"), query)

    def single(self, database: str) -> str:
        """The URL of the first host, as redis-py reads it."""
        host, port = self.hosts[0]
        shown = f"[{host}]" if ":" in host else host
        at = f"{self.userinfo}@" if self.userinfo else ""
        query = f"?{self.query}" if self.query else ""
        return f"redis{'s' if self.tls else ''}://{at}{shown}:{port}/{database}{query}"


def _host(name: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{name}")
    if not parts.hostname:
        raise ConfigurationError("the hosts of a Redis URL are written host:port,host:port")
    return unquote(parts.hostname), port_of(name) or port


def _typed(text: str) -> dict[str, Any]:
    """The options of a URL for a client, with our defaults; files it names have to be there."""
    check_url(text)
    found: dict[str, Any] = {**DEFAULTS, **parse_url(text)}
    connection = found.pop("connection_class", None)
    if connection is not None and issubclass(connection, redis.asyncio.SSLConnection):
        found["ssl"] = True
    for name in _NUMBERS:
        if name in found:
            found[name] = int(found[name])
    for name in _FILES:
        if name in found and not Path(found[name]).is_file():
            raise ConfigurationError(f"parameter {name!r} of the hot URL names no file")
    return found


def _asking(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for the connections to Sentinel: the same TLS, shorter patience, no password."""
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    times = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), _SENTINEL_SECONDS)
    return {**tls, **times, "retry": _no_retry()}


def _turnstile(options: Mapping[str, Any]) -> Turnstile:
    patience = Patience(options["socket_connect_timeout"] + options["socket_timeout"])
    return Turnstile(options["max_connections"], patience, options.get("timeout"))


def _no_retry() -> Retry:
    return Retry(NoBackoff(), 0)


def _without(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}
