"""A fork between cluster slots: the source is read at one moment, then published as the target."""

from __future__ import annotations

from ..models import Outcome, ThreadRef
from .redis_calls import ThreadCalls
from .redis_wire import pairs, thread_keys


async def fork_across(
    calls: ThreadCalls, ref: ThreadRef, target: ThreadRef, *, op: str, gate: str | None
) -> Outcome:
    """`HotTier.fork` without COPY, which cannot cross slots. A resend finds its own result.

    A change of the source between the two steps is not in the target, as if it came after the fork.
    """
    _, messages, state, ids = thread_keys(ref)[:4]
    meta, (raws, text, scored) = await calls.read(
        ref, ("LRANGE", messages, 0, -1), ("GET", state), ("ZRANGE", ids, 0, -1, "WITHSCORES")
    )
    revision = meta.revision if meta else ""
    args = ("0" if gate is None else "1", gate or "", revision, text or b"")
    placed = [arg for name, at in pairs(scored) if name for arg in (b"%d" % round(float(at)), name)]
    return Outcome((await calls.publish("adopt", target, op, args, raws, placed)).decode())
