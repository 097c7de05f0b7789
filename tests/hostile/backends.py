"""Every backend the hostile input is tried on: a line each.

A cold row makes a store at `where`, a path of one or two parts; a hot row makes a tier.
"""

from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier

from ..backends import SERVERS


def _on(protocol):
    """A store on the server of a protocol, in the one bucket of this process."""

    def made(request, where):
        server = request.getfixturevalue(SERVERS[protocol])
        root = f"{request.getfixturevalue('bucket_of')(server)}/{where}"
        return BucketObjectStore(protocol, root, storage_options=server.storage_options)

    return made


def _files(request, protocol, where):
    server = request.getfixturevalue(f"{protocol}_server")
    (server.folder / where).mkdir(parents=True, exist_ok=True)
    more = {"host": "127.0.0.1", "port": server.port} if protocol == "sftp" else {}
    return FsspecObjectStore(protocol, where, storage_options={**server.storage_options, **more})


def _redis(request, query=""):
    return RedisHotTier.from_url(request.getfixturevalue("redis_server").url + query)


COLD = {
    "memory": lambda request, where: MemoryObjectStore(where),
    "local": lambda request, where: LocalObjectStore(request.getfixturevalue("tmp_path") / where),
    **{protocol: _on(protocol) for protocol in SERVERS},
    "webdav": lambda request, where: _files(request, "webdav", where),
    "sftp": lambda request, where: _files(request, "sftp", where),
    "fsspec": lambda request, where: FsspecObjectStore("memory", f"/{where}"),
}
REMOTE = set(SERVERS) | {"webdav", "sftp"}
"""Those over a socket: they take the names in one test each and a part of the rest, for speed."""

HOT = {
    "memory": lambda request: MemoryHotTier(),
    "redis": _redis,
    "redis-resp3": lambda request: _redis(request, "?protocol=3"),
}


def tried(cases, few):
    """Backend and case: each case on every backend, those over a socket have to do with `few`."""
    assert set(few) <= set(cases)
    return [(cold, case) for cold in COLD for case in (few if cold in REMOTE else cases)]
