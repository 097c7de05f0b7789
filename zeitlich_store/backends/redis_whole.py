"""Several commands on a thread in one piece: a transaction, or a script where Redis is full.

Out of memory, Redis refuses every transaction, reads included. A script may still read, and write
once it has begun to: so the same is sent as one script, one round trip later. By its text, since
nobody loaded it; the usual way is spared that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis import exceptions

from . import redis_scripts as scripts
from .redis_errors import is_full
from .redis_scripts import Arg, Command

Send = Callable[[Command], Awaitable[Any]]
Transact = Callable[[Sequence[Command]], Awaitable[list[Any]]]


async def attempt(
    commands: Sequence[Command], instead: Command, transact: Transact, send: Send
) -> list[Any]:
    """The replies of a transaction, or of the script to send where it is refused for memory."""
    try:
        return await transact(commands)
    except exceptions.ResponseError as exc:
        if not is_full(exc):
            raise
    replies: list[Any] | Exception = await send(instead)
    if isinstance(replies, Exception):
        raise replies
    return replies


async def call_and_read(
    whole: Callable[[Sequence[Command], Command], Awaitable[list[Any]]],
    name: str,
    keys: Sequence[str],
    args: Sequence[Arg],
    reads: Sequence[Command],
) -> list[Any]:
    """Run a script and plain reads in one piece; replies in that order."""
    rest = (len(keys), *keys, *args)
    instead = script_and_reads(name, keys, args, reads)
    replies = await whole([("EVALSHA", scripts.digest(name), *rest), *reads], instead)
    if isinstance(replies[0], exceptions.NoScriptError):
        replies = await whole([("EVAL", scripts.source(name), *rest), *reads], instead)
    if isinstance(replies[0], Exception):
        raise replies[0]
    return replies


def only_reads(reads: Sequence[Command]) -> Command:
    """A script whose reply is that of a transaction of the reads."""
    keys = list(dict.fromkeys(read[1] for read in reads))
    return ("EVAL", _text("local replies = {}"), len(keys), *keys, *_words((), reads))


def script_and_reads(
    name: str, keys: Sequence[str], args: Sequence[Arg], reads: Sequence[Command]
) -> Command:
    """The same with a script in front, whose keys are those of the reads, too."""
    first = f"local function first()\n{scripts.source(name)}\nend"
    text = _text(f"{first}\nlocal replies = {{first()}}")
    return ("EVAL", text, len(keys), *keys, *_words(args, reads))


def _text(head: str) -> str:
    return f"{head}\n{scripts.lua('read')}"


def _words(args: Sequence[Arg], reads: Sequence[Command]) -> list[Arg]:
    """ARGV of read.lua, behind that of a script in front."""
    counted = [word for read in reads for word in (len(read), *read)]
    return [*args, *counted, len(args) + 1]
