"""Every backend that the tests can reach, by name: stores with conditions, and pairs of URLs."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from zeitlich_store import ThreadStore, open_store
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore

SERVERS = {"s3": "s3_server", "az": "azure_server", "gs": "gcs_server"}
"""The fixture that starts each protocol's server."""


def conditional_store(name: str, request: pytest.FixtureRequest, folder: Path) -> Any:
    """A store that is not open yet, on a fresh folder or bucket."""
    if name == "memory":
        return MemoryObjectStore(uuid.uuid4().hex)
    if name == "local":
        return LocalObjectStore(folder)
    server = request.getfixturevalue(SERVERS[name])
    options = server.storage_options
    return BucketObjectStore(name, server.new_bucket(), storage_options=options)


class Tiers(NamedTuple):
    """A pair of tiers by URL."""

    hot: str
    cold: str
    options: dict[str, Any] | None = None

    def open(self, codec: str, folder: str = "") -> ThreadStore:
        """A store on them, to be used as ``async with``."""
        url = f"{self.cold}{folder}?codec={codec}"
        return open_store(self.hot, url, storage_options=self.options)


FILES = {"ftp": "ftp_server", "webdav": "webdav_server", "sftp": "sftp_server"}
"""The fixture that starts each server of files."""
REDIS = {"redis": "redis_server", "cluster": "redis_cluster", "sentinel": "redis_sentinel"}
"""The fixture that starts Redis in each of its ways."""


def tiers_of(name: str, request: pytest.FixtureRequest, folder: Path) -> Tiers:
    """The tiers of a name as ``redis+s3``, in a fresh folder or bucket."""
    hot, _, cold = name.partition("+")
    url = request.getfixturevalue(REDIS[hot]).url if hot in REDIS else "memory://"
    if cold == "file":
        return Tiers(url, f"file://{folder}")
    if cold == "memory":
        return Tiers(url, f"memory://{uuid.uuid4().hex}")
    server = request.getfixturevalue(FILES.get(cold) or SERVERS.get(cold, "s3_server"))
    if cold in FILES:
        return Tiers(url, server.url(uuid.uuid4().hex), server.storage_options)
    where = "r2://account" if cold == "r2" else f"{cold}:/"
    return Tiers(url, f"{where}/{server.new_bucket()}", server.storage_options)
