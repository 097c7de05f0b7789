"""Requests to a WebDAV server, each answered or an error; alone in importing httpx."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import httpx

from ..models import ObjectInfo
from .webdav_filesystem import responses_of

_REPEATABLE: Final = {"GET", "PROPFIND", "PUT"}
_PROPERTIES: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>"
)


class UnexpectedStatusError(OSError):
    """An answer that is none to the request."""

    def __init__(self, method: str, path: str, status: int) -> None:
        super().__init__(f"the server answered {status} to {method} {path}")
        self.status_code = status


class Answer(NamedTuple):
    """Status, headers and body as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Entry(NamedTuple):
    """One name in a folder; `info` holds the name in place of a path."""

    is_folder: bool
    info: ObjectInfo


def url_of(client: Any, path: str) -> Any:
    """The URL of a path; httpx alone would take ``%20`` in a name for a blank."""
    whole = f"{client.base_url.path.rstrip('/')}/{path.lstrip('/')}"
    return client.base_url.copy_with(raw_path=quote(whole, safe="/").encode())


def send(
    client: Any,
    method: str,
    path: str,
    expected: Iterable[int],
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """Send a request, again where the connection was lost and that changes nothing.

    `UnexpectedStatusError` for a status that is not `expected`.
    """
    try:
        answer = _sent(client, method, path, headers, content)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        if method not in _REPEATABLE:
            raise
        answer = _sent(client, method, path, headers, content)
    if answer.status not in expected:
        raise UnexpectedStatusError(method, path, answer.status)
    return answer


def _sent(
    client: Any, method: str, path: str, headers: Mapping[str, str] | None, content: bytes | None
) -> Answer:
    # Compressed under way or named so by its suffix: the bytes as they are stored are wanted.
    plain = {"Accept-Encoding": "identity", **(headers or {})}
    with client.http.stream(
        method, url_of(client, path), headers=plain, content=content
    ) as response:
        return Answer(response.status_code, response.headers, b"".join(response.iter_raw()))


def move(
    client: Any, source: str, target: str, *, overwrite: bool, expected: Iterable[int]
) -> Answer:
    """Rename a file."""
    destination = str(url_of(client, target).copy_with(userinfo=b""))
    headers = {"Destination": destination, "Overwrite": "T" if overwrite else "F"}
    return send(client, "MOVE", source, expected, headers)


def look(client: Any, path: str) -> bool | None:
    """Whether a path is a folder; None: there is nothing."""
    found = _find(client, path, "0")
    return None if found is None else any(each.properties.collection for each in found.values())


def entries(client: Any, folder: str) -> list[Entry] | None:
    """What is in a folder; None: there is no such folder."""
    found = _find(client, f"{folder}/", "1")
    if found is None:
        return None
    above = f"{client.base_url.path.rstrip('/')}/{folder.strip('/')}".rstrip("/")
    rows = []
    for path, each in found.items():
        if path.rstrip("/") == above:
            continue
        parent, _, name = path.rpartition("/")
        if parent != above:
            raise ValueError(f"the server lists {path!r} where {above!r} was asked for")
        rows.append(_entry(name, each.properties))
    return rows


def _find(client: Any, path: str, depth: str) -> dict[str, Any] | None:
    headers = {"Depth": depth, "Content-Type": "application/xml"}
    answer = send(client, "PROPFIND", path, (207, 404), headers, _PROPERTIES)
    return None if answer.status == 404 else responses_of(answer.body)


def _entry(name: str, properties: Any) -> Entry:
    modified = properties.modified
    stamp = modified.timestamp() if modified else None
    info = ObjectInfo(name, int(properties.content_length or 0), stamp)
    return Entry(bool(properties.collection), info)
