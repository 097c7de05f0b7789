"""Objects in one SQLite file: ``sqlite:///path/to/file.db?timeout=30`` as a cold URL.

Every call opens a connection of its own in a worker thread, so that any number of threads and
processes may share the file. A token is the content's SHA-256.
"""

import asyncio
import hashlib
import sqlite3
import time
from contextlib import closing, contextmanager

from zeitlich_store import ColdTierUnavailableError, ConfigurationError, PreconditionFailedError
from zeitlich_store.builders import local_path
from zeitlich_store.errors import map_errors
from zeitlich_store.keys import check_object_path
from zeitlich_store.models import Blob, ObjectInfo

TABLE = "CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, data BLOB, modified REAL)"
PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)"
LIST = """SELECT path, length(data), modified FROM objects
    WHERE path >= ?1 AND substr(path, 1, length(?1)) = ?1 AND path > ?2 ORDER BY path LIMIT ?3"""


def sqlite_store(url, *, storage_options):
    """Called with the checked URL; does no I/O."""
    if storage_options:
        raise ConfigurationError("storage_options have no effect on sqlite://")
    timeout = url.rest.get("timeout", "30")
    if not timeout.isdecimal():
        raise ConfigurationError("timeout is a whole number of seconds to wait for other writers")
    return SqliteStore(local_path(url.location), int(timeout))


sqlite_store.parameters = ("timeout",)


class SqliteStore:
    """An `ObjectStore` with conditional writes (`ConditionalObjectStore`)."""

    proven = True  # the conditions are kept by the transactions below, no probe is needed

    def __init__(self, file, timeout):
        self._file, self._timeout = file, timeout

    async def open(self):
        with map_errors({sqlite3.Error: ConfigurationError}, f"{self._file} cannot be used"):
            await asyncio.to_thread(self._create)

    def _create(self):
        with self._connection("rwc") as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(TABLE)

    async def aclose(self):
        """Nothing stays open."""

    async def get(self, path):
        row = await self._run(lambda db: _row(db, path), path)
        return None if row is None else Blob(row, _token(row))

    async def get_range(self, path, start, end):
        blob = await self.get(path)
        return None if blob is None else blob.data[start:end]

    async def put(self, path, data, *, content_type=None):
        await self._run(lambda db: db.execute(PUT, (path, data, time.time())), path)
        return _token(data)

    async def put_if(self, path, data, *, expected, content_type=None):
        def put(db):
            _check(_row(db, path), expected, path)
            db.execute(PUT, (path, data, time.time()))

        await self._run(put, path)
        return _token(data)

    async def delete(self, path):
        return await self._run(lambda db: _delete(db, path), path)

    async def delete_if(self, path, *, expected):
        def delete(db):
            if (row := _row(db, path)) is not None:
                _check(row, expected, path)
            return _delete(db, path)

        return await self._run(delete, path)

    async def list(self, prefix, *, after="", limit=1000):
        rows = await self._run(lambda db: db.execute(LIST, (prefix, after, limit)).fetchall())
        return [ObjectInfo(*row) for row in rows]

    async def _run(self, work, path=None):
        """The work in one transaction, which no other writer comes between."""
        if path is not None:
            check_object_path(path)
        with map_errors({sqlite3.Error: ColdTierUnavailableError}, f"{self._file} failed"):
            return await asyncio.to_thread(self._transaction, work)

    def _transaction(self, work):
        with self._connection("rw") as db, db:  # committed, or rolled back where it raises
            db.execute("BEGIN IMMEDIATE")
            return work(db)

    @contextmanager
    def _connection(self, mode):
        uri = f"{self._file.absolute().as_uri()}?mode={mode}"  # "rw" makes no new file
        with closing(sqlite3.connect(uri, uri=True, timeout=self._timeout)) as db:
            db.isolation_level = None  # transactions begin where we say so
            db.execute("PRAGMA synchronous = FULL")
            yield db


def _row(db, path):
    found = db.execute("SELECT data FROM objects WHERE path = ?", (path,)).fetchone()
    return None if found is None else bytes(found[0])


def _delete(db, path):
    return db.execute("DELETE FROM objects WHERE path = ?", (path,)).rowcount > 0


def _check(data, expected, path):
    if (None if data is None else _token(data)) != expected:
        raise PreconditionFailedError(f"object {path} is another version than expected")


def _token(data):
    return hashlib.sha256(data).hexdigest()
