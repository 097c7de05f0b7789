"""Folders that are written from a user's home on."""

from __future__ import annotations

from pathlib import Path

from .errors import ConfigurationError, map_errors


def expanded(path: Path) -> Path:
    """The path with ``~`` or ``~user`` in front replaced by that user's home.

    Raises:
        ConfigurationError: The system knows of no such home.
    """
    name = path.parts[0] if path.parts else ""
    with map_errors({RuntimeError: ConfigurationError}, f"no home folder for {name!r} is known"):
        return path.expanduser()
