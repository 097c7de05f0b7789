"""What another client may do while a thread is being flushed, and what then has to be true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from zeitlich_store.errors import ConflictError
from zeitlich_store.results import FlushStatus
from zeitlich_store.thread import Thread

from .thread_model import Message, ThreadModel


class Flush(NamedTuple):
    """A flush that is overtaken: before its write to the cold tier, or (`late`) after it.

    `refused`: its first write would have been refused all the same, by a version whose reply was
    lost.
    """

    model: ThreadModel
    message: Message
    keep: bool
    dirty: bool
    late: bool
    conditional: bool
    refused: bool

    @property
    def status(self) -> FlushStatus:
        """What it says where it does not notice."""
        return FlushStatus.ARCHIVED if self.dirty else FlushStatus.CLEAN

    @property
    def status_where_archived(self) -> FlushStatus:
        """What it says where another archived the thread: it may notice at its write."""
        refused = self.dirty and not self.late and self.conditional
        return FlushStatus.GONE if refused else self.status


class Overtaking(NamedTuple):
    """Something another client does, and its effect on the model, the whole flush included."""

    act: Callable[[Thread, Message], Awaitable[object]]
    effect: Callable[[Flush], FlushStatus]
    safe_without_conditions: bool = True
    """False: on a plain store the overtaken write replaces what the other wrote."""


async def _come_back(thread: Thread, message: Message) -> None:
    await thread.flush()
    await thread.hydrate()
    await thread.append(message)


async def _come_and_go(thread: Thread, message: Message) -> None:
    await _come_back(thread, message)
    await thread.flush()


def _appended(flush: Flush) -> FlushStatus:
    flush.model.append([flush.message])
    return flush.model.flush(keep=flush.keep)


def _anew(flush: Flush) -> FlushStatus:
    seen = flush.model.cold
    lands = flush.dirty and not flush.late and not flush.refused
    if lands and flush.model.conflicts:
        flush.model.archive()  # behind the back of the thread begun anew, which saw an older one
    flush.model.initialize(replace=True)
    if lands and flush.model.conflicts and flush.model.hot:
        flush.model.hot.base = seen
    try:
        return flush.model.flush(keep=flush.keep)
    except ConflictError:
        if not lands:
            raise
        return FlushStatus.GONE  # what it was to archive is; the conflict is the new copy's


def _came_back(flush: Flush) -> FlushStatus:
    flush.model.flush(keep=False)
    flush.model.hydrate()
    return _appended(flush)


def _flushed(flush: Flush) -> FlushStatus:
    flush.model.flush(keep=False)
    return flush.status_where_archived


def _came_and_went(flush: Flush) -> FlushStatus:
    _came_back(flush._replace(keep=False))
    return flush.status_where_archived


def _dropped(flush: Flush) -> FlushStatus:
    lost = flush.refused and not flush.late  # it sees the drop when it exports again
    if flush.dirty and not lost:
        flush.model.archive()  # its write lands all the same
    flush.model.drop_hot()
    return FlushStatus.GONE if lost else flush.status


def _deleted(flush: Flush) -> FlushStatus:
    flush.model.delete()
    return FlushStatus.GONE if flush.dirty else flush.status


OVERTAKING: Final[Mapping[str, Overtaking]] = {
    "append": Overtaking(lambda thread, message: thread.append(message), _appended),
    "come back": Overtaking(_come_back, _came_back),
    "begin anew": Overtaking(lambda thread, _: thread.initialize(replace=True), _anew),
    "flush": Overtaking(lambda thread, _: thread.flush(), _flushed),
    "come and go": Overtaking(_come_and_go, _came_and_went, safe_without_conditions=False),
    "drop": Overtaking(lambda thread, _: thread.drop_hot(), _dropped),
    "delete": Overtaking(lambda thread, _: thread.delete(), _deleted),
}
