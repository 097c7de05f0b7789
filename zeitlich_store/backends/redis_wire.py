"""What the Redis hot tier sends and receives: text, chunks of at most 4 MiB, replies."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from redis.exceptions import ResponseError

from .. import keys as names
from ..models import UNPLACED, HotExport, Snapshot, ThreadRef
from .redis_errors import corrupt, gate_damaged, raise_if_corrupt
from .redis_scripts import Arg

CHUNK_BYTES: Final = 4 << 20
"""Most bytes of messages in one command; larger writes are staged first."""
CHUNK_ITEMS: Final = 50_000
"""Most messages in one command (Redis takes a million arguments)."""
STAGE_MS: Final = 10 * 60 * 1000
"""How long a staged chunk waits for the command that publishes it, in milliseconds."""
META_FIELDS: Final = ("inc", "n", "ns", "ni", "ctr", "dirty", "generation", "token")
_COUNT: Final = re.compile(r"[0-9]{1,20}")
_COUNTER: Final = re.compile(r"[0-9]{1,15}")
_MARKS: Final = ("0", "1")


class Meta(NamedTuple):
    """The fields of meta that reads need."""

    dirty: bool
    generation: int
    revision: str
    token: str | None
    messages: int


def thread_keys(ref: ThreadRef) -> list[str]:
    """The five keys every script on a thread declares: meta, list, state, ids, gate."""
    parts = (names.meta_key, names.list_key, names.state_key, names.ids_key)
    return [*(part(ref.key, ref.id) for part in parts), names.gate_key(ref)]


def stage_keys(ref: ThreadRef) -> list[str]:
    """Two fresh staging keys on the thread's cluster slot: messages and ids."""
    token = secrets.token_hex(8)
    return [names.stage_key(ref, token), names.stage_key(ref, f"{token}:ids")]


def encode(text: str) -> bytes:
    """UTF-8 of a message; lone surrogates survive."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes, ref: ThreadRef) -> str:
    """The text that `encode` encoded; anything else was not written by us."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as exc:
        raise corrupt(ref, f"a value is not UTF-8 at byte {exc.start}") from exc


def decode_all(values: Sequence[bytes], ref: ThreadRef) -> list[str]:
    """`decode` for a whole reply."""
    return [decode(value, ref) for value in values]


def meta_reads(keys: Sequence[str]) -> list[tuple[Arg, ...]]:
    """The reads that `check_meta` checks: meta and the three sizes."""
    meta, messages, state, ids = keys[:4]
    return [("HMGET", meta, *META_FIELDS), ("LLEN", messages), ("STRLEN", state), ("ZCARD", ids)]


def check_meta(replies: Sequence[Any], ref: ThreadRef) -> Meta | None:
    """Meta where the thread is whole, None where it is not hot, else `HotTierCorruptError`."""
    for reply in replies:
        raise_if_corrupt(reply, ref)
        if isinstance(reply, Exception):
            raise reply
    fields, *sizes = replies[:4]
    if fields[0] is None:
        if any(sizes):
            raise corrupt(ref, "meta is missing while other keys of the thread are there")
        return None
    inc, *stored, ctr, dirty, generation, token = (decode(field or b"", ref) for field in fields)
    if stored != [str(size) for size in sizes]:
        raise corrupt(ref, f"messages, state bytes and ids are {sizes}, meta says {stored}")
    if (
        not (inc and _COUNTER.fullmatch(ctr) and _COUNT.fullmatch(generation))
        or dirty not in _MARKS
    ):
        raise corrupt(ref, "a field of meta is missing or no number")
    return Meta(dirty == "1", int(generation), f"{inc}:{ctr}", token or None, sizes[0])


def scanned_meta(fields: Sequence[bytes | None]) -> Meta:
    """Meta for a listing, unchecked: of a damaged thread what is no number is 0, and it is dirty.

    So the thread is listed, and whatever is done with it says what is wrong.
    """
    texts = [(field or b"").decode(errors="replace") for field in fields]
    inc, n, _, _, ctr, dirty, generation, token = texts
    numbers = [int(text) if _COUNT.fullmatch(text) else 0 for text in (n, generation)]
    return Meta(dirty != "0", numbers[1], f"{inc}:{ctr}", token or None, numbers[0])


def gate_text(value: bytes, ref: ThreadRef) -> str:
    """A field of the gate."""
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise gate_damaged(ref, f"a field is not UTF-8 at byte {exc.start}") from exc


def gate_words(reply: Any, ref: ThreadRef) -> frozenset[str]:
    """Write ids of a field of the gate; the reply may be the exception its read raised."""
    if isinstance(reply, ResponseError):
        raise gate_damaged(ref, "the key is of another type") from reply
    if isinstance(reply, Exception):
        raise reply
    return frozenset(gate_text(reply, ref).split())


def chunks(items: Sequence[bytes], step: int = 1) -> Iterator[Sequence[bytes]]:
    """Cut items into runs of at most `CHUNK_BYTES` and `CHUNK_ITEMS`, `step` items together."""
    start = size = 0
    for i in range(0, len(items), step):
        grown = sum(len(item) for item in items[i : i + step])
        if i > start and (size + grown > CHUNK_BYTES or i - start >= CHUNK_ITEMS):
            yield items[start:i]
            start, size = i, 0
        size += grown
    if start < len(items):
        yield items[start:]


def fits(items: Sequence[bytes]) -> bool:
    """Whether the items can travel in one command."""
    return len(items) <= CHUNK_ITEMS and sum(map(len, items)) <= CHUNK_BYTES


def id_args(ids: Sequence[tuple[str, int]]) -> list[bytes]:
    """Message ids as ZADD wants them: index, id, index, id."""
    return [arg for message_id, at in ids for arg in (b"%d" % at, encode(message_id))]


def parse_export(replies: Sequence[Any], ref: ThreadRef) -> HotExport:
    """A `HotExport` from the export script's reply, LRANGE, GET and ZRANGE WITHSCORES."""
    meta, messages, state, ids = replies
    write_id, revision, token, generation, dirty, pending, dead, ops, lineage = decode_all(
        meta, ref
    )
    snapshot = Snapshot(
        messages=tuple(decode_all(messages, ref)),
        state=None if state is None else decode(state, ref),
        ids=_placed(ids, len(messages), ref),
        lineage=lineage,
        generation=int(generation),
        ops=tuple(ops.split()),
    )
    return HotExport(
        snapshot=snapshot,
        write_id=write_id,
        revision=revision,
        token=token or None,
        generation=int(generation),
        dirty=dirty == "1",
        pending=tuple(pending.split()),
        dead=tuple(dead.split()),
    )


def _placed(reply: Sequence[Any], messages: int, ref: ThreadRef) -> tuple[tuple[str, int], ...]:
    """The ids and the indexes of their messages; an archive of others could not be read back."""
    found = [(decode(m, ref), float(score)) for m, score in pairs(reply) if m]
    if not all(at.is_integer() and UNPLACED <= at < messages for _, at in found):
        raise corrupt(ref, "an id has no message")
    return tuple((name, int(at)) for name, at in found)


def pairs(reply: Sequence[Any]) -> Iterator[tuple[bytes, Any]]:
    """Members with scores, whether the server answered flat (RESP2) or in pairs (RESP3)."""
    if reply and not isinstance(reply[0], bytes):
        yield from ((member, score) for member, score in reply)
    else:
        yield from zip(reply[::2], reply[1::2], strict=True)
