"""What a Redis URL may say, checked before redis-py reads it: it passes over what it cannot read.

No message repeats a part of the URL: what stands in the wrong place may be a piece of a password.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from ..errors import ConfigurationError

_DATABASE: Final = re.compile(r"[0-9]{1,9}")
_PATH: Final = re.compile(r"/?|/([0-9]{1,9})/?")
_Check = Callable[[str], bool]


def check_url(text: str) -> None:
    """`ConfigurationError` for what redis-py misreads in the URL of one server or socket."""
    parts = urlsplit(text)
    given = parse_qs(parts.query, keep_blank_values=True)
    parameters = {name: values[0] for name, values in given.items()}
    _check_numbers(parameters)
    if parts.scheme != "unix":
        port_of(parts.netloc)
        _check_path(unquote(parts.path), parameters.get("db"))


def port_of(address: str) -> int | None:
    """The port behind an address, None where it has none."""
    parts = urlsplit(f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = 0  # refused below, without the error that repeats it
    if port == 0:  # redis-py takes its own for it
        raise ConfigurationError(
            "the port in the hot URL is no number from 1 to 65535; in a password ':' is written "
            "%3A, '/' %2F and '@' %40"
        )
    return port


def is_database(text: str) -> bool:
    """Whether a text is the number of a database."""
    return _DATABASE.fullmatch(text) is not None


def _check_path(path: str, parameter: str | None) -> None:
    """redis-py leaves slashes away, so that ``/1/0`` is 10, and passes over what is no number."""
    found = _PATH.fullmatch(path)
    if not found:
        raise ConfigurationError(
            "the path of the hot URL is one whole number, the database: redis://host:port/0"
        )
    if found[1] and parameter is not None and int(found[1]) != int(parameter):
        raise ConfigurationError(
            "the hot URL names two databases: one in its path, another as parameter 'db'"
        )


def _check_numbers(parameters: Mapping[str, str]) -> None:
    for name, (check, what) in _NUMBERS.items():
        if name in parameters and not check(parameters[name]):
            raise ConfigurationError(f"parameter {name!r} of the hot URL is {what}")


def _whole(least: int, most: int = 10**9 - 1) -> _Check:
    return lambda text: is_database(text) and least <= int(text) <= most


def _seconds(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False


_NUMBERS: Final[Mapping[str, tuple[_Check, str]]] = {
    "db": (_whole(0), "a whole number, the database"),
    "health_check_interval": (_whole(0), "a whole number of seconds"),
    "max_connections": (_whole(1), "a whole number, at least 1"),
    "protocol": (_whole(2, 3), "2 or 3"),
    "socket_connect_timeout": (_seconds, "a number of seconds"),
    "socket_read_size": (_whole(1), "a whole number of bytes"),
    "socket_timeout": (_seconds, "a number of seconds"),
    "ssl_min_version": (_whole(0), "a whole number, as of ssl.TLSVersion"),
    "timeout": (_seconds, "a number of seconds"),
}
