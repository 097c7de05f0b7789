"""``demo``: real transcripts through both tiers and back, compared byte for byte."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from ..store import ThreadStore
from ..urls import file_url
from .lines import id_of_line, known_line, parse_line, raw_of_line
from .output import print_rows, progress, say
from .settings import Settings

DEMO_KEY = "demo"
Row = dict[str, object]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Keep the archives in this folder.")
    ] = None,
) -> None:
    """Send eleven real agent transcripts through both tiers and compare what comes back.

    Without --hot and --cold it runs on memory and a temporary folder, with nothing installed; the
    environment's URLs are not used.
    """
    settings: Settings = ctx.obj
    if folder is not None and settings.cold is not None:
        raise ValueError("give --dir or --cold, not both")
    with ExitStack() as stack, progress() as shown:
        if settings.cold is None and folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zeitlich-")))
        settings = _with_tiers(settings, folder)
        names = shown.track(transcripts(), description="transcripts")
        rows = settings.run(lambda store: _all(store, settings.key, names))
    whole = _summary(rows)
    print_rows(rows, as_json=settings.as_json, wrapper=whole)
    if not settings.as_json:
        say(
            f"{whole['ok']} of {whole['threads']} transcripts came back byte for byte: "
            f"{whole['messages']:,} messages, {whole['raw_bytes']:,} bytes raw, "
            f"{whole['archived_bytes']:,} bytes archived."
        )
    if whole["ok"] != whole["threads"]:
        raise typer.Exit(1)


def transcripts() -> list[tuple[str, bytes]]:
    """Name and bytes of each packaged transcript."""
    folder = files(__package__).joinpath("transcripts")
    lines = sorted((f.name, f) for f in folder.iterdir() if f.name.endswith(".jsonl"))
    return [(name.removesuffix(".jsonl"), file.read_bytes()) for name, file in lines]


async def round_trip(store: ThreadStore, key: str, name: str, data: bytes) -> Row:
    """One transcript through a session into the archive, back into the hot tier, and compared."""
    lines = [parse_line(text) for text in data.decode().split("\n") if text]
    how = {"id_of": id_of_line, "serialize": raw_of_line, "deserialize": known_line}
    async with store.session(name, key=key, **how) as session:  # type: ignore[arg-type]  # mypy joins the three types
        await session.append(*lines)
    archived = (await store.stat(name, key=key)).archived_bytes
    thread = store.thread(name, key=key, deserialize=str)
    await thread.hydrate()
    back = "".join(f"{raw}\n" for raw in await thread.load()).encode()
    await thread.flush()
    row: Row = {"transcript": name, "messages": len(lines), "raw_bytes": len(data)}
    return {**row, "archived_bytes": archived, "ok": back == data}


def _with_tiers(settings: Settings, folder: Path | None) -> Settings:
    """The embedded default for what was not given; a key of its own."""
    return replace(
        settings,
        hot=settings.hot or "memory://",
        cold=settings.cold or (file_url(folder) if folder else None),
        given_key=settings.given_key or DEMO_KEY,
    )


async def _all(store: ThreadStore, key: str, named: object) -> list[Row]:
    return [await round_trip(store, key, name, data) for name, data in named]  # type: ignore[attr-defined]


def _summary(rows: list[Row]) -> dict[str, int]:
    def total(name: str) -> int:
        return sum(int(str(row[name] or 0)) for row in rows)

    counts = {name: total(name) for name in ("messages", "raw_bytes", "archived_bytes")}
    return {"ok": sum(row["ok"] is True for row in rows), "threads": len(rows), **counts}
