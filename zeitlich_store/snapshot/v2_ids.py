"""How format v2 stores message ids without storing most of them.

Nearly always a message's id stands in its own text, behind ``"id":"``. A *rule* says so for a run
of messages; ids that no rule gives are stored as pairs. The rules look at text alone: nothing is
parsed as JSON, so that reading them back is exact and fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from ..errors import CorruptSnapshotError, LimitExceededError
from ..models import UNPLACED
from .varints import Reader, prefixed, text_bytes, varint

_NEEDLES: Final = ('"id":"', '"id": "')
"""Rule 1, rule 2: the id begins behind the first of these and ends before the next quote."""
NO_ID: Final = 0
Ids = tuple[tuple[str, int], ...]


def pack_ids(messages: Sequence[str], ids: Iterable[tuple[str, int]]) -> bytes:
    """Runs of rules, then the pairs (index + 1, id) that no rule gives.

    `ValueError` where an id stands twice: nobody could read it back.
    """
    ids = tuple(ids)
    if len({name for name, _ in ids}) != len(ids):
        raise ValueError("a message id stands twice; place_ids keeps the first place of each")
    rules = [NO_ID] * len(messages)
    pairs = [pair for pair in ids if not _ruled(messages, rules, *pair)]
    runs = [(rule, len(list(group))) for rule, group in groupby(rules)]
    parts = [varint(len(runs))]
    parts += [varint(rule) + varint(length) for rule, length in runs]
    parts.append(varint(len(pairs)))
    parts += [varint(index + 1) + prefixed(text_bytes(name)) for name, index in pairs]
    return b"".join(parts)


def _ruled(messages: Sequence[str], rules: list[int], name: str, index: int) -> bool:
    """Note the rule that gives this id, if there is one."""
    if index == UNPLACED or rules[index] != NO_ID:
        return False
    for rule, needle in enumerate(_NEEDLES, 1):
        if _own_id(messages[index], needle) == name:
            rules[index] = rule
            return True
    return False


def _own_id(message: str, needle: str) -> str | None:
    start = message.find(needle)
    if start < 0:
        return None
    start += len(needle)
    end = message.find('"', start)
    return message[start:end] if end > start else None


def read_ids(reader: Reader, messages: Sequence[str], *, most: int) -> Ids:
    """The ids with the indexes of their messages, in that order; `UNPLACED` ones first.

    `LimitExceededError` for more than `most` that no rule gives.
    """
    found: list[tuple[str, int]] = []
    at = 0
    for _ in range(reader.count()):
        rule, length = reader.number(len(_NEEDLES)), reader.number(len(messages) - at)
        if rule != NO_ID:
            found += _by_rule(messages, at, at + length, _NEEDLES[rule - 1])
        at += length
    if at != len(messages):
        raise CorruptSnapshotError(f"ids are told for {at} of {len(messages)} messages")
    pairs = reader.count()
    check_listed(pairs, most)
    for _ in range(pairs):
        index = reader.number(len(messages)) - 1
        found.append((reader.text(), index))
    if len({name for name, _ in found}) != len(found):
        raise CorruptSnapshotError("a message id stands twice")
    return tuple(sorted(found, key=lambda pair: (pair[1], pair[0])))


def listed_ids(data: bytes) -> int:
    """How many ids of a table are listed one by one."""
    reader = Reader(data)
    for _ in range(2 * reader.count()):
        reader.number()
    return reader.count()


def check_listed(pairs: int, most: int) -> None:
    """Refuse more listed ids than that."""
    if pairs > most:
        raise LimitExceededError(f"the archive lists {pairs} message ids, the limit is {most}")


def _by_rule(
    messages: Sequence[str], start: int, end: int, needle: str
) -> Iterable[tuple[str, int]]:
    for index in range(start, end):
        name = _own_id(messages[index], needle)
        if name is None:
            raise CorruptSnapshotError(f"message {index} has no id of its own")
        yield name, index
