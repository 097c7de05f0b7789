"""Secrets on their way through: usable as they are, never shown by a repr or kept in a traceback.

A traceback keeps every local variable of its frames, and tools that report errors print them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CHAIN = 10


class HiddenText(str):
    """Text whose repr tells nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class HiddenDict(dict[str, Any]):
    """A dict whose repr tells nothing."""

    def __repr__(self) -> str:
        return "{'***'}"


def hidden(value: Any) -> Any:
    """Text and mappings with a repr that tells nothing; anything else as it is.

    >>> hidden("redis://user:secret@host"), hidden({"key": "secret"})
    ('***', {'***'})
    """
    if type(value) is str:
        return HiddenText(value)
    if isinstance(value, Mapping) and not isinstance(value, HiddenDict):
        return HiddenDict(value)
    return value


def forget_frames(exc: BaseException) -> None:
    """Drop the frames of an exception and of those it came from, with what their locals hold."""
    link: BaseException | None = exc
    for _ in range(_CHAIN):
        if link is None:
            return
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
