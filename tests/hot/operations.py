"""Every operation of a hot tier that looks at one thread, on a thread with all four keys."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.models import Base, HotExport, Snapshot, ThreadRef
from zeitlich_store.testing.hot_suite_tools import (
    NEED_HOT,
    exported,
    make,
    new_op,
    new_ref,
)

PARTS = ("meta", "list", "state", "ids")


class Case(NamedTuple):
    """A whole hot thread, an export of it and another thread."""

    hot: RedisHotTier
    ref: ThreadRef
    export: HotExport
    other: ThreadRef

    @property
    def keys(self) -> dict[str, str]:
        return dict(zip(PARTS, thread_keys(self.ref), strict=False))


async def whole(hot: RedisHotTier) -> Case:
    """A dirty thread with messages m0 and m1, ids and a state, that is: with all four keys."""
    ref = await make(hot, "m0", "m1", state='{"other":1}')
    return Case(hot, ref, await exported(hot, ref), await make(hot, "z"))


async def _initialize(case: Case) -> Any:
    return await case.hot.initialize(case.ref, op=new_op(), gate="")


async def _fork_from(case: Case) -> Any:
    return await case.hot.fork(case.ref, new_ref(), op=new_op())


async def _fork_to(case: Case) -> Any:
    return await case.hot.fork(case.other, case.ref, op=new_op(), gate="")


async def _restore(case: Case) -> Any:
    return await case.hot.restore(case.ref, Snapshot(), base=None, gate="", op=new_op())


async def _evict(case: Case) -> Any:
    base, head = Base("t1", 1), case.export.write_id
    return await case.hot.evict(case.ref, case.export, base=base, head=head)


async def _keeping_evict(case: Case) -> Any:
    base, head = Base("t1", 1), case.export.write_id
    return await case.hot.evict(case.ref, case.export, base=base, head=head, keep=True)


def _of_thread(change: Callable[..., Awaitable[Any]]) -> Callable[[Case], Awaitable[Any]]:
    return lambda case: change(case.hot, case.ref, new_op())


OPERATIONS: Mapping[str, Callable[[Case], Awaitable[Any]]] = {
    **{name: _of_thread(change) for name, change in NEED_HOT.items()},
    "load the last": lambda case: case.hot.load(case.ref, 1),
    "status": lambda case: case.hot.status(case.ref),
    "initialize": _initialize,
    "fork from it": _fork_from,
    "fork onto it": _fork_to,
    "restore": _restore,
    "read": lambda case: case.hot.read(case.ref),
    "info": lambda case: case.hot.info(case.ref),
    "export": lambda case: case.hot.export(case.ref),
    "evict": _evict,
    "keeping evict": _keeping_evict,
}
