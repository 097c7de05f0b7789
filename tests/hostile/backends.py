"""Every backend the hostile input is tried on: a line each.

A cold row makes a store at `where`, a path of one or two parts; a hot row makes a tier.
"""

from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier


def _s3(request, where):
    server, bucket = (request.getfixturevalue(name) for name in ("s3_server", "bucket"))
    return BucketObjectStore("s3", f"{bucket}/{where}", storage_options=server.storage_options)


def _redis(request, query=""):
    return RedisHotTier.from_url(request.getfixturevalue("redis_server").url + query)


COLD = {
    "memory": lambda request, where: MemoryObjectStore(where),
    "local": lambda request, where: LocalObjectStore(request.getfixturevalue("tmp_path") / where),
    "s3": _s3,
    "fsspec": lambda request, where: FsspecObjectStore("memory", f"/{where}"),
}
REMOTE = {"s3"}
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
