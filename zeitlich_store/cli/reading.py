"""``show``, ``ls``, ``stat`` and ``export``: they change nothing in either tier."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ..errors import (
    ConflictError,
    CorruptSnapshotError,
    EncryptionError,
    HotTierCorruptError,
    LimitExceededError,
    ThreadNotFoundError,
    UnsupportedFormatError,
)
from ..results import ThreadInfo, ThreadStat
from ..store import ThreadStore
from .lines import check_json, known_line, preview, write_lines
from .output import count, print_fields, print_rows, progress, quoted, say, warn, when, words_of
from .settings import Settings

DAMAGED = (
    ConflictError,
    CorruptSnapshotError,
    EncryptionError,
    HotTierCorruptError,
    LimitExceededError,
    UnsupportedFormatError,
)
"""What is wrong with one thread and says nothing of the others."""
_MOST_OF_A_NAME = 200
# What no file system objects to; '%' is left out, so that a quoted name never equals a plain one.
_PLAIN = " !#$&'()+,;=@[]^`{}"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (show, ls, stat, export):
        app.command()(command)


def show(
    ctx: typer.Context,
    thread: Annotated[str, typer.Argument(help="Thread id.")],
    last: Annotated[int | None, typer.Option(min=0, help="Only this many, from the end.")] = None,
) -> None:
    """Print a thread's messages; with --json their exact text, one a line."""
    settings: Settings = ctx.obj
    contents = settings.run(
        lambda store: store.read(thread, key=settings.key, last=last, deserialize=str)
    )
    if settings.as_json:
        check_json(contents.messages)
        write_lines(contents.messages, sys.stdout.buffer)
        return
    rows = [
        dict(zip(("id", "role", "text"), (known_line(raw).id, *preview(raw)), strict=True))
        for raw in contents.messages
    ]
    print_rows(rows, as_json=False)
    say(
        f"{count(len(rows), 'message')}, {contents.tier}"
        + (", with state" if contents.state else "")
    )


def ls(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="Threads to list.")] = 1000,
    cursor: Annotated[str | None, typer.Option(help="Where an earlier list ended.")] = None,
) -> None:
    """List the threads of a thread key."""
    settings: Settings = ctx.obj

    async def work(store: ThreadStore) -> tuple[list[ThreadInfo], str | None]:
        threads: list[ThreadInfo] = []
        at = cursor
        while True:
            page = await store.list(key=settings.key, limit=limit - len(threads), cursor=at)
            threads += page.threads
            at = page.cursor
            if at is None or len(threads) >= limit:
                return threads, at

    threads, following = settings.run(work)
    rows = [_listed(info, as_json=settings.as_json) for info in threads]
    print_rows(rows, as_json=settings.as_json, wrapper={"cursor": following})
    if not settings.as_json:
        say(
            count(len(rows), "thread")
            + (f", more: --cursor {quoted(following)}" if following else "")
        )


def stat(ctx: typer.Context, thread: Annotated[str, typer.Argument(help="Thread id.")]) -> None:
    """Show what each tier holds of a thread."""
    settings: Settings = ctx.obj
    found = settings.run(lambda store: store.stat(thread, key=settings.key))
    hot = found.hot
    fields = {
        "thread": found.ref.id,
        "key": found.ref.key,
        "hot": hot is not None,
        "hot_messages": hot.messages if hot else None,
        "changed_since_archived": hot.dirty if hot else None,
        "expires_in_seconds": hot.expires_in if hot else None,
        "archived": found.archived_bytes is not None,
        "archived_messages": found.archived_messages,
        "archived_bytes": found.archived_bytes,
        "archived_generation": found.archived_generation,
        "archived_format": _format(found),
    }
    print_fields(fields, as_json=settings.as_json)


def _format(found: ThreadStat) -> str | None:
    """Only format v2 counts generations; None where there is no archive."""
    if found.archived_bytes is None:
        return None
    return "v1" if found.archived_generation is None else "v2"


def export(
    ctx: typer.Context,
    thread: Annotated[str | None, typer.Argument(help="Thread id.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every thread of --key, of that one alone.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File; with --all a folder.")
    ] = None,
) -> None:
    """Write messages as JSONL, byte for byte: one thread to stdout or a file, all to a folder."""
    settings: Settings = ctx.obj
    if every == (thread is not None):
        raise ValueError("name a thread, or give --all")
    if thread is not None:
        check_target(output)
        settings.run(lambda store: _export_one(store, settings, thread, output))
        return
    if output is None:
        raise ValueError("--all needs -o FOLDER")
    output.mkdir(parents=True, exist_ok=True)
    exported, failed = settings.run(lambda store: _export_all(store, settings, output))
    warn(f"{count(exported, 'thread')} exported to {output}")
    if failed:
        warn(f"{count(failed, 'thread')} could not be read")
        raise typer.Exit(1)


async def check_there(store: ThreadStore, thread_id: str, key: str) -> None:
    """`ThreadNotFoundError` where the thread is in neither tier; one that is damaged is there."""
    with suppress(*DAMAGED):
        await store.stat(thread_id, key=key)


async def threads_of(store: ThreadStore, key: str) -> AsyncIterator[str]:
    """The id of every thread of a key, each once."""
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = await store.list(key=key, limit=500, cursor=cursor)
        for info in page.threads:
            if info.ref.id not in seen:
                seen.add(info.ref.id)
                yield info.ref.id
        if (cursor := page.cursor) is None:
            return


async def _export_all(store: ThreadStore, settings: Settings, folder: Path) -> tuple[int, int]:
    """How many threads were exported, and how many could not be; those are told on stderr."""
    exported = failed = 0
    with progress() as shown:
        task = shown.add_task("exporting", total=None)
        async for thread_id in threads_of(store, settings.key):
            target = folder / f"{file_name(thread_id)}.jsonl"
            try:
                await _export_one(store, settings, thread_id, target)
            except ThreadNotFoundError:
                continue  # deleted since it was listed
            except DAMAGED as exc:
                warn(f"{thread_id}: {words_of(exc)}")
                failed += 1
            else:
                exported += 1
            shown.update(task, completed=exported + failed)
    return exported, failed


async def _export_one(
    store: ThreadStore, settings: Settings, thread_id: str, target: Path | None
) -> None:
    contents = await store.read(thread_id, key=settings.key, deserialize=str)
    if target is None:
        write_lines(contents.messages, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        _write_file(target, contents.messages)


def check_target(target: Path | None) -> None:
    """`ValueError` for an output file that cannot be made."""
    if target is not None and target.is_dir():
        raise ValueError(f"{target} is a folder; name a file")
    if target is not None and not target.parent.is_dir():
        raise ValueError(f"{target}: there is no folder {target.parent}")


def _write_file(target: Path, messages: list[str]) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".export-")
    try:
        with os.fdopen(handle, "wb") as stream:
            write_lines(messages, stream)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def file_name(thread_id: str) -> str:
    """A thread id as a file's name; what a file system may not take is percent-encoded.

    One that is too long for a name is shortened: its beginning, and a hash behind ``%%``.

    >>> file_name("t-42"), file_name("../a")
    ('t-42', '%2E.%2Fa')
    """
    name = quote(thread_id, safe=_PLAIN)
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) <= _MOST_OF_A_NAME:
        return name
    return f"{name[:80]}%%{hashlib.sha256(thread_id.encode()).hexdigest()}"


def _listed(info: ThreadInfo, *, as_json: bool) -> dict[str, object]:
    modified = info.modified if as_json else when(info.modified)
    row: dict[str, object] = {"thread": info.ref.id, "hot": info.hot, "archived": info.archived}
    return {**row, "bytes": info.size, "modified": modified}
