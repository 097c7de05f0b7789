"""A TCP proxy in front of Redis that counts round trips and can lose a reply."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Self


class RedisProxy:
    """Forwards every connection to one server.

    A round trip begins with the first bytes from the client, and again with each bytes from the
    client before which the server has sent some since: a large command that arrives in many reads
    counts once, and so does a pipeline.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._links: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._lose_at = 0
        self.round_trips = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._clients:
            writer.close()
        await asyncio.gather(*self._links)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def count(self, call: Awaitable[Any]) -> int:
        """Round trips of one call."""
        before = self.round_trips
        await call
        return self.round_trips - before

    def lose_reply(self, after: int = 1) -> None:
        """Close the connection when the server has answered the `after`-th round trip from now.

        The server has acted by then; the client sees no reply.
        """
        self._lose_at = self.round_trips + after

    @property
    def lost(self) -> bool:
        """Whether the reply that was to be lost is lost."""
        return not self._lose_at

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        self._links.add(link)
        self._clients.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
            try:
                await _Link(self).run((reader, writer), (server_reader, server_writer))
            finally:
                server_writer.close()
        except OSError:  # either side may be gone first
            pass
        finally:
            writer.close()
            self._clients.discard(writer)
            self._links.discard(link)

    def loses_this(self) -> bool:
        """Whether the reply that just began is the one to lose; asked once for each reply."""
        if self._lose_at and self.round_trips == self._lose_at:
            self._lose_at = 0
            return True
        return False


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One client's connection and the one to the server behind it."""

    def __init__(self, proxy: RedisProxy) -> None:
        self._proxy = proxy
        self._answered = True

    async def run(self, client: Stream, server: Stream) -> None:
        """Until either side closes, or the reply to lose has come."""
        ways = [
            asyncio.create_task(self._requests(client[0], server[1])),
            asyncio.create_task(self._replies(server[0], client[1])),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if self._answered:
                self._proxy.round_trips += 1
                self._answered = False
            writer.write(data)
            await writer.drain()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if not self._answered and self._proxy.loses_this():
                return
            self._answered = True
            writer.write(data)
            await writer.drain()
