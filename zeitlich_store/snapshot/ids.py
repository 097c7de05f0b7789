"""Places for message ids: v1 stores which ids are taken, not which message has which."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import itemgetter

from ..models import UNPLACED, Snapshot

IdOfRaw = Callable[[str], str | None]
"""The id of a message, given its exact stored text; None where it has none."""


def place_ids(snapshot: Snapshot, id_of_raw: IdOfRaw | None) -> Snapshot:
    """The snapshot with its unplaced ids on the first message that has them, each id once.

    An id that fits no message stays `UNPLACED`; a message for which `id_of_raw` raises counts as
    one without id. Without `id_of_raw`, ids are paired with messages one to one where there are
    equally many, else left. The result is ordered by index, unplaced ids first, otherwise as read.

    >>> place_ids(Snapshot(messages=("x", "y"), ids=(("y", -1), ("x", -1))), str).ids
    (('x', 0), ('y', 1))
    """
    if all(index != UNPLACED for _, index in snapshot.ids):
        return snapshot
    placed = _by_position(snapshot) if id_of_raw is None else _by_content(snapshot, id_of_raw)
    return replace(snapshot, ids=tuple(sorted(placed.items(), key=itemgetter(1))))


def _by_position(snapshot: Snapshot) -> dict[str, int]:
    ids = snapshot.dedup_ids
    if len(ids) != len(snapshot.messages) or any(index != UNPLACED for _, index in snapshot.ids):
        return _first_places(snapshot.ids)
    return _first_places((message_id, index) for index, message_id in enumerate(ids))


def _by_content(snapshot: Snapshot, id_of_raw: IdOfRaw) -> dict[str, int]:
    first: dict[str, int] = {}
    for index, raw in enumerate(snapshot.messages):
        message_id = _id_or_none(raw, id_of_raw)
        if message_id is not None:
            first.setdefault(message_id, index)
    return _first_places(
        (message_id, first.get(message_id, UNPLACED) if index == UNPLACED else index)
        for message_id, index in snapshot.ids
    )


def _first_places(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Each id once, at the first place named for it: the hot tier keeps an id only once."""
    places: dict[str, int] = {}
    for message_id, index in pairs:
        places.setdefault(message_id, index)
    return places


def _id_or_none(raw: str, id_of_raw: IdOfRaw) -> str | None:
    try:
        message_id = id_of_raw(raw)
    except Exception:  # noqa: BLE001 - the caller's function; a message it cannot read has no id
        return None
    return message_id if isinstance(message_id, str) else None
