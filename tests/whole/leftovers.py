"""A program that uses a store, closes it and counts what is still open: a line of JSON.

``python -W error -X dev leftovers.py HOT COLD STORAGE_OPTIONS``. What the interpreter has to say at
exit goes to stderr.
"""

import asyncio
import contextlib
import gc
import json
import logging
import sys
from pathlib import Path

from zeitlich_store import open_store, open_store_sync


def sockets():
    """Open sockets of this process."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += str(each.readlink()).startswith("socket:")
    return found


def sessions():
    """HTTP sessions that nobody closed."""
    made = (each for each in gc.get_objects() if type(each).__name__ == "ClientSession")
    return sum(not each.closed for each in made)


async def use(hot, cold, options):
    """Sockets before, while, and after a store is open."""
    before = sockets()
    async with open_store(hot, cold, storage_options=options) as store:
        for thread_id in ("t-1", "t-2"):
            async with store.session(thread_id) as thread:
                await thread.append({"id": "m1", "text": "hi"})
        await store.read("t-1")
        during = sockets()
    return {"before": before, "during": during, "after": sockets(), "sessions": sessions()}


def use_sync(hot, cold, options):
    """The same through `open_store_sync`."""
    before = sockets()
    with open_store_sync(hot, cold, storage_options=options) as store:
        with store.session("t-3") as thread:
            thread.append({"id": "m1", "text": "hi"})
        during = sockets()
    return {"before": before, "during": during, "after": sockets(), "sessions": sessions()}


def main(hot, cold, options):
    # Development mode also tells what took long: the first import of a backend's library.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    logging.getLogger("zeitlich_store").setLevel(logging.ERROR)  # who writes last, on FTP
    found = asyncio.run(use(hot, cold, json.loads(options)))
    sync = [use_sync(hot, cold, json.loads(options)) for _ in range(2)]
    print(json.dumps({"async": found, "sync": sync}))


if __name__ == "__main__":
    main(*sys.argv[1:])
