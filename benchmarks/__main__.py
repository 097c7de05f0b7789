"""How long each step takes here: ``python -m benchmarks [--hot URL] [--cold URL] [--repeat N]``.

One client, one operation at a time, the packaged transcripts; the first repetition is thrown away.
Threads are written under a thread key of their own and deleted again.
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Samples, measure
from zeitlich_store.cli.demo import transcripts
from zeitlich_store.factory import open_store
from zeitlich_store.urls import file_url, redact_url


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="zeitlich-bench-") as folder:
        cold = options.cold or file_url(Path(folder))
        samples = asyncio.run(_run(options.hot, cold, options.codec, options.repeat))
    report = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "hot": redact_url(options.hot),
        "cold": redact_url(options.cold) if options.cold else "file:// (temporary)",
        "codec": options.codec or "as in the URL, else zstd",
        "repeat": options.repeat,
        "milliseconds": {name: _figures(times) for name, times in samples.items()},
    }
    print(json.dumps(report) if options.json else _table(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--hot", default="memory://", help="URL of the hot tier")
    parser.add_argument("--cold", help="URL of the cold tier; a temporary folder by default")
    parser.add_argument("--codec", help="json, gzip or zstd")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of all transcripts")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    if options.repeat < 1:
        parser.error("--repeat is 1 or more")
    return options


async def _run(hot: str, cold: str, codec: str | None, repeat: int) -> Samples:
    async with open_store(hot, cold, codec=codec) as store:
        return await measure(store, transcripts(), repeat)


def _figures(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return {
        "count": len(times),
        "p50": round(statistics.median(times), 3),
        "p95": round(cuts[18], 3),
    }


def _table(report: dict) -> str:
    head = f"{report['hot']} and {report['cold']}, codec {report['codec']}"
    lines = [f"{head}, Python {report['python']} on {report['machine']}", ""]
    lines += [f"{'operation':<14}{'count':>8}{'p50 ms':>10}{'p95 ms':>10}"]
    for name, figures in report["milliseconds"].items():
        row = f"{figures['count']:>8}{figures['p50']:>10.3f}{figures['p95']:>10.3f}"
        lines.append(f"{name:<14}{row}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
