"""How long `import zeitlich_store` takes beside the libraries it stands on.

Interleaved subprocess runs, medians, and the ratio: ``python -m benchmarks.import_time``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

OURS = "import zeitlich_store"
BASE = "import json, asyncio, redis.asyncio, fsspec"
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def seconds(statement: str) -> float:
    """Time of an import statement in a fresh interpreter, start-up not counted."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args().runs
    seconds(OURS), seconds(BASE)  # the file cache is warm from here on
    pairs = [(seconds(OURS), seconds(BASE)) for _ in range(runs)]
    ours, base = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{OURS:45} {ours * 1000:7.1f} ms")
    print(f"{BASE:45} {base * 1000:7.1f} ms")
    print(f"{'ratio (medians of ' + str(runs) + ' interleaved runs)':45} {ours / base:7.2f}")


if __name__ == "__main__":
    main()
