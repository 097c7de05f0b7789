"""How many threads of a store move between the tiers at a time."""

from __future__ import annotations

import asyncio
from typing import Final

TRANSFERS: Final = 32
"""Threads that move at a time, unless a store is told otherwise."""


class Transfers:
    """Turns for moving threads; who finds them taken waits, in order and without a time limit.

    Each thread that moves is held whole, and needs connections to both tiers: a turn bounds memory,
    and leaves connections to the hot tier for messages.

    Args:
        limit: Turns at a time, at least 1.
    """

    def __init__(self, limit: int = TRANSFERS) -> None:
        self.limit = limit
        self._turns = asyncio.Semaphore(limit)

    def open(self) -> None:
        """Begin anew, on this event loop."""
        self._turns = asyncio.Semaphore(self.limit)

    def turn(self) -> asyncio.Semaphore:
        """A turn: ``async with transfers.turn():``. Not to be asked for inside of another one."""
        return self._turns
