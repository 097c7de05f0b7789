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
from zeitlich_store.encryption import Keyring

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
    encryption: Keyring | None = None
    root: Path | None = None
    """Where the server keeps it, if folders have to be there before they are used."""

    def open(self, codec: str, folder: str = "") -> ThreadStore:
        """A store on them, to be used as ``async with``."""
        if self.root is not None:
            (self.root / folder.strip("/")).mkdir(parents=True, exist_ok=True)
        url = f"{self.cold}{folder}?codec={codec}"
        options, keys = self.options, self.encryption
        return open_store(self.hot, url, storage_options=options, encryption=keys)


FILES = {"ftp": "ftp_server", "webdav": "webdav_server", "sftp": "sftp_server"}
"""The fixture that starts each server of files."""
REDIS = {"redis": "redis_server", "cluster": "redis_cluster", "sentinel": "redis_sentinel"}
"""The fixture that starts Redis in each of its ways."""
KEYS = Keyring([(2, bytes(range(32))), (1, bytes(32))])
"""Those of the encrypted tiers."""


def tiers_of(name: str, request: pytest.FixtureRequest, folder: Path) -> Tiers:
    """The tiers of a name as ``redis+s3``, in a fresh folder or bucket; or ``+encrypted``."""
    hot, cold, *encrypted = name.split("+")
    if encrypted:
        return tiers_of(f"{hot}+{cold}", request, folder)._replace(encryption=KEYS)
    url = request.getfixturevalue(REDIS[hot]).url if hot in REDIS else "memory://"
    if cold == "file":
        return Tiers(url, f"file://{folder}")
    if cold == "memory":
        return Tiers(url, f"memory://{uuid.uuid4().hex}")
    if cold in FILES:
        server, name = request.getfixturevalue(FILES[cold]), uuid.uuid4().hex
        options = {"options": server.storage_options, "root": server.folder / name}
        return Tiers(url, server.url(name), **options)
    server = request.getfixturevalue(SERVERS.get(cold, "s3_server"))
    where = "r2://account" if cold == "r2" else f"{cold}:/"
    return Tiers(url, f"{where}/{server.new_bucket()}", server.storage_options)
