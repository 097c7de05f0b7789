"""What a conformance run plugs into pytest: the tiers as fixtures, and the tally."""

from __future__ import annotations

from typing import Any, Final

import pytest

from zeitlich_store.protocols import Codec

from . import show_values
from .conformance import Failure, Lent, Progress, Report
from .conformance_tiers import LentCold, LentHot
from .contracts import sentence, suite_of

_MOST: Final = 300


class Plugin:
    """Fixtures for `conformance_cases`, and a row in the report for each suite."""

    def __init__(self, lent: Lent, report: Report, progress: Progress) -> None:
        self._lent, self._report, self._progress = lent, report, progress
        self._reasons: dict[str, str] = {}
        self._skipped: set[str] = set()
        self._all = self._done = 0

    @pytest.fixture
    def lent_cold(self) -> LentCold:
        """The cold tier."""
        assert self._lent.cold is not None
        return self._lent.cold

    @pytest.fixture
    def lent_hot(self) -> LentHot:
        """The hot tier."""
        assert self._lent.hot is not None
        return self._lent.hot

    @pytest.fixture
    def lent_codec(self) -> Codec:
        """The codec."""
        assert self._lent.codec is not None
        return self._lent.codec

    def pytest_configure(self) -> None:
        """Before the suites are imported."""
        show_values()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many contracts there are."""
        self._all = len(session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        """Note the first thing that went wrong."""
        report = yield
        if report.failed and call.excinfo is not None:
            where = "" if call.when == "call" else f"{call.when}: "
            self._reasons.setdefault(item.nodeid, where + _reason(call.excinfo.value))
        if report.skipped:
            self._skipped.add(item.nodeid)
        if call.when == "teardown":
            self._count(item)
        return report

    def _count(self, item: pytest.Item) -> None:
        test = getattr(item, "originalname", item.name)
        suite = suite_of(getattr(item, "cls", None), test) or "other"
        row, reason = self._report.tally(suite), self._reasons.get(item.nodeid)
        if reason is not None:
            row.failed += 1
            self._report.failures.append(Failure(suite, sentence(item.name), reason))
        elif item.nodeid in self._skipped:
            row.skipped += 1
        else:
            row.passed += 1
        self._done += 1
        self._progress(self._done, self._all)


def _reason(exc: BaseException) -> str:
    """The first line of what was raised, with its kind where that says something."""
    line = next((line.strip() for line in str(exc).splitlines() if line.strip()), "")
    kind = type(exc).__name__
    if isinstance(exc, AssertionError) or kind == "Failed":
        line = line or "an assertion does not hold"
    else:
        line = f"{kind}: {line}" if line else kind
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"
