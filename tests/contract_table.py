"""The table of docs/contracts.md: how many contracts of each suite each backend is held to.

``python -m tests.contract_table`` (or ``make contracts``) collects the tests and writes it anew.
"""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from .contracts import contract_of

PAGE = Path(__file__).parents[1] / "docs" / "contracts.md"
_TABLE = re.compile(r"(?<=<!-- contracts -->\n\n).*?(?=\n\n<!-- end -->)", re.DOTALL)


def counted(items):
    """How many contracts by (backend, suite)."""
    return Counter(place for item in items if (place := contract_of(item)))


def markdown(counts):
    """The table, with totals on both sides."""
    suites = sorted({suite for _, suite in counts})
    heads = [suite.removesuffix("Suite") for suite in suites]
    rows = [["backend", *heads, "all"], ["---", *["---:"] * (len(suites) + 1)]]
    backends = sorted({backend for backend, _ in counts}, key=str.casefold)
    rows += [[backend, *_numbers(counts, [backend], suites)] for backend in backends]
    rows.append([f"{len(backends)} in all", *_numbers(counts, backends, suites)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _numbers(counts, backends, suites):
    each = [sum(counts[backend, suite] for backend in backends) for suite in suites]
    return [f"{number:,}" if number else "-" for number in (*each, sum(each))]


def documented(text):
    """The counts a page tells, as `counted` gives them; without the totals."""
    rows = [line.strip("| ").split(" | ") for line in _TABLE.search(text)[0].splitlines()]
    heads, body = rows[0][1:-1], rows[2:-1]
    found = {}
    for backend, *numbers, _ in body:
        for head, number in zip(heads, numbers, strict=True):
            if number != "-":
                found[backend, f"{head}Suite"] = int(number.replace(",", ""))
    return found


class Collector:
    """Takes what a run collects."""

    items = ()

    def pytest_collection_finish(self, session):
        self.items = session.items


def main():
    collector = Collector()
    quiet = ["--collect-only", "-p", "no:terminal", "tests"]
    code = pytest.main(quiet, plugins=[collector])
    if code == pytest.ExitCode.OK:
        page = PAGE.read_text("utf-8")
        table = markdown(counted(collector.items))
        PAGE.write_text(_TABLE.sub(lambda _: table, page), "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
