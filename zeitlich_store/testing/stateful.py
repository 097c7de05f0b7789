"""A hypothesis state machine that holds a store against a plain model.

Two stores share the tiers. The first one's hot tier loses replies and both its tiers let the other
store act at the worst moments; the second one sees the tiers as they are. Subclass
`StoreMachine`, make the tiers, and run it with `hypothesis.stateful.run_state_machine_as_test`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Literal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from zeitlich_store.flush import ROUNDS
from zeitlich_store.results import FlushStatus
from zeitlich_store.thread import Thread

from .overtaking import OVERTAKING, Flush
from .stateful_tools import RARELY, TwoStores
from .thread_model import ThreadModel

MOST_THREADS: Final = 5
CHANGES: Final = ("append", "replace_all", "truncate_from_id", "save_state")
PARTS: Final = ("meta", "list", "state", "ids")

threads = st.integers(0, RARELY)
stores = st.sampled_from([0, 1])
ids = st.sampled_from(["a", "b", "c", "d", "e\u0301", "\ud800"])
batches = st.lists(st.none() | ids, max_size=6)
states = st.dictionaries(st.just("n"), st.integers(0, 2), max_size=1)


class StoreMachine(TwoStores):
    """Rules on a few threads; after each, both tiers hold what the model says."""

    # -- messages and state ------------------------------------------------------------------------

    @rule(at=threads, store=stores, batch=batches)
    def append(self, at: int, store: int, batch: list[str | None]) -> None:
        """Append messages, some with ids that are there or repeated, some without."""
        thread, model = self._pick(at, store)
        new = self._new(batch)
        self._agree(thread.append(*new), lambda: model.append(new))

    @rule(at=threads, store=stores, batch=batches)
    def replace_all(self, at: int, store: int, batch: list[str | None]) -> None:
        """Replace all messages; repeated ids are refused."""
        thread, model = self._pick(at, store)
        new = self._new(batch)
        self._agree(thread.replace_all(*new), lambda: model.replace_all(new))

    @rule(at=threads, store=stores, message_id=ids)
    def truncate(self, at: int, store: int, message_id: str) -> None:
        """Truncate at an id that is there or not."""
        thread, model = self._pick(at, store)
        self._agree(thread.truncate_from_id(message_id), lambda: model.truncate_from_id(message_id))

    @rule(at=threads, store=stores, state=st.none() | states)
    def save_state(self, at: int, store: int, state: dict[str, int] | None) -> None:
        """Save or delete the state."""
        thread, model = self._pick(at, store)
        real = thread.delete_state() if state is None else thread.save_state(state)
        self._agree(real, lambda: model.save_state(state))

    @rule(at=threads, store=stores, last=st.none() | st.integers(0, 4))
    def look(self, at: int, store: int, last: int | None) -> None:
        """Load, length and state."""
        thread, model = self._pick(at, store)
        self._agree(thread.load(last), lambda: model.load(last))
        self._agree(thread.length(), model.length)
        self._agree(thread.load_state(), model.load_state)

    # -- life --------------------------------------------------------------------------------------

    @rule(at=threads, store=stores, replace=st.booleans())
    def initialize_thread(self, at: int, store: int, *, replace: bool) -> None:
        """Make a thread, or make it anew."""
        thread, model = self._pick(at, store, hot=False)
        self._agree(thread.initialize(replace=replace), lambda: model.initialize(replace=replace))

    @rule(at=threads, store=stores)
    def hydrate(self, at: int, store: int) -> None:
        """Hydrate."""
        thread, model = self._pick(at, store, hot=False)

        async def status() -> object:
            return (await thread.hydrate()).status

        self._agree(status(), model.hydrate)

    @rule(at=threads, store=stores, keep=st.booleans())
    def flush(self, at: int, store: int, *, keep: bool) -> None:
        """Flush, with and without keeping the hot copy."""
        thread, model = self._pick(at, store)
        self._agree_on_flush(thread, keep=keep, model=lambda: model.flush(keep=keep))

    @rule(at=threads, store=stores, keep=st.sampled_from(["hot", "archive"]))
    def resolve(self, at: int, store: int, keep: Literal["hot", "archive"]) -> None:
        """Flush, and end a conflict if there is one."""
        thread, model = self._pick(at, store)

        async def status() -> object:
            return self._told((await thread.resolve(keep)).status)

        self._agree(status(), lambda: self._told(model.resolve(keep)))

    @rule(at=threads, store=stores, entirely=st.booleans())
    def remove(self, at: int, store: int, *, entirely: bool) -> None:
        """Drop the hot copy, which leaves the last archive, or delete from both tiers."""
        thread, model = self._pick(at, store)
        if entirely:
            self._agree(thread.delete(), model.delete)
        else:
            self._agree(thread.drop_hot(), model.drop_hot)

    @rule(at=threads, to=threads, store=stores)
    def fork_to(self, at: int, to: int, store: int) -> None:
        """Fork to a given id, which may be taken."""
        thread, model = self._pick(at, store)
        target, target_model = self._pick(to, store, hot=False)

        async def fork() -> None:
            await thread.fork(target.id)

        if target.id != thread.id:
            self._agree(fork(), lambda: model.fork_to(target_model))

    @precondition(lambda self: len(self._models) < MOST_THREADS)
    @rule(at=threads, store=stores)
    def fork(self, at: int, store: int) -> None:
        """Fork to a fresh id."""
        thread, model = self._pick(at, store)

        target = ThreadModel(conflicts=self.conflicts)

        async def fork() -> None:
            self._models[(await thread.fork()).id] = target

        self._agree(fork(), lambda: model.fork_to(target))

    # -- faults ------------------------------------------------------------------------------------

    @rule(calls=st.integers(1, 6))
    def lose_a_reply(self, calls: int) -> None:
        """One of the next calls of the first store is sent twice."""
        self.hot.lose_reply(calls)

    @rule(at=threads, change=st.sampled_from(CHANGES), batch=batches, message_id=ids)
    def change_sent_again_after_another(
        self, at: int, change: str, batch: list[str | None], message_id: str
    ) -> None:
        """A change's reply is lost, another client appends, the change is sent again."""
        thread, model = self._pick(at, 0)
        other, (between,) = self.other(thread.id), self._new([None])
        landed: list[int] = []

        async def append() -> None:
            landed.append(await other.append(between))

        self.hot.lose_reply_of_change(append)
        self._change(change, thread, model, batch, message_id)
        self.hot.calm()
        if landed:
            model.append([between])

    def _change(
        self,
        name: str,
        thread: Thread,
        model: ThreadModel,
        batch: list[str | None],
        message_id: str,
    ) -> None:
        new, state = self._new(batch), {"n": len(batch)}
        changes: dict[str, tuple[Callable[[], Awaitable[object]], Callable[[], object]]] = {
            "append": (lambda: thread.append(*new), lambda: model.append(new)),
            "replace_all": (lambda: thread.replace_all(*new), lambda: model.replace_all(new)),
            "truncate_from_id": (
                lambda: thread.truncate_from_id(message_id),
                lambda: model.truncate_from_id(message_id),
            ),
            "save_state": (lambda: thread.save_state(state), lambda: model.save_state(state)),
        }
        real, expected = changes[name]
        self._agree(real(), expected)

    @precondition(TwoStores.some_are_hot)
    @rule(at=threads, keep=st.booleans(), landings=st.integers(1, ROUNDS))
    def flush_while_messages_land(self, at: int, landings: int, *, keep: bool) -> None:
        """A message lands between each export and its evict."""
        thread, model = self._pick_whole(at)
        other, new = self.other(thread.id), self._new([None] * landings)
        self.hot.before_evict = [partial(other.append, message) for message in new]

        def flush() -> FlushStatus:
            if model.in_conflict():
                return model.flush(keep=keep)
            model.append(new[: ROUNDS - 1])
            if landings < ROUNDS:
                return model.flush(keep=keep)
            model.flush(keep=True)
            model.append(new[ROUNDS - 1 :])
            return FlushStatus.STILL_HOT

        self._agree_on_flush(thread, keep=keep, model=flush)

    @precondition(TwoStores.some_are_hot)
    @rule(at=threads, keep=st.booleans(), how=st.sampled_from(list(OVERTAKING)), late=st.booleans())
    def flush_overtaken(self, at: int, how: str, *, late: bool, keep: bool) -> None:
        """Another client acts before the write to the cold tier, or after it."""
        overtaking = OVERTAKING[how]
        if not (late or self.conditional or overtaking.safe_without_conditions):
            return
        thread, model = self._pick_whole(at)
        (message,), dirty = self._new([None]), bool(model.hot and model.hot.dirty)
        act = partial(overtaking.act, self.other(thread.id), message)
        refused = self.conditional and dirty and model.refused(content_tokens=self.content_tokens)
        overtaken = Flush(model, message, keep, dirty, late, self.conditional, refused)
        (self.hot.before_evict if late else self.cold.before_write).append(act)
        # A clean thread is not written; a thread in conflict is not evicted.
        happens = not model.in_conflict() if late else dirty
        self._agree_on_flush(
            thread,
            keep=keep,
            model=lambda: overtaking.effect(overtaken) if happens else model.flush(keep=keep),
        )

    @precondition(TwoStores.some_are_hot)
    @rule(at=threads, fail=st.sampled_from(["before", "after"]))
    def flush_whose_write_fails(self, at: int, fail: str) -> None:
        """The cold tier fails, before or after it has stored the archive."""
        thread, model = self._pick_whole(at)
        self.cold.fail = fail
        self._agree_on_flush(thread, keep=False, model=lambda: model.failing_flush(fail))

    @precondition(lambda self: self.can_evict and self.some_are_hot())
    @rule(at=threads, part=st.sampled_from(PARTS))
    def evict_a_key(self, at: int, part: str) -> None:
        """The server evicts one of a thread's keys: an error from then on, until it is dropped."""
        thread, model = self._pick_whole(at)
        self._agree(self.evict_key(thread.ref, part), lambda: model.evict_key(part))
