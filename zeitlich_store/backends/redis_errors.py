"""redis-py's exceptions as ours, with what to do next."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError

from ..errors import (
    GIVES_UP,
    ConfigurationError,
    HotTierCorruptError,
    HotTierUnavailableError,
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
_FOREIGN: Final = (exceptions.RedisError, exceptions.RedisClusterException, OSError)
_PART_OF_CLUSTER: Final = (
    "this server is part of a cluster: write redis+cluster:// instead of redis://"
)
_WRONG_URLS: Final = {
    "cluster mode is not enabled": (
        "this is no cluster: write redis:// instead of redis+cluster://"
    ),
    "select is not allowed in cluster mode": _PART_OF_CLUSTER,
    "unknown command 'sentinel'": (
        "this is no Sentinel: write redis:// instead of redis+sentinel://, or the port of a "
        "Sentinel, which is 26379 as a rule"
    ),
    "db index is out of range": (
        "the server has fewer databases, see its setting 'databases': name another in the URL"
    ),
    "invalid db index": "name another database in the URL",
}
"""Words of a reply, in lower case with straight quotes, and what they mean for the URL."""


@contextmanager
def redis_errors(what: str, ref: ThreadRef | None = None) -> Iterator[None]:
    """Translate redis-py's exceptions into ours; a retry of the operation is safe."""
    where = f"{what} of thread {str(ref)!r}" if ref else what
    message = f"Redis failed during {where}"
    try:
        yield
    except MasterNotFoundError as exc:
        # redis-py goes on to describe its clients, passwords included in some versions.
        raise HotTierUnavailableError(f"{message}: {_first(exc)}") from _first(exc)
    except _FOREIGN as exc:
        raise_if_corrupt(exc, ref)
        if is_full(exc):
            raise HotTierUnavailableError(f"{message}: {FULL_ADVICE}") from exc
        if advice := _advice(exc):
            raise ConfigurationError(f"{message}: {_said(exc)}; {advice}") from exc
        raise HotTierUnavailableError(f"{message}: {_said(exc)}") from exc


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
        if wrong := _wrong_url(each):
            return wrong
    return tls_advice(causes)


def _wrong_url(reply: BaseException) -> str | None:
    """What to write into the URL, where a server's reply says that it is another than meant."""
    if isinstance(reply, exceptions.MovedError):
        return _PART_OF_CLUSTER
    said = _said(reply).casefold().replace("`", "'")  # Redis 7 quotes otherwise than 6
    return next((advice for sign, advice in _WRONG_URLS.items() if sign in said), None)


def _said(exc: BaseException) -> str:
    """The server's words, without the command that redis-py quotes."""
    said = re.sub(r"^Command # .*? caused error: ", "", str(exc), flags=re.DOTALL)
    if said.startswith("(") and said.endswith(",)"):  # some of its clients put a tuple there
        with suppress(SyntaxError, ValueError):
            said = str(ast.literal_eval(said)[0])
    return said or type(exc).__name__


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
        f"hot thread {str(ref)!r} is damaged: {why}. Its archive, if any, is intact: {GIVES_UP}"
    )
