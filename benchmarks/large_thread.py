"""A thread of many messages through both tiers, with the peak memory of this process.

``python -m benchmarks.large_thread [--messages 100000] [--hot URL] [--cold URL] [--json]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

from zeitlich_store import Thread, open_store

BATCH = 1000


def message(number: int) -> dict[str, Any]:
    """A message of about 1 KB whose text compresses about as well as prose."""
    words = random.Random(number).choices(["alpha", "beta", "gamma", "delta", "epsilon"], k=40)
    text = " ".join(f"{word}{number * at % 997}" for at, word in enumerate(words))
    return {"id": f"m{number}", "role": "user", "content": text.ljust(960, ".")[:960]}


def peak_mib() -> float:
    """Largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class Steps:
    """Times steps and notes the peak memory after each."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def time(self, name: str, step: Callable[[], Awaitable[Any]]) -> Any:
        """Run a step."""
        start = time.perf_counter()
        result = await step()
        took = time.perf_counter() - start
        self.rows.append({"step": name, "seconds": round(took, 3), "peak_mib": round(peak_mib())})
        return result


async def append_all(thread: Thread, count: int) -> int:
    """Append `count` messages in batches; bytes of their JSON text."""
    size = 0
    for start in range(0, count, BATCH):
        batch = [message(n) for n in range(start, min(start + BATCH, count))]
        size += sum(len(json.dumps(m, separators=(",", ":"))) for m in batch)
        await thread.append(*batch)
    return size


async def measure(hot: str, cold: str, count: int) -> tuple[list[dict[str, Any]], int]:
    """Every step on a fresh thread; its rows and the thread's bytes."""
    steps = Steps()
    async with open_store(hot, cold) as store:
        thread = store.thread(f"large-{random.getrandbits(48):x}")
        await thread.initialize()
        steps.rows.append({"step": "start", "seconds": 0.0, "peak_mib": round(peak_mib())})
        size = await steps.time("append in batches of 1000", lambda: append_all(thread, count))
        archived = await steps.time("flush", thread.flush)
        await steps.time("hydrate", thread.hydrate)
        loaded = await steps.time("load", thread.load)
        if [m["id"] for m in loaded] != [f"m{n}" for n in range(count)] or not archived.bytes:
            raise SystemExit("what was loaded is not what was appended")
        await thread.delete()
    return steps.rows, size


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hot", default="memory://")
    parser.add_argument("--cold")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cold = options.cold or f"file://{folder}"
        rows, size = asyncio.run(measure(options.hot, cold, options.messages))
    if options.json:
        print(json.dumps({"messages": options.messages, "bytes": size, "steps": rows}))
        return
    print(f"{options.messages:,} messages, {size:,} bytes of JSON")
    for row in rows:
        print(f"{row['step']:28} {row['seconds']:9.3f} s   peak {row['peak_mib']:6,} MiB")


if __name__ == "__main__":
    main()
