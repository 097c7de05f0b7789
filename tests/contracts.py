"""The table at the end of a run: which tier, store or codec keeps how many contracts of its suite.

Whatever subclasses a suite of `zeitlich_store.testing` is in it by itself. A row is called by the
class attribute `backend`, or by the class's name. It works under xdist too: what a row needs
travels with the reports. Below it stands how many tests of the store itself ran on the asynchronous
and how many on the blocking one.
"""

from collections import Counter

import pytest

from zeitlich_store.testing.contracts import suite_of

_NAME, _STORE = "contract", "store"
_STORES = {"bench", "v1_bench", "redis_bench", "waiting_bench", "stores"}
"""The fixtures of tests/threads that make a store of either kind."""


def pytest_collection_modifyitems(items):
    for item in items:
        cls = getattr(item, "cls", None)
        suite = suite_of(cls, getattr(item, "originalname", item.name))
        if suite is not None:
            backend = getattr(cls, "backend", cls.__name__.removeprefix("Test"))
            item.user_properties.append((_NAME, (backend, suite)))
        params = item.callspec.params if hasattr(item, "callspec") else {}
        for made in _STORES & set(params):
            kind = "blocking" if "blocking" in params[made] else "asynchronous"
            item.user_properties.append((_STORE, kind))


def outcomes(reports):
    """The outcome of each contract by (backend, suite): passed, failed or skipped."""
    found = {}
    for outcome, report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == _NAME:
                worst = found.get((tuple(value), report.nodeid), "passed")
                found[tuple(value), report.nodeid] = worst if outcome == "passed" else outcome
    return Counter((*place, outcome) for (place, _), outcome in found.items())


def table(counts):
    """Lines of a table: kept / all for each backend and suite."""
    suites = sorted({suite for _, suite, _ in counts})
    heads = [suite.removesuffix("Suite") for suite in suites]
    rows = [["backend", *heads, "all"]]
    for backend in sorted({backend for backend, _, _ in counts}):
        cells = [_cell(counts, backend, {suite}) for suite in suites]
        rows.append([backend, *cells, _cell(counts, backend, set(suites))])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(_padded(row, widths)) for row in rows]


def _padded(row, widths):
    first, *rest = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]


def _cell(counts, backend, suites):
    def number(*wanted):
        return sum(counts[backend, suite, outcome] for suite in suites for outcome in wanted)

    every = number("passed", "failed", "skipped")
    skipped = number("skipped")
    cell = f"{number('passed')}/{every - skipped}" if every else "-"
    return f"{cell} ({skipped} skipped)" if skipped else cell


def on_each_store(reports):
    """How many tests of the store passed on the asynchronous and on the blocking one."""
    passed = {
        (report.nodeid, value)
        for outcome, report in reports
        for name, value in getattr(report, "user_properties", ())
        if outcome == "passed" and name == _STORE
    }
    return Counter(kind for _, kind in passed)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    kinds = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}
    reports = [(kinds[kind], report) for kind in kinds for report in stats.get(kind, ())]
    counts = outcomes(reports)
    if counts:
        terminalreporter.section("contracts kept / contracts")
        for line in table(counts):
            terminalreporter.write_line(line)
        total = sum(counts.values())
        kept = sum(n for (_, _, outcome), n in counts.items() if outcome == "passed")
        terminalreporter.write_line(f"{kept} of {total} contracts kept")
    if stores := on_each_store(reports):
        told = ", ".join(f"{count} on the {kind} one" for kind, count in sorted(stores.items()))
        terminalreporter.write_line(f"tests of the store passed: {told}")
