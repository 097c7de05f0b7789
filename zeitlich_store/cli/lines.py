"""JSON lines in and out, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any, NamedTuple, NoReturn

from .. import _json
from ..messages import default_id_of

BATCH_LINES = 500
"""Messages appended in one call."""


class Line(NamedTuple):
    """One message: its exact text and its id."""

    raw: str
    id: str | None


def parse_line(text: str) -> Line:
    """A line of valid JSON; `ValueError` for any other.

    >>> parse_line('{"id": "m1"}')
    Line(raw='{"id": "m1"}', id='m1')
    """
    try:
        # Numbers are checked, not converted: they may have any number of digits.
        value = json.loads(text, parse_int=_zero, parse_float=_zero, parse_constant=_refuse)
    except json.JSONDecodeError as exc:
        raise ValueError(f"not JSON: {exc.msg} (column {exc.pos + 1})") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return Line(text, default_id_of(value))


def known_line(text: str) -> Line:
    """A line from a store, where a message may be any text."""
    try:
        return parse_line(text)
    except ValueError:
        return Line(text, None)


def id_of_line(line: Line) -> str | None:
    """The message's id."""
    return line.id


def raw_of_line(line: Line) -> str:
    """The message's exact text."""
    return line.raw


def read_lines(stream: IO[bytes], name: str) -> Iterator[Line]:
    """The lines of a JSONL file without blank ones; `ValueError` names file and line number."""
    for number, data in enumerate(stream, 1):
        if data.strip():
            try:
                yield parse_line(data.removesuffix(b"\n").decode())
            except UnicodeDecodeError as exc:
                raise ValueError(
                    f"{name}, line {number}: not UTF-8 (byte {exc.start + 1})"
                ) from None
            except ValueError as exc:
                raise ValueError(f"{name}, line {number}: {exc}") from None


def batches(lines: Iterable[Line], size: int = BATCH_LINES) -> Iterator[list[Line]]:
    """The lines in lists of at most `size`."""
    rest = iter(lines)
    while batch := list(islice(rest, size)):
        yield batch


def write_lines(messages: Iterable[str], stream: IO[bytes]) -> None:
    """Write messages as JSONL, exactly; `ValueError` for one that is not a line of JSON text."""
    for at, raw in enumerate(messages):
        stream.write(_one_line(at, raw).encode() + b"\n")


def check_json(messages: Iterable[str]) -> None:
    """`ValueError` where a message is any other text than JSON."""
    for at, raw in enumerate(messages):
        try:
            parse_line(_json.escape_surrogates(raw))
        except ValueError as exc:
            raise ValueError(f"message {at} is {exc}; export writes it as it is") from exc


def _one_line(at: int, raw: str) -> str:
    text = _json.escape_surrogates(raw)
    if "\n" not in text:
        return text
    try:
        parse_line(text)
    except ValueError as exc:
        raise ValueError(f"message {at} is not JSON and has several lines: no JSONL") from exc
    # In valid JSON a line break stands only between tokens, where a space means the same.
    return text.replace("\n", " ")


def _zero(text: str) -> int:
    del text
    return 0


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name} is no JSON value")


def preview(raw: str, width: int = 100) -> tuple[str, str]:
    """Role and beginning of a message, for people."""
    try:
        message: Any = _json.loads(raw)
    except ValueError:
        message = raw
    if not isinstance(message, dict):
        return "", shorten(message if isinstance(message, str) else raw, width)
    role = message.get("role", message.get("type", ""))
    content = message.get("content", message.get("text", message))
    text = content if isinstance(content, str) else _json.dumps(content)
    return str(role), shorten(text, width)


def shorten(text: str, width: int) -> str:
    r"""The beginning of a text on one line.

    >>> shorten("one\ntwo three", 8)
    'one two…'
    """
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width and len(text) <= 4 * width else line[: width - 1] + "…"
