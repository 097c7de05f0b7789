"""``hydrate`` and ``flush``: threads between the tiers."""

from __future__ import annotations

from typing import Annotated

import typer

from ..abilities import PrivateHotTier
from ..errors import ConfigurationError, ThreadNotFoundError, ZeitlichStoreError
from ..protocols import ScannableHotTier
from ..results import FlushResult, FlushStatus
from ..store import ThreadStore
from .output import count, print_rows, progress, say, words_of
from .reading import check_there
from .settings import Settings

Rows = list[dict[str, object]]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (hydrate, flush):
        app.command()(command)


def hydrate(
    ctx: typer.Context, threads: Annotated[list[str], typer.Argument(help="Thread ids.")]
) -> None:
    """Bring archived threads into the hot tier, which has to be one that stays (--hot)."""
    settings: Settings = ctx.obj

    async def work(store: ThreadStore) -> Rows:
        if isinstance(store.hot, PrivateHotTier):
            raise ConfigurationError(
                "what is hydrated into a memory hot tier ends with this command: give --hot URL"
            )
        rows: Rows = []
        for thread_id in threads:
            done = await settings.thread(store, thread_id).hydrate()
            row: dict[str, object] = {"thread": thread_id, "status": str(done.status)}
            rows.append({**row, "messages": done.messages, "bytes": done.bytes})
        return rows

    rows = settings.run(work)
    print_rows(rows, as_json=settings.as_json)
    if any(row["status"] == "not-found" for row in rows):
        raise typer.Exit(1)


def flush(
    ctx: typer.Context,
    threads: Annotated[list[str] | None, typer.Argument(help="Thread ids.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every hot thread of --key, of that one alone.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the threads hot.")] = False,
) -> None:
    """Archive hot threads and free the hot tier; one that fails does not stop the others."""
    settings: Settings = ctx.obj
    if every == bool(threads):
        raise ValueError("name threads, or give --all")

    async def work(store: ThreadStore) -> Rows:
        ids = await hot_threads(store, settings.key) if every else threads or []
        with progress() as shown:
            return [
                await _flush_one(store, settings, thread_id, keep=keep, named=not every)
                for thread_id in shown.track(ids, description="flushing")
            ]

    rows = settings.run(work)
    print_rows(rows, as_json=settings.as_json)
    if every and not settings.as_json:
        say(count(len(rows), "thread"))
    if any(row["status"] in {"failed", "not-found"} for row in rows):
        raise typer.Exit(1)


async def hot_threads(store: ThreadStore, key: str) -> list[str]:
    """The ids of all hot threads of a key."""
    if not isinstance(store.hot, ScannableHotTier):
        raise ConfigurationError("this hot tier cannot list its threads")
    found: dict[str, None] = {}
    cursor = ""
    while True:
        rows, cursor = await store.hot.scan(key=key, cursor=cursor, limit=500)
        found |= dict.fromkeys(row.ref.id for row in rows)
        if not cursor:
            return list(found)


async def _flushed(
    store: ThreadStore, settings: Settings, thread_id: str, *, keep: bool, named: bool
) -> FlushResult:
    """`ThreadNotFoundError` for one that somebody `named` and that is nowhere: a typo."""
    done = await settings.thread(store, thread_id).flush(delete_hot=not keep)
    if named and done.status is FlushStatus.NOTHING:
        await check_there(store, thread_id, settings.key)
    return done


async def _flush_one(
    store: ThreadStore, settings: Settings, thread_id: str, *, keep: bool, named: bool
) -> dict[str, object]:
    row: dict[str, object] = {"thread": thread_id, "status": "failed"}
    counts: dict[str, object] = dict.fromkeys(("messages", "bytes", "generation"))
    try:
        done = await _flushed(store, settings, thread_id, keep=keep, named=named)
    except ThreadNotFoundError:
        return {**row, "status": "not-found", **counts, "detail": "is in neither tier"}
    except ZeitlichStoreError as exc:
        return {**row, **counts, "detail": words_of(exc)}
    row["status"] = str(done.status)
    detail = "still hot" if done.hot else ""
    counts = {"messages": done.messages, "bytes": done.bytes, "generation": done.generation}
    return {**row, **counts, "detail": detail}
