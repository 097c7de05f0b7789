"""Errors every hot tier raises with the same words."""

from __future__ import annotations

from ..errors import ThreadNotFoundError
from ..models import ThreadRef


def not_hot(ref: ThreadRef) -> ThreadNotFoundError:
    """The thread has to be hot for this."""
    return ThreadNotFoundError(f"thread {str(ref)!r} is not hot; hydrate or initialize it first")


def unplaced(message_id: str) -> ValueError:
    """A thread cannot be cut at a message whose place is not known."""
    return ValueError(
        f"where message {message_id!r} stands is not known: the thread was hydrated by a handle "
        "whose id_of does not find that id"
    )
