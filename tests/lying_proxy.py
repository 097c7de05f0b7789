"""A proxy in front of a real server, which may take headers out of requests."""

import asyncio
import contextlib

from . import services


class LyingProxy:
    """Takes the header lines that begin with `drop` out of every request, and counts requests."""

    def __init__(self, server, drop=b"\0"):
        self._port, self._drop = server.port, drop
        self.requests = 0
        self._links, self._writers = set(), set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, services.HOST, 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://{services.HOST}:{port}"

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._links)

    async def _accept(self, reader, writer):
        self._links.add(asyncio.current_task())
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()
        self._links.discard(asyncio.current_task())
        self._writers.discard(writer)

    async def _serve(self, reader, writer):
        """One request a connection, which the server then closes."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        answers, back = await asyncio.open_connection(services.HOST, self._port)
        lines = [line for line in head.split(b"\r\n") if not self._drops(line)]
        back.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
        pump = asyncio.create_task(_pump(reader, back))
        await _pump(answers, writer)
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        back.close()

    def _drops(self, line):
        return line.lower().startswith((self._drop, b"connection:"))


async def _pump(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
