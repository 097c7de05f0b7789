"""Tier URLs: text to checked parts.

A URL is ``scheme://location?name=value&…``. The location is percent-decoded, the parameters that
are ours are typed and taken out, those of the backend stay with it. No error of this module
repeats a part of a URL that could be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlencode

from ._home import expanded
from .errors import ConfigurationError
from .redaction import SCHEME, redact_url

_EXAMPLES: Final = {
    "hot URL": "a Redis server as redis://localhost:6379",
    "cold URL": "a folder as file:///path",
}
_MAX_SECONDS: Final = 100 * 365 * 24 * 3600
_IPV6: Final = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_CONTENT_TYPE: Final = re.compile(r"[\w.+\-]+/[\w.+\-]+(; ?[\w\-]+=[\w.\-]+)*", re.ASCII)
_ENDPOINT: Final = re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?")


@dataclass(frozen=True, slots=True)
class BackendUrl:
    """A tier URL taken apart.

    `location` is what stands between ``://`` and ``?``, percent-decoded. `options` holds our own
    parameters with their types, `rest` the backend's parameters as text. `text` is the URL without
    ours, for libraries that read URLs themselves. The repr and `str()` show no secret.
    """

    scheme: str
    location: str = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    rest: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown


def scheme_of(url: str, *, what: str) -> str:
    """The scheme of a URL, in lower case; `what` names the argument in the error.

    Raises `ConfigurationError` for text that is no URL, without repeating it.
    """
    match = SCHEME.fullmatch(url)
    if not match:
        example = _EXAMPLES.get(what, _EXAMPLES["cold URL"])
        raise ConfigurationError(f"{what} is not a URL: it is written scheme://location, {example}")
    if "::" in _IPV6.sub("", url):
        raise ConfigurationError(f"{what} is a chained URL ('::'), which is not supported")
    return match[1].lower()


def parse_hot_url(url: str, *, parameters: Iterable[str] = ()) -> BackendUrl:
    """Take a hot-tier URL apart; `parameters` are the backend's own, left in `text` and `rest`.

    Raises `ConfigurationError` for an unknown, repeated or mistyped parameter.
    """
    if "#" in url:
        raise ConfigurationError("the hot URL contains '#'; in a password write it as %23")
    return _parse(url, "hot URL", HOT_PARAMETERS, parameters)


def parse_cold_url(url: str, *, parameters: Iterable[str] = ()) -> BackendUrl:
    """Take a cold-tier URL apart; as `parse_hot_url`, and userinfo is refused."""
    scheme = scheme_of(url, what="cold URL")
    if "@" in url.partition("://")[2]:
        raise ConfigurationError(_userinfo_advice(scheme))
    return _parse(url, "cold URL", COLD_PARAMETERS, parameters)


def file_url(folder: Path) -> str:
    """The ``file://`` URL of a folder, absolute.

    >>> file_url(Path("/tmp/50%"))
    'file:///tmp/50%25'
    """
    path = expanded(folder).absolute().as_posix()
    for char in "%?@#:":
        path = path.replace(char, f"%{ord(char):02X}")
    return f"file://{'' if path.startswith('/') else '/'}{path}"


def _parse(
    url: str, what: str, ours: Mapping[str, Callable[[str], Any]], theirs: Iterable[str]
) -> BackendUrl:
    scheme = scheme_of(url, what=what)
    location, _, query = url.partition("://")[2].partition("?")
    if "@" in query:
        raise ConfigurationError(
            f"the {what} has an '@' behind its '?'; write '?' as %3F and '@' as %40"
        )
    pairs = _split_query(query, what)
    known = [*ours, *theirs]
    for name in pairs:
        if name not in known:
            raise ConfigurationError(unknown(f"{what} parameter", name, known))
    rest = {name: value for name, value in pairs.items() if name not in ours}
    return BackendUrl(
        scheme=scheme,
        location=unquote(location),
        options={n: _typed(what, n, v, ours[n]) for n, v in pairs.items() if n in ours},
        rest=rest,
        text=f"{scheme}://{location}" + (f"?{urlencode(rest)}" if rest else ""),
        shown=redact_url(url),
    )


def _split_query(query: str, what: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"a parameter of the {what} is not written name=value")
        if name in pairs:
            raise ConfigurationError(f"parameter {name!r} of the {what} is given twice")
        pairs[name] = unquote(value.replace("+", " "))
    return pairs


def _typed(what: str, name: str, value: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(value)
    except ValueError as exc:
        raise ConfigurationError(f"parameter {name!r} of the {what} {exc}") from None


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """The sentence for a name that is none of `known`, with the nearest one where one is near."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f", did you mean {near[0]!r}?" if near else ";"
    return f"unknown {what} {name!r}{hint} known: {', '.join(sorted(known))}"


def _userinfo_advice(scheme: str) -> str:
    shape = "container/prefix" if scheme in {"az", "abfs", "abfss"} else "bucket/prefix"
    return (
        f"the cold URL contains userinfo ('…@'): write {scheme}://{shape} and give credentials in "
        "the environment or in storage_options; an '@' that belongs to a name is written %40"
    )


# -- what a parameter's text may be; each raises ValueError with the end of a sentence -------------


def _count(low: int, high: int, unit: str) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value) if re.fullmatch(r"[0-9]{1,18}", value) else -1
        if not low <= number <= high:
            raise ValueError(f"is a whole number of {unit} from {low} to {high}")
        return number

    return parse


def _word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", value):
        raise ValueError("is a plain name")
    return value


def _level(value: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", value):
        raise ValueError("is a whole number")
    return int(value)


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"is one of {', '.join(choices)}")
        return value

    return parse


def _switch(value: str) -> bool:
    known = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}
    if value.lower() not in known:
        raise ValueError("is on or off")
    return known[value.lower()]


def _prefix(value: str) -> str:
    parts = value.split("/") if value else []
    if any(not part or part.startswith(".") or not part.isprintable() for part in parts):
        raise ValueError("is a relative path without empty, hidden, '.' or '..' parts")
    if "\\" in value or "::" in value:
        raise ValueError("contains no backslash and no '::'")
    return value


def _content_type(value: str) -> str:
    if not _CONTENT_TYPE.fullmatch(value):
        raise ValueError("is a content type such as application/json")
    return value


def _endpoint(value: str) -> str:
    if not _ENDPOINT.fullmatch(value):
        raise ValueError("is an http:// or https:// URL without userinfo and query")
    return value


HOT_PARAMETERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "ttl": _count(1, _MAX_SECONDS, "seconds"),
}
"""Our own parameters of a hot URL and how each is read."""

COLD_PARAMETERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "codec": _word,
    "level": _level,
    "format": _choice("v1", "v2"),
    "conditional": _choice("auto", "require", "off"),
    "legacy": _switch,
    "keep_v1": _switch,
    "encryption": _choice("on", "require", "off"),
    "prefix": _prefix,
    "content_type": _content_type,
    "max_decoded_bytes": _count(1, 1 << 50, "bytes"),
    "endpoint_url": _endpoint,
    "region": _word,
}
"""Our own parameters of a cold URL and how each is read."""
