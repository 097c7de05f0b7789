"""How the hot tier's commands reach Redis: one server here, also behind Sentinel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import redis.asyncio
from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError

from . import redis_scripts as scripts
from . import redis_whole
from .redis_errors import is_full
from .redis_patience import OPEN_SECONDS, Turnstile, demoted
from .redis_scripts import Arg, Command

T = TypeVar("T")


class QuietPool(redis.asyncio.BlockingConnectionPool):
    """A pool whose repr, which the client's and the pipelines' contain, shows no password."""

    def __repr__(self) -> str:
        return "<connections to Redis>"


class RedisLink(Protocol):
    """Sends commands to the server that holds their keys; redis-py's exceptions pass through.

    Every call may be sent again by the link itself.
    """

    @property
    def client(self) -> Any:
        """redis-py's client, for tools."""

    @property
    def decodes(self) -> bool:
        """Whether the client decodes responses."""

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""

    async def open(self) -> None:
        """Connect, load the scripts and see whether the user may run what they need."""

    async def aclose(self) -> None:
        """Close every connection."""

    async def call(self, name: str, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        """Run a script by its digest, or by its text where the server has forgotten it."""

    async def call_and_read(
        self, name: str, keys: Sequence[str], args: Sequence[Arg], reads: Sequence[Command]
    ) -> list[Any]:
        """Run a script and plain reads of the same thread in one transaction; the replies."""

    async def read(self, reads: Sequence[Command]) -> list[Any]:
        """Reads of one thread in one transaction; a reply may be the exception a read raised."""

    async def read_each(self, reads: Sequence[Command]) -> list[Any]:
        """Reads of any threads, the key behind the command's name; not all at one moment."""

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[list[Any], str]:
        """One page of key names and the next cursor ("" at the beginning and at the end)."""

    def together(self, one: str, other: str) -> bool:
        """Whether a script may use both keys."""

    async def server_info(self) -> Mapping[str, Mapping[str, Any]]:
        """What INFO says, for each server that holds threads, by its address."""


class ServerLink:
    """One server, or the one that Sentinel names.

    Args:
        client: The client.
        turnstile: Bounds and repeats the calls; None: left to the client.
        sentinels: The clients that ask Sentinel, closed with this.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        turnstile: Turnstile | None = None,
        sentinels: Sequence[redis.asyncio.Redis] = (),
    ) -> None:
        self._client = client
        self._turnstile = turnstile
        self._sentinels = sentinels

    @property
    def client(self) -> redis.asyncio.Redis:
        return self._client

    @property
    def decodes(self) -> bool:
        return bool(self._client.connection_pool.connection_kwargs.get("decode_responses"))

    @property
    def tls(self) -> bool:
        return issubclass(
            self._client.connection_pool.connection_class, redis.asyncio.SSLConnection
        )

    async def open(self) -> None:
        """As promised; all of it within the time of one call, where calls are bounded at all."""
        longest = self._turnstile.patience.longest if self._turnstile else None
        async with asyncio.timeout(longest):
            await self._load_scripts()
            scripts.check_rights(await self._probed(scripts.rights_probe()))

    async def _load_scripts(self) -> None:
        missing: MasterNotFoundError | None = None
        try:
            await self._run(lambda: scripts.load_all(self._client), latest=OPEN_SECONDS)
        except MasterNotFoundError as exc:
            missing = exc
        if (
            missing is not None
        ):  # not raised above, where it would replace what the reason came from
            raise await self._why(missing)

    async def aclose(self) -> None:
        await self._client.aclose()
        for sentinel in self._sentinels:
            await sentinel.aclose()

    async def call(self, name: str, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        async def attempt() -> Any:
            try:
                return await self._client.evalsha(scripts.digest(name), len(keys), *keys, *args)
            except exceptions.NoScriptError:
                return await self._client.eval(scripts.source(name), len(keys), *keys, *args)

        return await self._run(attempt)

    async def call_and_read(
        self, name: str, keys: Sequence[str], args: Sequence[Arg], reads: Sequence[Command]
    ) -> list[Any]:
        return await redis_whole.call_and_read(self._whole, name, keys, args, reads)

    async def read(self, reads: Sequence[Command]) -> list[Any]:
        return await self._whole(reads, redis_whole.only_reads(reads))

    async def read_each(self, reads: Sequence[Command]) -> list[Any]:
        return await self._run(lambda: self._exchange(reads, transaction=False))

    async def _whole(self, commands: Sequence[Command], instead: Command) -> list[Any]:
        """Commands in one piece, by a script where Redis is too full for a transaction."""

        async def send(command: Command) -> Any:
            return (await self._exchange([command], transaction=False))[0]

        return await self._run(lambda: redis_whole.attempt(commands, instead, self._exchange, send))

    async def _probed(self, probe: Sequence[Command]) -> list[Any]:
        """Replies of a transaction; a full server, which takes none, is asked one by one."""
        try:
            return await self._run(lambda: self._exchange(probe))
        except exceptions.ResponseError as exc:
            if not is_full(exc):
                raise
        return await self.read_each(probe)

    async def _exchange(
        self, commands: Sequence[Command], *, transaction: bool = True
    ) -> list[Any]:
        """One round trip; a reply may be an exception."""
        pipe = self._client.pipeline(transaction=transaction)
        for command in commands:
            pipe.execute_command(*command)
        replies: list[Any] = await pipe.execute(raise_on_error=False)
        for reply in replies:
            if demoted(reply):
                raise reply
        return replies

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[list[Any], str]:
        start = checked_cursor(cursor)

        async def attempt() -> Any:
            return await self._client.scan(start, match=pattern, count=count)

        at, found = await self._run(attempt)
        return found, str(at) if int(at) else ""

    def together(self, one: str, other: str) -> bool:  # noqa: ARG002  # one server takes any keys
        return True

    async def server_info(self) -> Mapping[str, Mapping[str, Any]]:
        return {"": await scripts.server_info(self._client.execute_command)}

    async def _run(self, attempt: Callable[[], Awaitable[T]], *, latest: float | None = None) -> T:
        if self._turnstile is None:
            return await attempt()
        return await self._turnstile.run(attempt, self._recover, latest=latest)

    async def _why(self, missing: MasterNotFoundError) -> Exception:
        """Why no Sentinel answers, if none does; redis-py says only that there is no master."""
        asked = [sentinel.ping() for sentinel in self._sentinels]  # at once: time is short by now
        answers = await asyncio.gather(*asked, return_exceptions=True)
        failed = [each for each in answers if isinstance(each, exceptions.RedisError | OSError)]
        return failed[0] if len(failed) == len(answers) > 0 else missing

    async def _recover(self, exc: BaseException) -> None:
        """Forget the connections to a server that is a replica now; new ones look anew."""
        if demoted(exc):
            await self._client.connection_pool.disconnect(inuse_connections=False)


def checked_cursor(text: str) -> int:
    """A server's cursor; `ValueError` for text that is none."""
    if text and not re.fullmatch(r"[0-9]{1,20}", text):
        raise ValueError(f"{text!r} is no cursor of a listing")
    return int(text or 0)
