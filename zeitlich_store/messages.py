"""Messages as the caller knows them, and the exact strings both tiers keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import _json
from .models import Entry

Message = Any
"""Whatever the caller appends: JSON values by default."""
IdOf = Callable[[Message], str | None]
Serialize = Callable[[Message], str]
Deserialize = Callable[[str], Message]


def default_id_of(message: Message) -> str | None:
    """The message's ``"id"`` where it has one that is a non-empty string.

    >>> default_id_of({"id": "m1"}), default_id_of({"id": 7}), default_id_of("text")
    ('m1', None, None)
    """
    found = message.get("id") if isinstance(message, Mapping) else None
    return found if isinstance(found, str) and found else None


@dataclass(frozen=True, slots=True)
class MessageFormat:
    """How one handle reads and writes messages; `id_of` None switches deduplication off."""

    id_of: IdOf | None = default_id_of
    serialize: Serialize = _json.dumps
    deserialize: Deserialize = _json.loads

    def entries(self, messages: Sequence[Message]) -> list[Entry]:
        """Exact text and id of each message; `ValueError` or `TypeError` names a bad one."""
        return [self._entry(at, message) for at, message in enumerate(messages)]

    def _entry(self, at: int, message: Message) -> Entry:
        try:
            raw = self.serialize(message)
        except TypeError as exc:
            raise TypeError(f"message {at} cannot be serialised: {exc}") from exc
        except Exception as exc:  # a caller's function may raise anything
            raise ValueError(f"message {at} cannot be serialised: {exc}") from exc
        if not isinstance(raw, str):
            raise TypeError(f"message {at}: serialize returned {type(raw).__name__}, not str")
        message_id = self._id(at, message)
        return Entry(join_pairs(raw), None if message_id is None else join_pairs(message_id))

    def _id(self, at: int, message: Message) -> str | None:
        if self.id_of is None:
            return None
        try:
            found = self.id_of(message)
        except Exception as exc:  # a caller's function may raise anything
            raise ValueError(f"message {at}: id_of failed: {exc!r}") from exc
        if found is not None and not isinstance(found, str):
            raise TypeError(f"message {at}: id_of returned {type(found).__name__}, not str or None")
        if found == "":
            raise ValueError(f"message {at}: id_of returned an empty string; return None for no id")
        return found

    def messages(self, raws: Iterable[str]) -> list[Message]:
        """The messages of their exact texts; `ValueError` names the first that cannot be read."""
        return [self._message(at, raw) for at, raw in enumerate(raws)]

    def _message(self, at: int, raw: str) -> Message:
        try:
            return self.deserialize(raw)
        except Exception as exc:  # a caller's function may raise anything
            raise ValueError(f"message {at} of those loaded cannot be deserialised: {exc}") from exc

    @property
    def id_of_raw(self) -> Callable[[str], str | None] | None:
        """What `place_ids` asks for a stored message's id; None where there are none."""
        id_of = self.id_of
        return None if id_of is None else lambda raw: id_of(self.deserialize(raw))


def join_pairs(text: str) -> str:
    r"""The text with surrogate pairs made one character, as JSON reads them; others stay.

    >>> join_pairs("\ud83d\ude80 \ud800") == "\U0001f680 \ud800"
    True
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def distinct(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries, or `ValueError` where two have the same id."""
    seen: set[str] = set()
    for entry in entries:
        if entry.id is not None and entry.id in seen:
            raise ValueError(
                f"two messages have the id {entry.id!r}; replace_all needs distinct ids"
            )
        seen.add(entry.id or "")
    return entries
