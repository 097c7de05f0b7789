"""A URL fit to be shown: in reprs, logs, errors and output."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://(.*)", re.DOTALL)
_HARMLESS: Final = frozenset(
    [
        "ttl",
        "codec",
        "level",
        "format",
        "conditional",
        "legacy",
        "keep_v1",
        "encryption",
        "prefix",
        "content_type",
        "max_decoded_bytes",
        "region",
        "db",
        "protocol",
        "timeout",
        "socket_timeout",
        "socket_connect_timeout",
        "socket_keepalive",
        "socket_read_size",
        "retry_on_timeout",
        "max_connections",
        "health_check_interval",
        "ssl_cert_reqs",
        "ssl_check_hostname",
        "ssl_min_version",
    ]
)
_SERVER: Final = re.compile(r"rediss?(\+[a-z]+)?", re.IGNORECASE)
"""The schemes whose location begins with an address; behind a plus with several."""
_TEXTS: Final = frozenset(["prefix", "content_type", "region", "codec"])
_SHORT: Final = re.compile(r"[0-9.\-]{0,20}|[A-Za-z0-9_.]{1,8}")
"""A number or word: what a parameter that is no text shows. Anything else is a mistake."""
_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:,\[\]]*)(?::[0-9]{0,5})?")


def redact_url(url: object) -> str:
    """A URL without its secrets, on one line; never raises.

    Userinfo and the value of every parameter that is not known to be harmless become ``***``. Text
    that is no URL at all is not shown.

    >>> redact_url("redis://user:secret@localhost:6379/0?ttl=60&password=x")
    'redis://***@localhost:6379/0?ttl=60&password=***'
    """
    match = SCHEME.fullmatch(url) if isinstance(url, str) else None
    if not match:
        return "***"
    userinfo, at, rest = match[2].rpartition("@")
    location, mark, query = rest.partition("?")
    if at and "?" in userinfo and not mark:
        # The '@' stood behind the '?': what follows may be the end of a password.
        location = "***"
    if server := _SERVER.fullmatch(match[1]):
        location = _redact_port(location, several=bool(server[1]))
    shown = f"{match[1]}://{'***@' if at else ''}{location}{mark}{_redact_query(query)}"
    return "".join(char if char.isprintable() else "?" for char in shown)


def _redact_port(location: str, *, several: bool) -> str:
    """What stands in a port's place, and is none, may be the password of a URL without its '@'."""
    hosts, slash, path = location.partition("/")
    addresses = hosts.split(",") if several else [hosts]
    for at, address in enumerate(addresses):
        if not _ADDRESS.fullmatch(address):
            shown = [*addresses[:at], f"{address.partition(':')[0]}:***"]
            return f"{','.join(shown)}{slash}{path}"
    return location


def _redact_query(query: str) -> str:
    return "&".join(_redact_pair(part) for part in query.split("&")) if query else ""


def _redact_pair(part: str) -> str:
    name, equals, value = part.partition("=")
    if not equals:
        return "***"
    if name == "endpoint_url":
        return f"{name}={redact_url(unquote(value))}"
    if name in _HARMLESS and (name in _TEXTS or _SHORT.fullmatch(value)):
        return part
    return f"{name}=***"
