"""How the hot tier's commands reach a Redis Cluster: each to the master of its key's slot.

redis-py's `RedisCluster` knows the nodes and slots and holds the connections. What is sent goes
through its pipeline, to one node and in one piece, since its own transactions take several round
trips and its own answer to ASK may use two connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from redis import exceptions
from redis.asyncio import SSLConnection
from redis.asyncio.cluster import ClusterNode, RedisCluster

from ..errors import HotTierUnavailableError
from . import redis_scripts as scripts
from . import redis_whole
from .redis_errors import is_full
from .redis_link import checked_cursor
from .redis_patience import OPEN_SECONDS, Turnstile, demoted, passes
from .redis_scripts import Arg, Command

T = TypeVar("T")
_REDIRECTS: Final = 5


class ClusterLink:
    """The masters of a cluster; `turnstile` bounds and repeats the calls."""

    def __init__(self, client: RedisCluster, turnstile: Turnstile) -> None:
        self._client = client
        self._turnstile = turnstile
        self._stale = False

    @property
    def client(self) -> RedisCluster:
        return self._client

    @property
    def decodes(self) -> bool:
        return bool(self._client.connection_kwargs.get("decode_responses"))

    @property
    def tls(self) -> bool:
        return issubclass(self._client.connection_kwargs["connection_class"], SSLConnection)

    async def open(self) -> None:
        async def attempt() -> None:
            for node in await self._masters():
                scripts.check_loaded(await self._exchange(node, scripts.loads()))

        async with asyncio.timeout(self._turnstile.patience.longest):  # as one call
            await self._run(attempt, latest=OPEN_SECONDS)
            scripts.check_rights(await self._probed(scripts.rights_probe()))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def call(self, name: str, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        async def attempt() -> Any:
            rest = (len(keys), *keys, *args)
            for how in (("EVALSHA", scripts.digest(name)), ("EVAL", scripts.source(name))):
                (reply,) = await self._send(keys[0], [(*how, *rest)])
                if not isinstance(reply, exceptions.NoScriptError):
                    break
            return _raised(reply)

        return await self._run(attempt)

    async def call_and_read(
        self, name: str, keys: Sequence[str], args: Sequence[Arg], reads: Sequence[Command]
    ) -> list[Any]:
        return await redis_whole.call_and_read(self._whole, name, keys, args, reads)

    async def read(self, reads: Sequence[Command]) -> list[Any]:
        return await self._whole(reads, redis_whole.only_reads(reads))

    async def _whole(self, commands: Sequence[Command], instead: Command) -> list[Any]:
        """Commands in one piece, by a script where the master is too full for a transaction."""

        async def send(command: Command) -> Any:
            return (await self._send(_key(command), [command]))[0]

        return await self._run(
            lambda: redis_whole.attempt(commands, instead, self._transaction, send)
        )

    async def _probed(self, probe: Sequence[Command]) -> list[Any]:
        """Replies of a transaction; a full master, which takes none, is asked one by one."""
        try:
            return await self._run(lambda: self._transaction(probe))
        except exceptions.ResponseError as exc:
            if not is_full(exc):
                raise
        return await self.read_each(probe)

    async def _transaction(self, commands: Sequence[Command]) -> list[Any]:
        sent = [("MULTI",), *commands, ("EXEC",)]
        *queued, replies = await self._send(_key(commands[0]), sent)
        if isinstance(replies, Exception):
            raise next((reply for reply in queued if isinstance(reply, Exception)), replies)
        return [_raised(reply) if demoted(reply) else reply for reply in replies]

    async def read_each(self, reads: Sequence[Command]) -> list[Any]:
        async def attempt() -> list[Any]:
            await self._look()
            nodes = [self._node(_key(command)) for command in reads]
            replies = await self._exchange_each(nodes, reads)
            for at, reply in enumerate(replies):
                if isinstance(reply, exceptions.AskError):  # MOVED is one, too
                    (replies[at],) = await self._send(_key(reads[at]), [reads[at]])
            return replies

        return await self._run(attempt) if reads else []

    async def scan(self, cursor: str, pattern: str, count: int) -> tuple[list[Any], str]:
        """The masters one after the other, by name; the cursor says which and how far."""

        async def attempt() -> tuple[list[Any], str]:
            masters = await self._masters()
            node, at = _place(masters, cursor)
            (reply,) = await self._exchange(node, [("SCAN", at, "MATCH", pattern, "COUNT", count)])
            found = _raised(reply)
            left = masters[masters.index(node) + 1 :]
            if int(found[0]):
                return found[1], f"{int(found[0])}@{node.name}"
            return found[1], f"0@{left[0].name}" if left else ""

        return await self._run(attempt)

    def together(self, one: str, other: str) -> bool:
        return bool(self._client.keyslot(one) == self._client.keyslot(other))

    async def server_info(self) -> Mapping[str, Mapping[str, Any]]:
        found = {}
        for node in await self._masters():
            found[node.name] = await scripts.server_info(self._asking(node))
        return found

    def _asking(self, node: ClusterNode) -> Callable[..., Awaitable[Any]]:
        async def ask(*command: Arg) -> Any:
            return _raised((await self._exchange(node, [command]))[0])

        return ask

    # -- one attempt -----------------------------------------------------------------------

    async def _run(self, attempt: Callable[[], Awaitable[T]], *, latest: float | None = None) -> T:
        return await self._turnstile.run(attempt, self._recover, latest=latest)

    async def _recover(self, exc: BaseException) -> None:  # noqa: ARG002  # any failure may mean a new master
        self._stale = True

    async def _look(self) -> None:
        """Learn nodes and slots at the first call, and again after a failure."""
        await self._client.initialize()
        if self._stale:
            await self._client.nodes_manager.initialize()
            self._stale = False

    async def _masters(self) -> list[ClusterNode]:
        await self._look()
        return sorted(self._client.get_primaries(), key=lambda node: str(node.name))

    async def _send(self, key: str, commands: Sequence[Command]) -> list[Any]:
        """Commands on the keys of one slot, on one connection; redirections are followed."""
        await self._look()
        node, asking = self._node(key), False
        for _ in range(_REDIRECTS):
            sent = [("ASKING",), *commands] if asking else commands
            replies = await self._exchange(node, sent)
            replies = replies[1:] if asking else replies
            found = [reply for reply in replies if isinstance(reply, exceptions.AskError)]
            if not found:
                return replies
            asking = not isinstance(found[0], exceptions.MovedError)
            node = await self._redirected(key, found[0])
        raise exceptions.TryAgainError("redirected too often")

    async def _redirected(self, key: str, told: exceptions.AskError) -> ClusterNode:
        """The node a redirection names; MOVED means that the slots have changed as well."""
        node = self._client.get_node(host=told.host, port=told.port)
        if isinstance(told, exceptions.MovedError) or node is None:
            with suppress(exceptions.RedisError, exceptions.RedisClusterException, OSError):
                await self._client.nodes_manager.initialize()
            node = self._client.get_node(host=told.host, port=told.port)
        return node or self._node(key)

    def _node(self, key: str) -> ClusterNode:
        node = self._client.get_node_from_key(key)
        if node is None:
            raise exceptions.SlotNotCoveredError("no master is known for a key's slot")
        return node

    async def _exchange(self, node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
        """One round trip to one node; a reply may be an exception, a lost connection is raised."""
        return await self._exchange_each([node] * len(commands), commands)

    async def _exchange_each(
        self, nodes: Sequence[ClusterNode], commands: Sequence[Command]
    ) -> list[Any]:
        pipe = self._client.pipeline(transaction=False)
        for node, command in zip(nodes, commands, strict=True):
            pipe.execute_command(*command, target_nodes=node)
        replies = await pipe.execute(raise_on_error=False, allow_redirections=False)
        for reply in replies:
            if isinstance(reply, BaseException) and passes(reply):
                raise reply
        return list(replies)


def _key(command: Command) -> str:
    """The key a command is about: of EVAL and EVALSHA the first, of others the first argument."""
    return str(command[3] if command[0] in {"EVAL", "EVALSHA"} else command[1])


def _place(masters: Sequence[ClusterNode], cursor: str) -> tuple[ClusterNode, int]:
    """The master a cursor names and the server's own cursor there; `ValueError` for other text."""
    if not cursor:
        return masters[0], 0
    at, _, name = cursor.partition("@")
    place = checked_cursor(at)
    for node in masters:
        if node.name == name:
            return node, place
    raise HotTierUnavailableError(
        "the masters of the cluster have changed while the threads were listed: list them again"
    )


def _raised(reply: Any) -> Any:
    if isinstance(reply, BaseException):
        raise reply
    return reply
