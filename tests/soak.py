"""Random writers against the observer for as long as there is time: python -m tests.soak."""

import argparse
import asyncio
import secrets
import sys
import time

from zeitlich_store.testing.rehearsal import Rehearsal
from zeitlich_store.testing.simulation import random_scenario

from .protocol.stages import memory_stage, violations


async def soak(minutes: float, first: int) -> int:
    """Schedules from seed `first` on; the exit code."""
    start, done, steps, stage = time.monotonic(), 0, 0, memory_stage()
    while (spent := time.monotonic() - start) < 60 * minutes:
        seed = first + done
        report = await Rehearsal(random_scenario(seed), stage, seed).play()
        done, steps = done + 1, steps + report.steps
        if report.violations:
            print(violations([(seed, report)]))
            return 1
        if done % 1000 == 0 and sys.stderr.isatty():
            print(f"\r{done:,} schedules", end="", file=sys.stderr)
    print(f"{done:,} schedules of {steps:,} steps, {done / spent:,.0f} a second, 0 differences")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="how long to go on")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**12), help="where to begin"
    )
    options = parser.parse_args()
    print(f"seeds from {options.seed}")
    sys.exit(asyncio.run(soak(options.minutes, options.seed)))
