"""What a command prints: tables for people or one JSON document, and progress on stderr."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..errors import GIVES_UP
from ..flush import DECIDES

_PIPE_WIDTH: Final = 200
_COMMANDS: Final = {
    DECIDES: "zeitlich-store resolve THREAD --keep hot (or --keep archive) decides",
    GIVES_UP: "zeitlich-store drop-hot THREAD gives the hot copy up, the archive then counts again",
}
"""What the command line says in place of errors' words on methods."""
Row = Mapping[str, Any]


def print_rows(rows: Sequence[Row], *, as_json: bool, wrapper: Row | None = None) -> None:
    """Print rows of equal keys; as JSON a list, or the document `wrapper` with them as ``rows``."""
    if as_json:
        print_json(list(rows) if wrapper is None else {**wrapper, "rows": list(rows)})
    elif rows:
        _print_table(rows)


def print_fields(fields: Row, *, as_json: bool) -> None:
    """Print one record: a name and a value a line, or a JSON object."""
    if as_json:
        print_json(fields)
    else:
        _print_table([{"field": name, "value": value} for name, value in fields.items()])


def print_json(document: object) -> None:
    """Print one JSON document on one line."""
    say(json.dumps(document, ensure_ascii=True))


def say(text: str) -> None:
    """Print a line on stdout."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(printable(text) + "\n")


def printable(text: str) -> str:
    r"""The text on one line without control characters, which a terminal would obey.

    >>> printable("a\x1b[31mb")
    'a?[31mb'
    """
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def words_of(exc: Exception) -> str:
    """What an error says, with the commands in place of the methods it names."""
    text = str(exc)
    for words, command in _COMMANDS.items():
        text = text.replace(words, command)
    return text


def quoted(text: str) -> str:
    """A text as a shell takes it, without control characters."""
    return shlex.quote(printable(text))


def count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "thread"), count(1200, "thread")
    ('1 thread', '1,200 threads')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def when(seconds: float | None) -> str:
    """A time in seconds since 1970 for people, in UTC; empty for None."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def progress() -> Progress:
    """A progress display on stderr, silent where that is no terminal."""
    console = Console(file=sys.stderr)  # this very one, whatever takes its place meanwhile
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}"),
    )
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        # rich takes a pipe for a terminal where FORCE_COLOR is set, as many CI services do.
        disable=not (console.is_terminal and sys.stderr.isatty()),
    )


def _print_table(rows: Iterable[Row]) -> None:
    rows = list(rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        numeric = all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    width = None if sys.stdout.isatty() else max(_PIPE_WIDTH, Console().width)
    Console(width=width, highlight=False).print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}"
        case _:
            return printable(str(value))
