"""What the stateful test stands on: two stores on the same tiers, a model and their comparison."""

from __future__ import annotations

import asyncio
import secrets
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, cast

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from zeitlich_store import _json
from zeitlich_store.errors import ZeitlichStoreError
from zeitlich_store.models import ThreadRef
from zeitlich_store.protocols import ColdTier, HotTier
from zeitlich_store.results import FlushStatus
from zeitlich_store.store import DEFAULT_KEY, ThreadStore
from zeitlich_store.thread import Thread

from .faults import FaultyColdTier, FaultyHotTier
from .thread_model import Content, Message, ThreadModel

T = TypeVar("T")
RARELY: Final = 7
"""The one pick of a thread, of 0 to 7, that takes any thread."""


class TwoStores(RuleBasedStateMachine):
    """Two stores on the same tiers, the first of which meets faults, and a model of threads."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._models: dict[str, ThreadModel] = {}
        self._messages = 0

    @abstractmethod
    async def make_hot(self) -> HotTier:
        """A hot tier, not opened; called twice, and both results have to show the same threads."""

    @abstractmethod
    async def make_cold(self) -> ColdTier:
        """An empty cold tier, not opened."""

    async def make_store(self, hot: HotTier, cold: ColdTier) -> ThreadStore:
        """An opened store on these tiers, or what has its methods."""
        return await ThreadStore(hot, cold).open()

    def other(self, thread_id: str) -> Thread:
        """The second store's handle for what it does in the middle of a call of the first."""
        return self._stores[1].thread(thread_id)

    conditional = True
    """Whether that cold tier refuses a write that expects another version."""
    conflicts = False
    """Whether that cold tier keeps versions apart, so that a foreign one is a conflict."""
    content_tokens = False
    """Whether two versions with the same content have the same token there."""
    can_evict = False
    """Whether `evict_key` works."""

    async def evict_key(self, ref: ThreadRef, part: str) -> bool:
        """Make the hot tier lose one of a thread's parts; whether there was one."""
        raise NotImplementedError

    # -- set-up ------------------------------------------------------------------------------------

    @initialize()
    def open_stores(self) -> None:
        """Two stores on the same tiers, three names of threads."""
        self._run(self._open())
        example = secrets.token_hex(6)  # a shared server may hold the threads of other examples
        for at in range(3):
            name, model = f"{example}-{at}", ThreadModel(conflicts=self.conflicts)
            self._models[name] = model
            self._begin(self._stores[0].thread(name), model)

    def _begin(self, thread: Thread, model: ThreadModel) -> None:
        """Most steps need a hot thread with something in it."""
        new = self._new(["a", None, "b"])
        self._agree(thread.initialize(), lambda: model.initialize(replace=False))
        self._agree(thread.append(*new), lambda: model.append(new))

    async def _open(self) -> None:
        self._hots = [await self.make_hot(), await self.make_hot()]
        self._cold = await self.make_cold()
        self.hot, self.cold = FaultyHotTier(self._hots[0]), FaultyColdTier(self._cold)
        tiers = [(cast("HotTier", self.hot), self.cold), (self._hots[1], self._cold)]
        self._stores = [await self.make_store(hot, cold) for hot, cold in tiers]

    def teardown(self) -> None:
        """Close the tiers."""
        with self._runner:
            self._run(self._close())

    async def _close(self) -> None:
        for hot in self._hots:
            await hot.aclose()
        await self._cold.aclose()

    def _run(self, step: Awaitable[T]) -> T:
        async def run() -> T:
            return await step

        return self._runner.run(run())

    # -- helpers -----------------------------------------------------------------------------------

    def _pick(self, at: int, store: int, *, hot: bool = True) -> tuple[Thread, ThreadModel]:
        """A thread, mostly one that is hot (or mostly one that is not): there more can happen."""
        names = [name for name, model in self._models.items() if bool(model.hot) is hot]
        if at == RARELY or not names:
            names = list(self._models)
        name = names[at % len(names)]
        return self._stores[store].thread(name), self._models[name]

    def _whole(self) -> list[str]:
        return [name for name, model in self._models.items() if model.hot and not model.hot.damaged]

    def some_are_hot(self) -> bool:
        """Whether a thread is hot and whole, as the faults need it."""
        return bool(self._whole())

    def _pick_whole(self, at: int) -> tuple[Thread, ThreadModel]:
        """A thread that is hot and whole, seen by the store that meets faults."""
        names = self._whole()
        name = names[at % len(names)]
        return self._stores[0].thread(name), self._models[name]

    def _new(self, batch: list[str | None]) -> list[Message]:
        """Messages unlike any other, with these ids."""
        self._messages += len(batch)
        start = self._messages - len(batch)
        return [
            {"n": start + at} | ({} if name is None else {"id": name})
            for at, name in enumerate(batch)
        ]

    def _agree(self, real: Awaitable[object], model: Callable[[], object]) -> None:
        """Both return the same or raise the same."""
        found, expected = _outcome(lambda: self._run(real)), _outcome(model)
        assert found == expected, f"the store: {found!r}; the model: {expected!r}"

    def _told(self, status: FlushStatus) -> FlushStatus:
        """A status, made alike where the tier cannot tell two of them apart."""
        if self.content_tokens and status is FlushStatus.GONE:
            return FlushStatus.ARCHIVED
        return status

    def _agree_on_flush(
        self, thread: Thread, *, keep: bool, model: Callable[[], FlushStatus]
    ) -> None:
        async def status() -> FlushStatus:
            return self._told((await thread.flush(delete_hot=not keep)).status)

        self._agree(status(), lambda: self._told(model()))
        self.hot.calm()
        self.cold.calm()

    # -- what has to be true after every step ------------------------------------------------------

    @invariant()
    def contents_are_the_models(self) -> None:
        """A reader finds the same in the same tier, and the archive is the model's."""
        for name, model in self._models.items():
            self._agree(self._read(name), model.read)
            self._agree(self._archive(name), lambda model=model: model.cold)  # type: ignore[misc]  # bound now

    async def _read(self, name: str) -> object:
        found = await self._stores[1].read(name)
        return found.messages, found.state, found.tier

    async def _archive(self, name: str) -> object:
        archived = await self._cold.read(ThreadRef(DEFAULT_KEY, name))
        if archived is None:
            return None
        messages = [_json.loads(raw) for raw in archived.snapshot.messages]
        state = archived.snapshot.state
        return Content(messages, None if state is None else _json.loads(state))


def _outcome(call: Callable[[], object]) -> object:
    """What a call returned, or the type of what it raised."""
    try:
        return call()
    except (ZeitlichStoreError, ValueError) as exc:
        return type(exc)
