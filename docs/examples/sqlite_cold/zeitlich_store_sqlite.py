"""Objects in one SQLite file: ``sqlite:///path/to/file.db?timeout=30`` as a cold URL.

Every call opens a connection of its own in a worker thread, so that any number of threads and
processes may share the file.
"""

import asyncio
import hashlib
import sqlite3
import time
from contextlib import closing

from zeitlich_store import ColdTierUnavailableError, ConfigurationError, PreconditionFailedError
from zeitlich_store.builders import local_path
from zeitlich_store.errors import map_errors
from zeitlich_store.keys import check_object_path
from zeitlich_store.models import Blob, ObjectInfo

TABLE = "CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, data BLOB, modified REAL)"
PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)"
DELETE = "DELETE FROM objects WHERE path = ?"
LIST = """SELECT path, length(data), modified FROM objects
    WHERE path >= ?1 AND substr(path, 1, length(?1)) = ?1 AND path > ?2 ORDER BY path LIMIT ?3"""
ANY = object()  # whatever version there is


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
    """An `ObjectStore` with conditional writes; a token is the content's SHA-256."""

    proven = True  # the conditions are kept by the transactions below, no probe is needed

    def __init__(self, file, timeout):
        self._file, self._timeout = file, timeout

    async def open(self):
        await self._run(lambda db: db.execute(TABLE), "rwc", ConfigurationError)

    async def aclose(self):
        """Nothing stays open."""

    async def get(self, path):
        return await self._run(lambda db: _blob(db, path))

    async def get_range(self, path, start, end):
        blob = await self.get(path)
        return None if blob is None else blob.data[start:end]

    async def put_if(self, path, data, *, expected=ANY, content_type=None):
        await self._run(lambda db: _change(db, path, expected, PUT, data, time.time()))
        return hashlib.sha256(data).hexdigest()

    async def delete_if(self, path, *, expected=ANY):
        def delete(db):
            return _blob(db, path) is not None and _change(db, path, expected, DELETE)

        return await self._run(delete)

    put, delete = put_if, delete_if  # which are told no version

    async def list(self, prefix, *, after="", limit=1000):
        rows = await self._run(lambda db: db.execute(LIST, (prefix, after, limit)).fetchall())
        return [ObjectInfo(*row) for row in rows]

    async def _run(self, work, mode="rw", failed=ColdTierUnavailableError):
        with map_errors({sqlite3.Error: failed}, f"{self._file} cannot be used"):
            return await asyncio.to_thread(self._transaction, work, mode)

    def _transaction(self, work, mode):
        uri = f"{self._file.absolute().as_uri()}?mode={mode}"  # "rw" makes no new file
        with closing(sqlite3.connect(uri, uri=True, timeout=self._timeout)) as db, db:
            db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")  # no other writer comes between check and change
            return work(db)


def _blob(db, path):
    check_object_path(path)
    found = db.execute("SELECT data FROM objects WHERE path = ?", (path,)).fetchone()
    return None if found is None else Blob(bytes(found[0]), hashlib.sha256(found[0]).hexdigest())


def _change(db, path, expected, statement, *values):
    found = _blob(db, path)
    if expected is not ANY and (found and found.token) != expected:
        raise PreconditionFailedError(f"object {path} is another version than expected")
    return db.execute(statement, (path, *values)).rowcount > 0
