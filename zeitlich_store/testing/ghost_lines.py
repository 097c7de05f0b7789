"""What ghosts remember of hot copies and archive versions: the line of changes each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from .eyes import HotSeen

Unknown = Literal["?"]
UNKNOWN: Final[Unknown] = "?"
"""The spec of a thread that somebody gives up right now: what readers see is open."""
Place = tuple[int, str]
"""A hot tier's number and a thread's name."""


class Line:
    """Lines of changes: each is its parent's and one more."""

    def __init__(self) -> None:
        self._parents = [-1]

    def new(self, parent: int = 0) -> int:
        """A line that has one change more than `parent`."""
        self._parents.append(parent)
        return len(self._parents) - 1

    def holds(self, line: int, part: int) -> bool:
        """Whether `line` holds all changes of `part`."""
        while line > part:
            line = self._parents[line]
        return line == part


class Version(NamedTuple):
    """An archive version."""

    token: str
    write_id: str
    generation: int
    messages: tuple[str, ...]
    state: str | None
    line: int


@dataclass(slots=True)
class Copy:
    """A hot copy, what it is made of, and the versions it may replace by somebody's word."""

    seen: HotSeen
    line: int
    over: frozenset[str] = frozenset()
