"""Checks and refusals all codecs share."""

from __future__ import annotations

from ..errors import ConfigurationError, CorruptSnapshotError, LimitExceededError


def check_level(codec: str, level: object, low: int, high: int) -> None:
    """Raise `ConfigurationError` unless `level` is an int from `low` to `high`."""
    if not isinstance(level, int) or isinstance(level, bool) or not low <= level <= high:
        raise ConfigurationError(
            f"codec {codec} takes a level from {low} to {high}, a whole number, not {level!r}"
        )


def too_large(codec: str, max_bytes: int, declared: int | None = None) -> LimitExceededError:
    """The refusal of data that decodes to more than `max_bytes`; `declared` bytes if it says so."""
    size = "more" if declared is None else f"{declared} bytes"
    return LimitExceededError(f"{codec} data decodes to {size}, the limit is {max_bytes} bytes")


def truncated(codec: str, size: int) -> CorruptSnapshotError:
    """The refusal of data that stops early, after `size` bytes."""
    return CorruptSnapshotError(f"{codec} data is cut off: it ends at byte {size}, in mid-frame")


def trailing(codec: str, end: int, size: int) -> CorruptSnapshotError:
    """The refusal of `size` bytes whose first frame ends at byte `end`."""
    return CorruptSnapshotError(
        f"{codec} data ends at byte {end}, but {size - end} more bytes follow"
    )
