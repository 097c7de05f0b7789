"""Snapshot format v1, zeitlich's own: one JSON object.

::

    {"v":1,"messages":[raw strings],"state":<object or null>,"dedupIds":[strings]}

Messages are opaque strings. The state is carried as the text it was written in, so that key order
and numbers such as ``1e+21`` survive. Errors do not know the archive's name; the caller adds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple, NoReturn

from ..errors import CorruptSnapshotError, UnsupportedFormatError
from ..models import UNPLACED, Snapshot

VERSION: Final = 1
ORIGINAL_SUFFIXES: Final = ("", ".gz")
"""Suffixes of the codecs the original reads; it knows no zstd."""

_NOT_SPACE: Final = re.compile(r"[^ \t\n\r]")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON, in the value")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


class _Field(NamedTuple):
    """A top-level value and where its text stands, in characters."""

    value: object
    start: int
    end: int


def encode(snapshot: Snapshot) -> bytes:
    r"""The archive's bytes: messages, state and ids; there is no room for the other fields.

    Surrogates are escaped as `JSON.stringify` does it, so the bytes are valid UTF-8; a high and a
    low one side by side are one character to JSON and come back as one. Raises `ValueError`
    unless the state is None or the text of one JSON object.

    >>> encode(Snapshot(messages=('{"id":"a"}',), state='{"n": 1e+21}', ids=(("a", 0),)))
    b'{"v":1,"messages":["{\\"id\\":\\"a\\"}"],"state":{"n": 1e+21},"dedupIds":["a"]}'
    """
    state = "null" if snapshot.state is None else _checked_state(snapshot.state)
    messages, ids = _array(snapshot.messages), _array(snapshot.dedup_ids)
    text = f'{{"v":{VERSION},"messages":{messages},"state":{state},"dedupIds":{ids}}}'
    # Only surrogates cannot be encoded, and this writes them as \udXXX.
    return text.encode("utf-8", "backslashreplace")


def parse(data: bytes) -> Snapshot:
    """The snapshot in an archive's bytes; its ids are `UNPLACED`, see `place_ids`.

    Raises `UnsupportedFormatError` for another version and `CorruptSnapshotError` for anything
    else that is not a v1 document. Fields v1 does not have are passed over, as the original does.

    >>> parse(b'{"v":1,"messages":["hi"],"state":null,"dedupIds":["a"]}').ids
    (('a', -1),)
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise CorruptSnapshotError(f"not valid UTF-8 at byte {exc.start}: {exc.reason}") from exc
    try:
        fields = _members(text)
    except json.JSONDecodeError as exc:
        raise CorruptSnapshotError(f"{exc.msg} at byte {_byte(text, exc.pos)}") from exc
    _check_version(text, fields)
    return Snapshot(
        messages=_strings(text, fields, "messages"),
        state=_state(text, fields),
        ids=tuple((message_id, UNPLACED) for message_id in _strings(text, fields, "dedupIds")),
    )


def _array(strings: Iterable[str]) -> str:
    return "[" + ",".join(map(encode_basestring, strings)) + "]"


def _checked_state(state: str) -> str:
    value, end = _value(state, _skip(state, 0))
    if not isinstance(value, dict) or _skip(state, end) != len(state):
        raise ValueError("the state must be the text of one JSON object")
    return state


def _members(text: str) -> dict[str, _Field]:
    """The fields of the one object that `text` is; `json.JSONDecodeError` for anything else."""
    fields: dict[str, _Field] = {}
    position = _expect(text, 0, "{")
    more = not _sees(text, position, "}")
    while more:
        name, position = _new_name(text, _skip(text, position), fields)
        start = _skip(text, _expect(text, position, ":"))
        value, position = _value(text, start)
        fields[name] = _Field(value, start, position)
        more = _sees(text, position, ",")
        position = _expect(text, position, ",") if more else position
    end = _skip(text, _expect(text, position, "}"))
    if end != len(text):
        raise json.JSONDecodeError("more data after the snapshot's end", text, end)
    return fields


def _new_name(text: str, position: int, fields: dict[str, _Field]) -> tuple[str, int]:
    name, end = _value(text, position)
    if not isinstance(name, str):
        raise json.JSONDecodeError("a field's name is not a string", text, position)
    if name in fields:
        raise json.JSONDecodeError(f"the field {name[:20]!r} stands twice", text, position)
    return name, end


def _value(text: str, position: int) -> tuple[Any, int]:
    """The JSON value at `position` and where its text ends; `json.JSONDecodeError` if none."""
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError:
        raise
    except RecursionError as exc:
        raise json.JSONDecodeError("a value nested too deeply", text, position) from exc
    except ValueError as exc:  # NaN, or an integer of more digits than Python reads
        raise json.JSONDecodeError(str(exc), text, position) from exc


def _skip(text: str, position: int) -> int:
    """Where the next character stands that is no white space, or the text's end."""
    found = _NOT_SPACE.search(text, position)
    return found.start() if found else len(text)


def _sees(text: str, position: int, char: str) -> bool:
    return text.startswith(char, _skip(text, position))


def _expect(text: str, position: int, char: str) -> int:
    """Where the text goes on after `char`, which must come next."""
    position = _skip(text, position)
    if not text.startswith(char, position):
        raise json.JSONDecodeError(f"{char!r} is missing", text, position)
    return position + 1


def _check_version(text: str, fields: dict[str, _Field]) -> None:
    version = _field(fields, "v")
    if isinstance(version.value, bool) or not isinstance(version.value, int | float):
        raise _mistyped(text, "v", version, "a number")
    if version.value != VERSION:
        raise UnsupportedFormatError(
            f"snapshot version {str(version.value)[:20]} is not known to this version, which reads "
            f"version {VERSION} here: upgrade zeitlich-store"
        )


def _strings(text: str, fields: dict[str, _Field], name: str) -> tuple[str, ...]:
    field = _field(fields, name)
    value = field.value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _mistyped(text, name, field, "a list of strings")
    return tuple(value)


def _state(text: str, fields: dict[str, _Field]) -> str | None:
    field = _field(fields, "state")
    if field.value is None:
        return None
    if not isinstance(field.value, dict):
        raise _mistyped(text, "state", field, "an object or null")
    return text[field.start : field.end]


def _field(fields: dict[str, _Field], name: str) -> _Field:
    if name not in fields:
        raise CorruptSnapshotError(f"the field {name!r} is missing")
    return fields[name]


def _mistyped(text: str, name: str, field: _Field, wanted: str) -> CorruptSnapshotError:
    where = _byte(text, field.start)
    return CorruptSnapshotError(f"the field {name!r} at byte {where} is not {wanted}")


def _byte(text: str, position: int) -> int:
    """Offset in bytes of a character position; the text was decoded, so it can be encoded."""
    return len(text[:position].encode())
