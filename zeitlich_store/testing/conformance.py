"""Runs the suites on a user's own tiers, in this process.

What pytest is set up with in the current folder has no say, and nothing is written there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from zeitlich_store.errors import ConfigurationError, ZeitlichStoreError
from zeitlich_store.protocols import Codec

from . import ADVICE, LIBRARIES
from .conformance_tiers import LentCold, LentHot

_CASES: Final = Path(__file__).with_name("conformance_cases.py")
_OPTIONS: Final = (
    "--noconftest",
    "--capture=sys",
    "--import-mode=importlib",
    *("-p", "pytest_asyncio.plugin"),
    *("-p", "no:cacheprovider"),
    *("-p", "no:terminal"),
    *("-p", "no:faulthandler"),
)
_INI: Final = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
python_classes = *Case
"""
_ENVIRONMENT: Final = {
    "PYTEST_ADDOPTS": None,
    "PYTEST_PLUGINS": None,
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
_DONE: Final = (0, 1)
_INTERRUPTED: Final = 2
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """A contract that is not kept, and why, in one line."""

    suite: str
    contract: str
    reason: str


@dataclass(slots=True)
class Tally:
    """What became of a suite's contracts; `note` says why it was not run, "" where it was."""

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""


@dataclass(slots=True)
class Report:
    """A row for each suite, and the failures; `left` says what could not be removed."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    left: str = ""

    @property
    def ok(self) -> bool:
        """Whether every contract was kept, and everything that was made is removed."""
        return not self.left and not any(tally.failed for tally in self.tallies.values())

    def tally(self, suite: str) -> Tally:
        """The suite's row."""
        return self.tallies.setdefault(suite, Tally(suite))


@dataclass(slots=True)
class Lent:
    """What the suites are run on; None: not asked for."""

    cold: LentCold | None = None
    hot: LentHot | None = None
    codec: Codec | None = None

    async def look(self) -> None:
        """Open each tier once; raises as opening a store does."""
        for tier in (self.hot, self.cold):
            if tier is not None:
                await tier.look()

    async def clean(self) -> None:
        """Remove what the suites left."""
        for tier in (self.hot, self.cold):
            if tier is not None:
                await tier.clean()


def check_libraries() -> None:
    """`ConfigurationError` where the suites cannot be run here."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"{ADVICE}: {', '.join(missing)} not installed")
    if sys.flags.optimize:
        raise ConfigurationError("python -O leaves out what the suites check; run it without")


def run(lent: Lent, progress: Progress = lambda _done, _of: None) -> Report:
    """Run the suites that fit, remove what they made, and tell which contracts were kept.

    Must not be called from a running event loop.

    Args:
        lent: The tiers and the codec.
        progress: Called with the number of contracts tried so far, and of all.

    Raises:
        ConfigurationError: pytest or a plug-in of it is missing, or a tier is set up wrong.
        ZeitlichStoreError: A tier cannot be opened at all.
        KeyboardInterrupt: It was interrupted; what was made is removed.
    """
    check_libraries()
    report = Report()
    with _quiet_log():
        asyncio.run(lent.look())
        try:
            code = _run_pytest(_cases(lent, report), _plugin(lent, report, progress))
        finally:
            report.left = _clean(lent)
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if code not in _DONE or not report.tallies:
        raise ZeitlichStoreError(f"the suites could not be run: pytest ended with {code}")
    return report


def _clean(lent: Lent) -> str:
    """Remove what was made; what could not be, in one line."""
    try:
        asyncio.run(lent.clean())
    except Exception as exc:  # noqa: BLE001  # a tier that is being checked may raise anything
        where = f" below {lent.cold.folder}" if lent.cold else ""
        return f"what was made{where} could not be removed: {type(exc).__name__}: {exc}"
    return ""


def _cases(lent: Lent, report: Report) -> list[str]:
    """The classes of `conformance_cases` to run; what is left out is told in the report."""
    cases = ["HotTierCase"] if lent.hot else []
    if lent.cold and lent.cold.has_objects:
        if lent.cold.conditions.writes and lent.cold.conditions.delete:
            cases.append("ConditionalStoreCase")
        else:
            cases.append("ObjectStoreCase")
            report.tally("ConditionalStoreSuite").note = _without(lent.cold)
    if lent.cold:
        cases.append("ColdTierCase")
    if lent.codec:
        cases.append("CodecCase")
    return cases


def _without(cold: LentCold) -> str:
    lacks = cold.conditions if cold.offers_conditions else "has no conditional writes"
    return f"not run: this store {lacks}; of two writers at once the last one wins"


def _plugin(lent: Lent, report: Report, progress: Progress) -> object:
    from .conformance_plugin import Plugin  # noqa: PLC0415  # needs pytest

    return Plugin(lent, report, progress)


def _run_pytest(cases: list[str], plugin: object) -> int:
    import pytest  # noqa: PLC0415  # from the extra [testing]

    with tempfile.TemporaryDirectory(prefix="zeitlich-") as folder, _environment(_ENVIRONMENT):
        ini = Path(folder) / "pytest.ini"
        ini.write_text(_INI)
        names = [f"{_CASES}::{case}" for case in cases]
        where = ["-c", str(ini), "--rootdir", folder, "--basetemp", str(Path(folder) / "tmp")]
        return int(pytest.main([*where, *_OPTIONS, *names], plugins=[plugin]))


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    before: dict[str, Any] = {name: os.environ.get(name) for name in changes}
    try:
        _set(changes)
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _quiet_log() -> Iterator[None]:
    """What the store warns of once, it would warn of for every contract."""
    logger = logging.getLogger("zeitlich_store")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
