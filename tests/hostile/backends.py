"""Every backend the hostile input is tried on: a line each.

A cold row makes a store at `where`, a path of one or two parts; a hot row makes a tier.
"""

from contextlib import asynccontextmanager

from zeitlich_store import open_store
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier

from ..backends import FILES, SERVERS
from ..services import HOST


def _on(protocol):
    """A store on the server of a protocol, in the one bucket of this process."""

    def made(request, where):
        server = request.getfixturevalue(SERVERS[protocol])
        root = f"{request.getfixturevalue('bucket_of')(server)}/{where}"
        return BucketObjectStore(protocol, root, storage_options=server.storage_options)

    return made


def _files(protocol):
    """A store in a folder of a server of files."""

    def made(request, where):
        server = request.getfixturevalue(FILES[protocol])
        (server.folder / where).mkdir(parents=True, exist_ok=True)
        host = {} if protocol == "webdav" else {"host": HOST, "port": server.port}
        options = {**host, **server.storage_options}
        return FsspecObjectStore(protocol, f"/{where}", storage_options=options)

    return made


def _redis(fixture, query=""):
    """A tier by URL."""

    def made(request):
        return open_store(f"{request.getfixturevalue(fixture).url}{query}", "none").hot

    return made


COLD = {
    "memory": lambda request, where: MemoryObjectStore(where),
    "local": lambda request, where: LocalObjectStore(request.getfixturevalue("tmp_path") / where),
    **{protocol: _on(protocol) for protocol in SERVERS},
    **{protocol: _files(protocol) for protocol in FILES},
    "fsspec": lambda request, where: FsspecObjectStore("memory", f"/{where}"),
}
REMOTE = {*SERVERS, *FILES}
"""Those over a socket: they take the names in one test each and a part of the rest, for speed."""

HOT = {
    "memory": lambda request: MemoryHotTier(),
    "redis": _redis("redis_server"),
    "redis-resp3": _redis("redis_server", "?protocol=3"),
    "cluster": _redis("redis_cluster"),
    "sentinel": _redis("redis_sentinel"),
}
RELAYED = ["cluster", "sentinel"]
"""Redis through another link, the scripts are the same: they take each catalogue in one test."""
DIRECT = [name for name in HOT if name not in RELAYED]


def tried(cases, few):
    """Backend and case: each case on every backend, those over a socket have to do with `few`."""
    assert set(few) <= set(cases)
    return [(cold, case) for cold in COLD for case in (few if cold in REMOTE else cases)]


@asynccontextmanager
async def opened(tier):
    """The tier of a row, open for the length of the block."""
    await tier.open()
    try:
        yield tier
    finally:
        await tier.aclose()


async def scanned(hot, key, limit=1000):
    """Every hot thread of a key: a page may be short or empty, and a cluster's is of one master."""
    found, cursor = await hot.scan(key=key, limit=limit)
    while cursor:
        rows, cursor = await hot.scan(key=key, cursor=cursor, limit=limit)
        found += rows
    return [row.ref for row in found]
