"""The operations that are timed, on one store, one after the other."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from zeitlich_store.cli.lines import Line, id_of_line, known_line, parse_line, raw_of_line
from zeitlich_store.store import ThreadStore
from zeitlich_store.thread import Thread

T = TypeVar("T")
KEY = "benchmark"
OPERATIONS = ("append", "load", "load last 20", "flush", "hydrate", "session")
Samples = dict[str, list[float]]


async def measure(store: ThreadStore, transcripts: list[tuple[str, bytes]], repeat: int) -> Samples:
    """Milliseconds each operation took, for every transcript and repetition."""
    samples: Samples = {name: [] for name in OPERATIONS}
    for run in range(repeat + 1):
        found: Samples = {name: [] for name in OPERATIONS}
        for name, data in transcripts:
            lines = [parse_line(text) for text in data.decode().split("\n") if text]
            await _one_thread(store, f"{name}-{run}", lines, found)
        if run:  # the first run warms up
            for operation, times in found.items():
                samples[operation] += times
    return samples


async def _one_thread(store: ThreadStore, name: str, lines: list[Line], samples: Samples) -> None:
    thread = _thread(store, name)
    await thread.initialize()
    for line in lines:
        await _timed(samples["append"], lambda line=line: thread.append(line))
    loaded = await _timed(samples["load"], thread.load)
    await _timed(samples["load last 20"], lambda: thread.load(last=20))
    await _timed(samples["flush"], thread.flush)
    await _timed(samples["hydrate"], thread.hydrate)
    if loaded != lines or await thread.load() != lines:
        raise SystemExit(f"{name}: other messages came back")
    await thread.flush()
    await _timed(samples["session"], lambda: _session(store, name))
    await thread.delete()


async def _session(store: ThreadStore, name: str) -> None:
    """What an agent does in one turn: hydrate, load, four appends, flush."""
    async with store.session(
        name, key=KEY, id_of=id_of_line, serialize=raw_of_line, deserialize=known_line
    ) as thread:
        await thread.load()
        for at in range(4):
            await thread.append(
                parse_line(f'{{"id":"bench-{at}","role":"user","content":"go on"}}')
            )


def _thread(store: ThreadStore, name: str) -> Thread:
    return store.thread(
        name, key=KEY, id_of=id_of_line, serialize=raw_of_line, deserialize=known_line
    )


async def _timed(times: list[float], call: Callable[[], Awaitable[T]]) -> T:
    began = time.perf_counter()
    result = await call()
    times.append((time.perf_counter() - began) * 1000)
    return result
