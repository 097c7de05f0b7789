"""The Lua scripts of the Redis hot tier: their text, loading, and what a user needs to run them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import redis.asyncio
from redis import exceptions

from .. import keys as names
from ..errors import ConfigurationError
from ..models import ThreadRef
from .redis_errors import RIGHTS_ADVICE

Arg = str | bytes | int
Command = tuple[Arg, ...]

_PARTS: Final = {
    "stage": ("stage",),
    "rights": ("rights",),
    "replace": ("common", "content", "replace"),
    "restore": ("common", "content", "restore"),
    "adopt": ("common", "content", "adopt"),
}
NAMES: Final = (
    "status",
    "initialize",
    "append",
    "replace",
    "truncate",
    "state",
    "fork",
    "adopt",
    "export",
    "evict",
    "restore",
    "drop",
    "delete",
    "finish_delete",
    "stage",
    "rights",
)
PROBE: Final = ThreadRef("zeitlich-store-open", "probe")
"""No thread, but keys a user of the store has to have rights to."""


@cache
def source(name: str) -> str:
    """Text of a script, with the files it builds on in front of it."""
    return "\n".join(map(lua, _PARTS.get(name, ("common", name))))


@cache
def lua(part: str) -> str:
    """Text of one file."""
    return files(__package__).joinpath("lua", f"{part}.lua").read_text("utf-8")


@cache
def digest(name: str) -> str:
    """SHA-1 of a script's text, by which Redis knows it."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


def loads() -> list[Command]:
    """The commands that send every script to a server."""
    return [("SCRIPT LOAD", source(name)) for name in NAMES]


def check_loaded(replies: Sequence[Any]) -> None:
    """Raise what failed; that a user may not load scripts is fine."""
    for reply in replies:
        if isinstance(reply, Exception) and not isinstance(reply, exceptions.NoPermissionError):
            raise reply


async def load_all(client: redis.asyncio.Redis) -> None:
    """Send every script to the server, in one round trip; refused by some ACLs, which is fine."""
    pipe = client.pipeline(transaction=False)
    for command in loads():
        pipe.execute_command(*command)
    check_loaded(await pipe.execute(raise_on_error=False))


def rights_probe() -> list[Command]:
    """One transaction with every command that the hot tier needs; it changes nothing."""
    key, other = names.meta_key(PROBE.key, PROBE.id), names.list_key(PROBE.key, PROBE.id)
    return [
        ("EVAL", source("rights"), 2, key, other),
        ("EVALSHA", digest("rights"), 2, key, other),
        ("HMGET", key, "f"),
        ("HGET", key, "f"),
        ("LLEN", key),
        ("LRANGE", key, 0, 0),
        ("STRLEN", key),
        ("GET", key),
        ("ZCARD", key),
        ("ZRANGE", key, 0, 0),
        ("EXISTS", key),
        ("PTTL", key),
    ]


def check_rights(replies: Sequence[Any]) -> None:
    """`ConfigurationError` where the probe's replies say that the user may not do something."""
    for reply in replies:
        if isinstance(reply, exceptions.NoPermissionError):
            raise reply
    refused = replies[0] if isinstance(replies[0], list) else []
    if refused:
        commands = " ".join(f"+{name.decode().lower()}" for name in refused)
        raise ConfigurationError(
            f"the Redis user may not run what the store's scripts need: {commands}; {RIGHTS_ADVICE}"
        )


async def server_info(ask: Callable[..., Awaitable[Any]]) -> Mapping[str, Any]:
    """What INFO says, else the eviction settings of CONFIG GET, else nothing."""
    try:
        found: Mapping[str, Any] = await ask("INFO")
    except exceptions.ResponseError:
        found = {}
    if "maxmemory_policy" in found:
        return found
    try:
        settings = await ask("CONFIG GET", "maxmemory*")
    except exceptions.ResponseError:
        return found
    named = {_text(name): _text(value) for name, value in dict(settings).items()}
    policy, limit = named.get("maxmemory-policy"), named.get("maxmemory", 0)
    return {**found, "maxmemory_policy": policy, "maxmemory": limit} if policy else found


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
