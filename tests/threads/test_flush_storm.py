"""Many writers and flushers at once on one thread."""

import asyncio

from zeitlich_store import ThreadNotFoundError


async def test_every_step_of_many_flushes_beside_appends_loses_nothing(bench):
    """Eight writers and two flushers at once: each acknowledged message is stored exactly once."""
    await bench.store.thread(bench.id).initialize()

    async def write(name):
        for n in range(20):
            thread = bench.other().thread(bench.id)
            while True:
                await thread.hydrate()
                try:
                    await thread.append({"id": f"{name}-{n}"})
                    break
                except ThreadNotFoundError:
                    continue

    async def flush(done):
        while not done.is_set():
            await bench.other().thread(bench.id).flush()
            await asyncio.sleep(0)

    done = asyncio.Event()
    flushers = [asyncio.create_task(flush(done)) for _ in range(2)]
    await asyncio.gather(*(write(name) for name in "abcdefgh"))
    done.set()
    await asyncio.gather(*flushers)
    await bench.store.thread(bench.id).flush()
    stored = [message["id"] for message in (await bench.store.read(bench.id)).messages]
    assert len(stored) == len(set(stored)) == 160
    for name in "abcdefgh":
        mine = [int(id_.split("-")[1]) for id_ in stored if id_.startswith(name)]
        assert mine == list(range(20))
