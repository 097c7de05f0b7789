"""``import`` and ``append``: messages into the hot tier."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.progress import Progress

from ..store import ThreadStore
from ..tiering import checked_ref
from .lines import Line, batches, parse_line, read_lines
from .output import print_fields, print_rows, printable, progress
from .settings import Settings, refuse_to_forget, settle

STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_files)
    app.command("append")(append)


@dataclass(frozen=True, slots=True)
class Source:
    """One JSONL input and the thread it becomes; `data` where it came from stdin."""

    name: str
    thread_id: str
    data: bytes | None = None

    def open(self) -> IO[bytes]:
        """The input, from its beginning."""
        return Path(self.name).open("rb") if self.data is None else io.BytesIO(self.data)

    def lines(self) -> Iterator[Line]:
        """Its lines, each checked."""
        with self.open() as stream:
            yield from read_lines(stream, self.name)


def import_files(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(help="JSONL files, or - for stdin.")],
    thread: Annotated[
        str | None, typer.Option(help="Thread id; by default the file's name without suffix.")
    ] = None,
) -> None:
    """Store JSONL files, a message a line, a thread a file; lines whose id is there are skipped.

    Every file is checked before the first is stored.
    """
    settings: Settings = ctx.obj
    sources = [_source(name, thread, alone=len(files) == 1) for name in files]
    _check_names(sources, settings)
    with progress() as shown:
        _check_lines(sources, shown)
        rows = settings.run(lambda store: _import_all(store, settings, sources, shown))
    print_rows(rows, as_json=settings.as_json)


def append(
    ctx: typer.Context,
    thread: Annotated[str, typer.Argument(help="Thread id.")],
    message: Annotated[
        str | None, typer.Argument(help="The message as JSON; without it, JSONL from stdin.")
    ] = None,
) -> None:
    """Append a message (or the lines of stdin); the thread is begun where there is none."""
    settings: Settings = ctx.obj
    if message is None:
        lines = list(read_lines(sys.stdin.buffer, "stdin"))
    else:
        lines = [parse_line(message)]

    async def work(store: ThreadStore) -> None:
        refuse_to_forget(store)
        handle = settings.thread(store, thread)
        await handle.initialize()
        stored = await handle.append(*lines)
        fields = {"thread": thread, "new": stored, "skipped": len(lines) - stored}
        fields |= {"messages": await handle.length(), "tier": await settle(store, handle)}
        print_fields(fields, as_json=settings.as_json)

    settings.run(work)


def _source(name: str, thread: str | None, *, alone: bool) -> Source:
    if thread is not None and not alone:
        raise ValueError("--thread names the thread of one file; give one file")
    if name == STDIN:
        if thread is None:
            raise ValueError("lines from stdin need --thread ID")
        return Source("stdin", thread, sys.stdin.buffer.read())
    if not Path(name).is_file():
        what = "is a folder; name its files" if Path(name).is_dir() else "no such file"
        raise ValueError(f"{name}: {what}")
    return Source(name, Path(name).stem if thread is None else thread)


def _check_names(sources: list[Source], settings: Settings) -> None:
    """Refuse two files for one thread and ids that the archive cannot hold."""
    cold = settings.open().cold
    seen: dict[str, str] = {}
    for source in sources:
        checked_ref(cold, settings.key, source.thread_id)
        other = seen.setdefault(source.thread_id, source.name)
        if other is not source.name:
            raise ValueError(f"{other} and {source.name} would both be {source.thread_id!r}")


def _check_lines(sources: list[Source], shown: Progress) -> None:
    task = shown.add_task("checking", total=len(sources))
    for source in sources:
        for _ in source.lines():
            pass
        shown.advance(task)
    shown.remove_task(task)


async def _import_all(
    store: ThreadStore, settings: Settings, sources: list[Source], shown: Progress
) -> list[dict[str, object]]:
    refuse_to_forget(store)
    task = shown.add_task("importing", total=len(sources))
    rows = []
    for source in sources:
        rows.append(await _import_one(store, settings, source, shown))
        shown.advance(task)
    return rows


async def _import_one(
    store: ThreadStore, settings: Settings, source: Source, shown: Progress
) -> dict[str, object]:
    task = shown.add_task(printable(source.thread_id), total=None)
    thread = settings.thread(store, source.thread_id)
    await thread.initialize()
    lines = stored = 0
    for batch in batches(source.lines()):
        stored += await thread.append(*batch)
        lines += len(batch)
        shown.update(task, completed=lines)
    tier = await settle(store, thread)
    shown.remove_task(task)
    row = {"thread": source.thread_id, "lines": lines, "new": stored}
    return {**row, "skipped": lines - stored, "tier": tier}
