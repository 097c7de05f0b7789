"""The Lua scripts of the Redis hot tier: loading, calling, and the words they answer with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Final

import redis.asyncio
from redis import exceptions

from ..errors import (
    ConfigurationError,
    HotTierCorruptError,
    HotTierUnavailableError,
    map_errors,
)
from ..keys import gate_key
from ..models import ThreadRef

Arg = str | bytes | int

_PARTS: Final = {
    "stage": ("stage",),
    "replace": ("common", "content", "replace"),
    "restore": ("common", "content", "restore"),
}
NAMES: Final = (
    "status",
    "initialize",
    "append",
    "replace",
    "truncate",
    "state",
    "fork",
    "export",
    "evict",
    "restore",
    "drop",
    "delete",
    "finish_delete",
    "stage",
)


@cache
def source(name: str) -> str:
    """Text of a script, with the files it builds on in front of it."""
    folder = files(__package__).joinpath("lua")
    parts = _PARTS.get(name, ("common", name))
    return "\n".join(folder.joinpath(f"{part}.lua").read_text("utf-8") for part in parts)


@cache
def digest(name: str) -> str:
    """SHA-1 of a script's text, by which Redis knows it."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


async def load_all(client: redis.asyncio.Redis) -> None:
    """Send every script to the server, in one round trip; refused by some ACLs, which is fine."""
    pipe = client.pipeline(transaction=False)
    for name in NAMES:
        pipe.script_load(source(name))
    for reply in await pipe.execute(raise_on_error=False):
        if isinstance(reply, Exception) and not isinstance(reply, exceptions.NoPermissionError):
            raise reply


async def call(
    client: redis.asyncio.Redis, name: str, keys: Sequence[str], args: Sequence[Arg]
) -> Any:
    """Run a script by its digest, or by its text where the server has forgotten it."""
    try:
        return await client.evalsha(digest(name), len(keys), *keys, *args)
    except exceptions.NoScriptError:
        return await client.eval(source(name), len(keys), *keys, *args)


async def call_and_read(
    client: redis.asyncio.Redis,
    name: str,
    keys: Sequence[str],
    args: Sequence[Arg],
    reads: Sequence[tuple[Arg, ...]],
) -> list[Any]:
    """Run a script and plain reads in one transaction; replies in that order."""
    replies = await _transaction(
        client, [("EVALSHA", digest(name), len(keys), *keys, *args), *reads]
    )
    if isinstance(replies[0], exceptions.NoScriptError):
        replies = await _transaction(
            client, [("EVAL", source(name), len(keys), *keys, *args), *reads]
        )
    if isinstance(replies[0], Exception):
        raise replies[0]
    return replies


async def read(client: redis.asyncio.Redis, reads: Sequence[tuple[Arg, ...]]) -> list[Any]:
    """Plain reads in one transaction; a reply may be the exception its command raised."""
    return await _transaction(client, reads)


async def _transaction(
    client: redis.asyncio.Redis, commands: Sequence[tuple[Arg, ...]]
) -> list[Any]:
    pipe = client.pipeline(transaction=True)
    for command in commands:
        pipe.execute_command(*command)
    replies: list[Any] = await pipe.execute(raise_on_error=False)
    return replies


_FOREIGN: Final[dict[type[Exception], Any]] = {
    exceptions.AuthenticationError: ConfigurationError,
    exceptions.NoPermissionError: ConfigurationError,
    exceptions.RedisError: HotTierUnavailableError,
    OSError: HotTierUnavailableError,
}


@contextmanager
def redis_errors(what: str, ref: ThreadRef | None = None) -> Iterator[None]:
    """Translate redis-py's exceptions into ours; a retry of the operation is safe."""
    where = f"{what} of thread {str(ref)!r}" if ref else what
    with map_errors(_FOREIGN, f"Redis failed during {where}"):
        try:
            yield
        except exceptions.ResponseError as exc:
            raise_if_corrupt(exc, ref)
            raise


def raise_if_corrupt(reply: object, ref: ThreadRef | None) -> None:
    """Turn a script's or a read's sign of damage into `HotTierCorruptError`."""
    if not isinstance(reply, exceptions.ResponseError):
        return
    found = damage(ref, str(reply))
    if found is not None:
        raise found from reply


def damage(ref: ThreadRef | None, reply: str) -> HotTierCorruptError | None:
    """The error a script's sign of damage stands for; None for any other reply."""
    kind, _, why = reply.partition(" ")
    if kind == "ZSGATE":
        return gate_damaged(ref, why)
    return corrupt(ref, why) if kind in {"ZSCORRUPT", "WRONGTYPE"} else None


def gate_damaged(ref: ThreadRef | None, why: str) -> HotTierCorruptError:
    """The error for a gate that is not ours any more; nothing that needs it may go on."""
    key = gate_key(ref) if ref else ""
    return HotTierCorruptError(
        f"the gate of thread {str(ref)!r}, the Redis key {key!r}, is damaged: {why}. It keeps late "
        "writes of the last hour from counting: remove that key when nobody has worked on the "
        "thread for an hour"
    )


def corrupt(ref: ThreadRef | None, why: str) -> HotTierCorruptError:
    """The error for a thread of which Redis holds only a part."""
    return HotTierCorruptError(
        f"hot thread {str(ref)!r} is damaged: {why}. Its archive, if any, is intact: "
        "drop_hot() gives the hot copy up, hydrate() then brings the archive back"
    )
