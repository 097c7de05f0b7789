"""Low-level helpers for admin tools, as the original has them: one tier, no commit protocol.

An application uses `Thread.flush` and `Thread.hydrate`, which tie both tiers together.
"""

from __future__ import annotations

from . import tiering
from .models import Base, Outcome, Snapshot, ThreadRef
from .store import DEFAULT_KEY, ThreadStore


async def encode_snapshot(
    store: ThreadStore, thread_id: str, *, key: str = DEFAULT_KEY
) -> Snapshot | None:
    """A snapshot of what is hot, None where the thread is not hot. Nothing is archived.

    Raises:
        HotTierCorruptError: Part of the thread is missing.
    """
    export = await store.hot.export(ThreadRef(key, thread_id))
    return export.snapshot if export else None


async def apply_snapshot(
    store: ThreadStore, thread_id: str, snapshot: Snapshot, *, key: str = DEFAULT_KEY
) -> bool:
    """Make a snapshot hot, atomically; False (and no change) where the thread is hot already.

    It counts as a change that is not archived: the next flush writes it over the archive version
    there is now.
    """
    ref = ThreadRef(key, thread_id)
    status = await store.hot.status(ref)
    archived = await store.cold.read(ref) if store.cold else None
    base = Base(archived.token, archived.snapshot.generation) if archived else None
    outcome = await store.hot.restore(
        ref, snapshot, base=base, gate=status.gate, op=tiering.new_op(), dirty=True
    )
    return outcome is Outcome.OK


async def clear_hot_tier(store: ThreadStore, thread_id: str, *, key: str = DEFAULT_KEY) -> bool:
    """Remove what is hot of a thread, damaged or not, without archiving; whether there was any."""
    return await store.hot.drop(ThreadRef(key, thread_id), op=tiering.new_op())
