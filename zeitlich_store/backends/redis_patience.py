"""How long a call on Redis may take: attempts, pauses and waiting for a connection, all bounded.

redis-py's own retries are switched off where this is used: they multiply, one inside the other.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from redis import exceptions

from ..errors import HotTierUnavailableError

T = TypeVar("T")

CALL_SECONDS: Final = 9.5
"""Longest call with its retries, where one attempt cannot take longer: fits a caller with 10 s."""
OPEN_SECONDS: Final = 0.5
"""How long lost connections are tried again at open: a server that is not there is told at once."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5

_PASSING: Final = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.SlotNotCoveredError,
    exceptions.TryAgainError,
    exceptions.ReadOnlyError,
    OSError,
)
_LASTING: Final = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.MaxConnectionsError,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Which failed attempts of a call are made again; times in seconds.

    An attempt ends within `attempt` (connecting and one answer). The next one begins only if it
    could end within `call`. One that ended by a timeout is repeated once, a lost or refused
    connection until time is up.
    """

    attempt: float
    call: float = CALL_SECONDS

    @property
    def longest(self) -> float:
        """The longest a call can take."""
        return max(self.call, self.attempt)

    @property
    def latest(self) -> float:
        """When the last attempt may begin, counted from the beginning of the call."""
        return max(0.0, self.call - self.attempt)

    def pause(self, failures: int, timeouts: int, elapsed: float) -> float | None:
        """Seconds to wait before the next attempt, None where there is none."""
        pause: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures - 1, 10))
        return None if timeouts > 1 or elapsed + pause > self.latest else pause


def passes(exc: BaseException) -> bool:
    """Whether the same request may succeed on another attempt."""
    told = _told(exc)
    if isinstance(told, _LASTING) or isinstance(told.__context__, ssl.SSLCertVerificationError):
        return False
    return isinstance(told, _PASSING) or demoted(told) or "are not covered" in str(told)


def _told(exc: BaseException) -> BaseException:
    """What kept a cluster from being found, which redis-py wraps."""
    wrapped = isinstance(exc, exceptions.RedisClusterException) and exc.__cause__
    return wrapped or exc


def demoted(exc: object) -> bool:
    """Whether a server refused a write because it is a replica now, also from inside a script."""
    if isinstance(exc, exceptions.ReadOnlyError):
        return True
    return isinstance(exc, exceptions.ResponseError) and "READONLY " in str(exc)


class Turnstile:
    """Lets a bounded number of calls through at a time, and each as often as its patience allows.

    Args:
        limit: Calls at a time, that is, connections to one server.
        patience: When attempts are repeated.
        wait: Longest wait for a turn in seconds; None: as long as the patience allows.
    """

    def __init__(self, limit: int, patience: Patience, wait: float | None = None) -> None:
        self.patience = patience
        self._limit = limit
        self._turns = asyncio.Semaphore(limit)
        self._wait = patience.latest if wait is None else wait

    async def run(
        self,
        attempt: Callable[[], Awaitable[T]],
        recover: Callable[[BaseException], Awaitable[None]],
        *,
        latest: float | None = None,
    ) -> T:
        """The attempt's result; `recover` is told of each failure that may pass."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._take_turn()
        try:
            failures = timeouts = 0
            while True:
                try:
                    async with asyncio.timeout(self.patience.attempt):
                        return await attempt()
                except Exception as exc:
                    failures += 1
                    timeouts += isinstance(_told(exc), exceptions.TimeoutError | TimeoutError)
                    elapsed = clock() - began
                    pause = self.patience.pause(failures, timeouts, elapsed)
                    late = latest is not None and elapsed > latest
                    if pause is None or late or not passes(exc):
                        raise
                    await recover(exc)
                await asyncio.sleep(pause)
        finally:
            self._turns.release()

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._wait):
                await self._turns.acquire()
        except TimeoutError as exc:
            raise HotTierUnavailableError(
                f"all {self._limit} connections to Redis are busy: raise max_connections, or make "
                "fewer calls at a time"
            ) from exc
