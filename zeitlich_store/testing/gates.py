"""Gates: every request to a tier passes one, and what stands there decides what becomes of it.

A gate may let the request through, refuse it before it takes effect, lose its reply so that the
same request is sent again, stop the client for good, delay it, or answer something else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from zeitlich_store.errors import ColdTierUnavailableError, HotTierUnavailableError

Send = Callable[[], Awaitable[Any]]
Gate = Callable[[str, Send], Awaitable[Any]]
"""Gives the reply of a request, ``"redis evict"`` or ``"store put_if"``, or raises instead."""
Kind = Literal["fail", "crash", "lose", "delay", "answer"]


class CrashedError(BaseException):
    """The client's process ended here; nothing of it goes on. No handler of ours may catch it."""


async def open_gate(request: str, send: Send) -> Any:
    """Lets everything through."""
    del request
    return await send()


@dataclass(slots=True)
class FaultAt:
    """Lets everything through but the `at`-th request (from 1), which meets a fault.

    ``fail``: it does not take effect, an unavailable tier is raised. ``crash``: it takes effect,
    then the client is gone: nothing it sends afterwards is sent, every request raises
    `CrashedError`. A rerun is another client, with another gate. ``lose``: it takes effect, its
    reply is lost and the same request is sent again. ``delay``: others run for `seconds` first.
    ``answer``: it is not sent; `reply` is called and answers.
    """

    at: int
    kind: Kind
    seconds: float = 0.0
    reply: Callable[[], Any] = lambda: None
    seen: list[str] = field(default_factory=list)
    crashed: bool = False

    async def __call__(self, request: str, send: Send) -> Any:
        """Count the request, and spoil it if it is the one."""
        if self.crashed:
            raise CrashedError(request)
        self.seen.append(request)
        if len(self.seen) != self.at:
            return await send()
        return await getattr(self, f"_{self.kind}")(request, send)

    async def _fail(self, request: str, send: Send) -> Any:
        del send
        raise unavailable(request)

    async def _crash(self, request: str, send: Send) -> Any:
        # First of all: what the client sends at the same time must not go out any more, either.
        self.crashed = True
        await send()
        raise CrashedError(request)

    async def _lose(self, request: str, send: Send) -> Any:
        del request
        await send()
        return await send()

    async def _delay(self, request: str, send: Send) -> Any:
        del request
        await asyncio.sleep(self.seconds)
        return await send()

    async def _answer(self, request: str, send: Send) -> Any:
        del request, send
        return self.reply()


def unavailable(request: str) -> Exception:
    """The error of a request that never arrived."""
    kind = HotTierUnavailableError if request.startswith("redis") else ColdTierUnavailableError
    return kind(f"{request} failed on purpose")
