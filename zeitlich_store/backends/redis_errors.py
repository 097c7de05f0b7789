"""redis-py's exceptions as ours, with what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError

from ..errors import (
    ConfigurationError,
    HotTierCorruptError,
    HotTierUnavailableError,
    ZeitlichStoreError,
    map_errors,
)
from ..keys import gate_key
from ..models import ThreadRef
from .redis_tls import tls_advice

RIGHTS_ADVICE: Final = "docs/operations.md has the ACL line that the store needs"
FULL_ADVICE: Final = (
    "Redis is out of memory: flush, drop or delete threads, which still works, or raise maxmemory"
)
_REFUSALS: Final = (
    "NOPERM",
    "user executing the script can't",
    "ACL failure in script",
    "EXEC without MULTI",  # MULTI was refused before
)
_FOREIGN: Final[dict[type[Exception], type[ZeitlichStoreError]]] = {
    exceptions.RedisError: HotTierUnavailableError,
    exceptions.RedisClusterException: HotTierUnavailableError,
    OSError: HotTierUnavailableError,
}


@contextmanager
def redis_errors(what: str, ref: ThreadRef | None = None) -> Iterator[None]:
    """Translate redis-py's exceptions into ours; a retry of the operation is safe."""
    where = f"{what} of thread {str(ref)!r}" if ref else what
    message = f"Redis failed during {where}"
    with map_errors(_FOREIGN, message):
        try:
            yield
        except MasterNotFoundError as exc:
            # redis-py goes on to describe its clients, passwords included in some versions.
            raise HotTierUnavailableError(f"{message}: {_first(exc)}") from _first(exc)
        except tuple(_FOREIGN) as exc:
            raise_if_corrupt(exc, ref)
            advice = _advice(exc)
            if is_full(exc):
                raise HotTierUnavailableError(f"{message}: {FULL_ADVICE}") from exc
            if advice:
                raise ConfigurationError(f"{message}: {_said(exc)}; {advice}") from exc
            raise


def _first(exc: MasterNotFoundError) -> MasterNotFoundError:
    return MasterNotFoundError(str(exc).partition(" : ")[0])


def _advice(exc: BaseException) -> str | None:
    """What has to be put right, None where it may pass by itself."""
    causes = list(_chain(exc))
    for each in reversed(causes):  # what came first says most
        if isinstance(each, exceptions.AuthenticationError | exceptions.AuthorizationError):
            return "check user name and password; Sentinel's are sentinel_password= and so on"
        if is_refusal(each):
            return RIGHTS_ADVICE
        if "Cluster mode is not enabled" in str(each):
            return "this is no cluster: write redis:// instead of redis+cluster://"
        if isinstance(each, exceptions.MovedError):
            return "this server is part of a cluster: write redis+cluster:// instead of redis://"
    return tls_advice(causes)


def _said(exc: BaseException) -> str:
    """The server's words, without the command that redis-py quotes."""
    return re.sub(r"^Command # .*? caused error: ", "", str(exc), flags=re.DOTALL)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from; redis-py wraps those of the operating system."""
    seen: BaseException | None = exc
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def is_full(reply: object) -> bool:
    """Whether a reply says that Redis is out of memory, also from inside a script."""
    if isinstance(reply, exceptions.OutOfMemoryError):
        return True
    return isinstance(reply, exceptions.ResponseError) and "OOM command not" in str(reply)


def is_refusal(reply: object) -> bool:
    """Whether a reply says that the user's rights do not go so far, also from inside a script."""
    if isinstance(reply, exceptions.NoPermissionError):
        return True
    text = str(reply) if isinstance(reply, exceptions.ResponseError) else ""
    return any(sign in text for sign in _REFUSALS)


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
