"""``verify``, ``convert``, ``salvage`` and ``resolve``: looking after archives."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..encryption import Encryption, Keyring
from ..protocols import Codec
from ..registry import make_codec, readable_codecs
from ..results import Checked, Converted, ConvertStatus, FlushResult, FlushStatus
from ..snapshot.salvage import Salvaged, salvage
from ..snapshot.sniff import V2_MAGIC
from ..snapshot.v1 import ORIGINAL_SUFFIXES
from ..store import ThreadStore
from .lines import write_lines
from .output import Row, count, print_fields, print_rows, progress, say, warn
from .reading import check_target, check_there
from .removing import ask
from .settings import Settings

_MOST_BYTES = 1 << 30
Format = Literal["v1", "v2"]
Keep = Literal["hot", "archive"]
Threads = Annotated[list[str] | None, typer.Argument(help="Thread ids; none: all of the key.")]
Every = Annotated[bool, typer.Option("--all", help="Every thread key under the prefix.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(verify)
    app.command()(convert)
    app.command("salvage")(salvage_thread)
    app.command()(resolve)


def verify(ctx: typer.Context, threads: Threads = None, every: Every = False) -> None:  # an option
    """Read archives and check every byte; damaged ones are listed. Nothing is changed."""
    settings: Settings = ctx.obj
    _refuse_both(threads, every=every)
    rows, absent = settings.run(lambda store: _verify(store, settings, threads, every=every))
    damaged = [_damage(row) for row in rows if not row.ok]
    wrapper = {"archives": len(rows), "damaged": len(damaged)}
    unchecked = sum(bool(row.unchecked) for row in rows)
    if unchecked:
        wrapper["unchecked"] = unchecked
    print_rows(damaged, as_json=settings.as_json, wrapper=wrapper)
    if not settings.as_json:
        sealed = f", {unchecked} encrypted: without keys only checksums were checked"
        say(f"{count(len(rows), 'archive')}, {len(damaged)} damaged{sealed if unchecked else ''}")
    for thread in absent:
        warn(f"thread {thread!r} has no archive")
    if damaged or absent:
        raise typer.Exit(1)


async def _verify(
    store: ThreadStore, settings: Settings, threads: list[str] | None, *, every: bool
) -> tuple[list[Checked], list[str]]:
    """A row for each object, and the threads named that have none."""
    if not threads:
        run = store.verify(key=None if every else settings.key)
        return await _collected(run, "verifying"), []
    found = [await _collected(store.verify(t, key=settings.key), "verifying") for t in threads]
    absent = [thread for thread, rows in zip(threads, found, strict=True) if not rows]
    return [row for rows in found for row in rows], absent


def _refuse_both(threads: list[str] | None, *, every: bool) -> None:
    if threads and every:
        raise ValueError("name threads, or give --all")


async def _collected(rows: AsyncGenerator[Any, None], what: str) -> list[Any]:
    """All rows, with their number on a terminal meanwhile."""
    found: list[Any] = []
    with progress() as shown:
        task = shown.add_task(what, total=None)
        async for row in rows:
            found.append(row)
            shown.update(task, completed=len(found))
    return found


def _damage(row: Checked) -> Row:
    ref = row.ref
    named = {"key": ref.key if ref else None, "thread": ref.id if ref else None}
    return {**named, "format": row.format, "path": row.path, "problem": row.problem}


def convert(
    ctx: typer.Context,
    to: Annotated[Format, typer.Option("--format", help="The format to write: v1 or v2.")],
    threads: Threads = None,
    every: Every = False,  # an option
    keep_v1: Annotated[
        bool, typer.Option(help="Leave v1 objects where they are.")
    ] = False,  # an option
    level: Annotated[int | None, typer.Option(help="The level of --codec.")] = None,
) -> None:
    """Rewrite archives in another format or --codec; run it again where it was stopped.

    Without --codec it is the cold URL's; where that names none, zstd, or for v1 gzip: the original
    reads no zstd.

    What is in that format and codec and under the writing key already is passed over, whatever its
    level.
    """
    settings: Settings = ctx.obj
    _refuse_both(threads, every=every)
    if level is not None and settings.codec is None:
        raise ValueError("--level needs --codec")
    codec = _codec(settings, to, level)

    async def work(store: ThreadStore) -> list[Converted]:
        key = None if every else settings.key
        options: dict[str, Any] = {"format": to, "keep_v1": keep_v1, "codec": codec}
        runs = [store.convert(t, key=settings.key, **options) for t in threads or ()]
        runs = runs or [store.convert(key=key, **options)]
        return [row for run in runs for row in await _collected(run, "converting")]

    # The codec is this command's: the URL may name another one.
    rows: list[Converted] = replace(settings, codec=None).run(work)
    print_rows([_conversion(row, to) for row in rows], as_json=settings.as_json)
    if any(row.status is ConvertStatus.FAILED for row in rows):
        raise typer.Exit(1)


def _codec(settings: Settings, to: Format, level: int | None) -> Codec | None:
    """The codec to write; None: that of the store."""
    named = settings.named_codec
    if to == "v1" and named is None:
        return make_codec("gzip")
    if to == "v1" and named and make_codec(named).suffix not in ORIGINAL_SUFFIXES:
        warn(f"warning: the original, which format v1 is for, reads no {named}: use --codec gzip")
    return None if settings.codec is None else make_codec(settings.codec, level)


def _conversion(row: Converted, to: Format) -> Row:
    ref = row.ref
    named = {"key": ref.key if ref else None, "thread": ref.id if ref else None}
    named |= {"status": str(row.status), "format": to}
    detail = row.problem or ("flush it first" if row.status is ConvertStatus.HOT else "")
    return {**named, "bytes_before": row.before, "bytes_after": row.after, "detail": detail}


def salvage_thread(
    ctx: typer.Context,
    thread: Annotated[str | None, typer.Argument(help="Thread id.")] = None,
    file: Annotated[Path | None, typer.Option(help="A local copy of the object instead.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File for JSONL.")] = None,
) -> None:
    """Write the readable messages of a damaged archive as JSONL, and tell what is missing."""
    settings: Settings = ctx.obj
    if (thread is None) == (file is None):
        raise ValueError("name a thread, or give --file")
    _check_output(output)
    found = _of_file(file) if file else settings.run(lambda s: _of_thread(s, settings, thread))
    messages = [message for _, message in found.messages]
    if output is None:
        write_lines(messages, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with output.open("xb") as stream:
            write_lines(messages, stream)
    _tell(found)


def _check_output(output: Path | None) -> None:
    check_target(output)
    if output is not None and output.exists():
        raise ValueError(f"{output} exists; name a new file")


def _of_file(file: Path) -> Salvaged:
    if not file.is_file():
        raise ValueError(f"{file}: no such file")
    data, codecs = file.read_bytes(), readable_codecs()
    encryption = Encryption(Keyring.from_environment(), mode="off")
    keys = asyncio.run(encryption.keys_of(data))
    found = salvage(data, codecs, max_bytes=_MOST_BYTES, keys=keys)
    if found.messages or data.startswith(V2_MAGIC):
        return found
    if any(codec.matches(data) for codec in codecs):
        raise ValueError(
            f"{file}: an archive in format v1, which can be read whole or not at all; salvage "
            "reads format v2"
        )
    raise ValueError(f"{file}: nothing in it is an archive in format v2")


async def _of_thread(store: ThreadStore, settings: Settings, thread: str | None) -> Salvaged:
    return await store.salvage(thread or "", key=settings.key)


def _tell(found: Salvaged) -> None:
    for problem in found.problems:
        warn(problem)
    expected = "" if found.expected is None else f" of {found.expected}"
    warn(f"{len(found.messages)}{expected} messages salvaged")
    if found.problems:
        raise typer.Exit(1)


def resolve(
    ctx: typer.Context,
    thread: Annotated[str, typer.Argument(help="Thread id.")],
    keep: Annotated[Keep, typer.Option(help="Which version stays: hot or archive.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,  # an option
) -> None:
    """End a conflict: keep the hot copy or the archive; the other version is gone for good."""
    settings: Settings = ctx.obj
    question = f"Keep the {keep} version of {thread} for good?"
    ask(question, "resolve gives a version up for good", yes=yes)

    async def work(store: ThreadStore) -> FlushResult:
        done = await settings.thread(store, thread).resolve(keep)
        if done.status is FlushStatus.NOTHING:
            await check_there(store, thread, settings.key)
        return done

    done = settings.run(work)
    fields = {"thread": thread, "status": str(done.status), "messages": done.messages}
    print_fields({**fields, "generation": done.generation}, as_json=settings.as_json)
