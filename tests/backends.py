"""Every object store with conditions that the tests can reach, by name."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

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
