"""``conformance``: the suites that every tier of ours runs, on the user's own."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ..factory import COLD_ENV, HOT_ENV, open_store
from ..protocols import ColdTier
from ..registry import make_codec
from .output import count, print_rows, progress, say, warn
from .settings import Settings

if TYPE_CHECKING:
    from ..testing.conformance import Lent, Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(conformance)


def conformance(ctx: typer.Context) -> None:
    """Run the conformance suites on --cold, --hot and --codec (those that are given).

    In the cold tier everything happens below a random folder, in the hot tier under random thread
    ids; both are removed at the end, whatever happens. Needs pip install "zeitlich-store[testing]".
    """
    settings: Settings = ctx.obj
    report = _run(settings)
    rows = [asdict(tally) for tally in report.tallies.values()]
    failures = [asdict(failure) for failure in report.failures]
    wrapper = {"ok": report.ok, "failures": failures, "left": report.left}
    print_rows(rows, as_json=settings.as_json, wrapper=wrapper)
    if not settings.as_json:
        print_rows(failures, as_json=False)
        say(_summary(report))
    if report.left:
        warn(report.left)
    if not report.ok:
        raise typer.Exit(1)


def _run(settings: Settings) -> Report:
    # Nothing else of the command line needs the suites, or pytest.
    from ..testing import conformance as kit  # noqa: PLC0415

    kit.check_libraries()
    lent = _lent(settings)
    with progress() as shown:
        task = shown.add_task("contracts", total=None)
        return kit.run(lent, lambda done, of: shown.update(task, completed=done, total=of))


def _lent(settings: Settings) -> Lent:
    from ..testing.conformance import Lent  # noqa: PLC0415  # as above
    from ..testing.conformance_tiers import LentCold, LentHot  # noqa: PLC0415  # as above

    hot = settings.hot or os.environ.get(HOT_ENV)
    cold = settings.cold or os.environ.get(COLD_ENV)
    codec = settings.codec
    if not (hot or cold or codec):
        raise ValueError("name what to check: --cold URL, --hot URL or --codec NAME")

    def make_cold() -> ColdTier:
        made = open_store("memory://", cold, codec=codec).cold
        if made is None:
            raise ValueError("--cold none is no cold tier that could be checked")
        return made

    return Lent(
        cold=LentCold(make_cold) if cold else None,
        hot=LentHot(lambda: open_store(hot, "memory://unused").hot) if hot else None,
        codec=make_codec(codec) if codec else None,
    )


def _summary(report: Report) -> str:
    passed = sum(tally.passed for tally in report.tallies.values())
    failed = sum(tally.failed for tally in report.tallies.values())
    kept = f"{count(passed, 'contract')} kept"
    return f"{kept}, {failed:,} broken" if failed else kept
