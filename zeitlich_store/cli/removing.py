"""``rm`` and ``drop-hot``: threads out of both tiers, or out of the hot one alone."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import ThreadNotFoundError, ZeitlichStoreError
from ..store import ThreadStore
from .output import print_rows, printable, warn, words_of
from .reading import check_there
from .settings import Settings

Rows = list[dict[str, object]]
Threads = Annotated[list[str], typer.Argument(help="Thread ids.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(rm)
    app.command("drop-hot")(drop_hot)


def rm(ctx: typer.Context, threads: Threads, yes: Yes = False) -> None:  # an option
    """Delete threads from both tiers, for good; none where one of them is in neither tier."""
    settings: Settings = ctx.obj
    ask(f"Delete {', '.join(threads)} for good?", "rm deletes for good", yes=yes)
    rows = settings.run(lambda store: _delete_all(store, threads, settings.key))
    print_rows(rows, as_json=settings.as_json)
    if any(row["status"] != "deleted" for row in rows):
        raise typer.Exit(1)


def drop_hot(ctx: typer.Context, threads: Threads, yes: Yes = False) -> None:  # an option
    """Give hot copies up, damaged or not, without archiving them; archives stay as they are."""
    settings: Settings = ctx.obj
    names = ", ".join(threads)
    question = f"Give the hot copy of {names} up for good, with all that is not archived?"
    ask(question, "drop-hot gives up for good what is not archived", yes=yes)

    async def work(store: ThreadStore) -> Rows:
        return [await _drop(store, settings, thread_id) for thread_id in dict.fromkeys(threads)]

    rows = settings.run(work)
    print_rows(rows, as_json=settings.as_json)
    if any(row["status"] != "dropped" for row in rows):
        raise typer.Exit(1)


def ask(question: str, why: str, *, yes: bool) -> None:
    """Go on only where `yes` was given or somebody on a terminal agrees."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ValueError(f"{why}: give --yes where nobody can be asked")
    typer.confirm(printable(question), abort=True, err=True)


async def _delete_all(store: ThreadStore, threads: list[str], key: str) -> Rows:
    """Nothing is deleted before all are known to be there: a typo says the list is wrong."""
    there = {thread_id: await _is_there(store, thread_id, key) for thread_id in threads}
    if not all(there.values()):
        warn("nothing was deleted")
        status = {True: "kept", False: "not-found"}
        return [{"thread": name, "status": status[found]} for name, found in there.items()]
    return [await _delete(store, thread_id, key) for thread_id in there]


async def _is_there(store: ThreadStore, thread_id: str, key: str) -> bool:
    try:
        await check_there(store, thread_id, key)
    except ThreadNotFoundError as exc:
        warn(f"error: {exc}")
        return False
    return True


async def _delete(store: ThreadStore, thread_id: str, key: str) -> dict[str, object]:
    """One that fails does not stop the others: what became of each is told."""
    try:
        await store.delete(thread_id, key=key)
    except ZeitlichStoreError as exc:
        warn(f"error: {thread_id}: {words_of(exc)}")
        return {"thread": thread_id, "status": "failed"}
    return {"thread": thread_id, "status": "deleted"}


async def _drop(store: ThreadStore, settings: Settings, thread_id: str) -> dict[str, object]:
    """As `_delete`, for the hot copy."""
    try:
        dropped = await settings.thread(store, thread_id).drop_hot()
    except ZeitlichStoreError as exc:
        warn(f"error: {thread_id}: {words_of(exc)}")
        return {"thread": thread_id, "status": "failed"}
    return {"thread": thread_id, "status": "dropped" if dropped else "not-hot"}
