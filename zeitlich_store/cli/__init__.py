"""The command line `zeitlich-store`, from the extra ``[cli]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_LIBRARIES = ("typer", "rich")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code: 0 done, 1 failed, 2 bad input."""
    try:
        from .app import run  # noqa: PLC0415  # typer and rich are an extra
    except ImportError as exc:
        if (exc.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        sys.stderr.write('error: the command line needs pip install "zeitlich-store[cli]"\n')
        return 2
    return run(argv)
