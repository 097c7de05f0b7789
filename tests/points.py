"""The line at the end of a run that says how many points of the crash matrix were tried, and where.

Like the table of contracts it is made of what travels with the reports, so it works under xdist.
"""

from collections import Counter

import pytest

NAME = "crash points"


def count(item, points):
    """Note the points that a test of the matrix tries, under its backend's name."""
    item.user_properties.append((NAME, (item.callspec.params["bench"], points)))


def line(passed):
    """Points of the tests that passed, by backend and in total; "" where there are none."""
    tried = Counter()
    for report in passed:
        for name, value in getattr(report, "user_properties", ()):
            if name == NAME and report.when == "call":
                backend, points = value
                tried[backend] += points
    each = ", ".join(f"{backend} {points:,}" for backend, points in sorted(tried.items()))
    return f"crash matrix: {tried.total():,} points ({each})" if tried else ""


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    found = line(terminalreporter.stats.get("passed", ()))
    if found:
        terminalreporter.write_line(found)
