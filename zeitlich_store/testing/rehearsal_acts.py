"""What clients of a rehearsal do, and the store they do it with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from zeitlich_store import _json
from zeitlich_store.errors import (
    ConflictError,
    HotTierUnavailableError,
    PreconditionFailedError,
    ThreadNotFoundError,
)
from zeitlich_store.protocols import ObjectStore
from zeitlich_store.session import SessionThread

from .gated_tiers import GatedConditionalStore
from .gates import Gate

Tell = Callable[[str, tuple[bytes, str] | None], None]
"""Called with an object's path and its data and token, None where it was removed."""


class Shadowed(GatedConditionalStore):
    """Tells the ghosts at the very step what was put or removed."""

    def __init__(self, inner: ObjectStore, gate: Gate, tell: Tell) -> None:
        super().__init__(inner, gate)
        self._tell = tell

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        del content_type

        async def send() -> str:
            token = await self._conditional.put_if(path, data, expected=expected)
            self._tell(path, (data, token))
            return token

        return str(await self.gate("store put_if", send))

    async def delete_if(self, path: str, *, expected: str) -> bool:
        async def send() -> bool:
            removed = await self._conditional.delete_if(path, expected=expected)
            if removed:
                self._tell(path, None)
            return removed

        return bool(await self.gate("store delete_if", send))


async def do(threads: dict[str, SessionThread], words: list[str]) -> object:
    """One operation; what it returned, or what kind of end it came to."""
    thread = threads[words[1]]
    try:
        return await _OPERATIONS[words[0]](thread, words[2:])
    except PreconditionFailedError:
        return "refused"
    except ConflictError:
        return "exists" if words[0] == "fork" else "conflict"
    except ThreadNotFoundError:
        return "not hot"
    except HotTierUnavailableError:
        return "busy"


async def _flush(thread: SessionThread, _: list[str]) -> object:
    return (await thread.flush()).status


async def _keep(thread: SessionThread, _: list[str]) -> object:
    return (await thread.flush(delete_hot=False)).status


async def _append(thread: SessionThread, words: list[str]) -> object:
    await thread.append(message_of(words[0]))
    return "ok"


async def _resolve(thread: SessionThread, words: list[str]) -> object:
    return (await thread.resolve(cast("Any", words[0]))).status


async def _fork(thread: SessionThread, words: list[str]) -> object:
    await thread.fork(thread.id[: -len("t")] + words[0])
    return "ok"


async def _new(thread: SessionThread, _: list[str]) -> object:
    return await thread.initialize(replace=True)


_OPERATIONS: Final[dict[str, Callable[[SessionThread, list[str]], Awaitable[object]]]] = {
    "open": lambda thread, _: thread.initialize(),
    "hydrate": lambda thread, _: thread.hydrate(),
    "append": _append,
    "truncate": lambda thread, words: thread.truncate_from_id(words[0]),
    "state": lambda thread, words: thread.save_state({"is": words[0]}),
    "flush": _flush,
    "keep": _keep,
    "delete": lambda thread, _: thread.delete(),
    "resolve": _resolve,
    "new": _new,
    "fork": _fork,
    "drop": lambda thread, _: thread.drop_hot(),
}


def message_of(name: str) -> dict[str, str]:
    """The message of that name."""
    return {"text": name} if name.startswith("~") else {"id": name}


def raw_of(name: str) -> str:
    """Its text."""
    return _json.dumps(message_of(name))
