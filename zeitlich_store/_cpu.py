"""The one place that decides when CPU work leaves the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
HOP_BYTES: Final = 64 << 10
"""Work on more bytes than this is done in a worker thread."""


async def run(func: Callable[..., T], *args: object, size: int) -> T:
    """`func(*args)`, in a worker thread where it works on many bytes (`size`)."""
    if size <= HOP_BYTES:
        return func(*args)
    return await asyncio.to_thread(func, *args)
