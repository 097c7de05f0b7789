"""What becomes of a blocking iterator that is not read to its end."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from zeitlich_store.background import Desk, background

HALF_READ = """
import gc, logging, sys
from zeitlich_store import open_store_sync

logging.getLogger("asyncio").setLevel("ERROR")  # a busy machine's slow callbacks are no news

store = open_store_sync("memory://", "memory://half-read").open()
for name in "abc":
    store.thread(name).initialize()
    store.thread(name).flush()
rows = getattr(store, sys.argv[1])(**({"format": "v1"} if sys.argv[1] == "convert" else {}))
assert next(rows)
"""
ENDINGS = {
    "at once": "",
    "after closing": "store.close()",
    "held by an object": "rows = type('Tool', (), {'rows': rows, 'store': store})()",
    "collected on the loop's thread": """
from zeitlich_store.background import background

async def collect():
    assert gc.collect()

circle = [rows]
circle.append(circle)
gc.disable()
del rows, circle
background.run(collect())
store.close()
""",
}


@pytest.mark.parametrize("call", ["verify", "convert"])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_interpreter_ends_in_silence_with_an_iterator_half_read(call, ending):
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", HALF_READ + ending, call]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_generator_dropped_half_read_is_closed_on_its_loop():
    closed = []

    async def rows():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def settle():
        """Nothing: what was scheduled before it has run when it has."""

    desk = Desk()
    desk.open(settle())
    for _ in desk.each(rows()):
        break
    for _ in range(2):
        background.run(settle())
    assert closed == [True]


def test_an_iterator_that_has_ended_or_was_closed_gives_nothing_more():
    async def rows():
        yield 1

    async def opened(): ...

    desk = Desk()
    desk.open(opened())
    read = desk.each(rows())
    assert (list(read), list(read)) == ([1], [])
    given_up = desk.each(rows())
    given_up.close()
    assert list(given_up) == []


def test_closing_an_iterator_waits_for_the_row_that_another_thread_reads():
    begun, ended = threading.Event(), []

    async def rows():
        before = asyncio.all_tasks()
        begun.set()
        while not asyncio.all_tasks() - before:  # noqa: ASYNC110  # until the closing is there
            await asyncio.sleep(0)
        for _ in range(9):  # and has had its turn
            await asyncio.sleep(0)
        ended.append("row")
        yield 1

    async def opened(): ...

    desk = Desk()
    desk.open(opened())
    read = desk.each(rows())
    with ThreadPoolExecutor(1) as pool:
        row = pool.submit(next, read)
        begun.wait()
        read.close()
        ended.append("closed")
    assert (row.result(), ended, list(read)) == (1, ["row", "closed"], [])
