"""An object store in this process's memory, shared by every store that names it."""

from __future__ import annotations

import hashlib
import threading
import time
from bisect import bisect_right

from ..errors import PreconditionFailedError
from ..keys import check_object_path
from ..models import Blob, ObjectInfo

_spaces: dict[str, dict[str, tuple[bytes, float]]] = {}
_lock = threading.Lock()


class MemoryObjectStore:
    """Objects in memory; two stores of one `name` see the same objects, from any thread."""

    proven = True

    def __init__(self, name: str = "") -> None:
        with _lock:
            self._objects = _spaces.setdefault(name, {})

    async def open(self) -> None:
        """Nothing to connect to."""

    async def aclose(self) -> None:
        """The objects stay, for the next store of this name."""

    async def get(self, path: str) -> Blob | None:
        found = self._objects.get(check_object_path(path))
        return None if found is None else Blob(found[0], _token(found[0]))

    async def get_range(self, path: str, start: int, end: int) -> bytes | None:
        found = self._objects.get(check_object_path(path))
        return None if found is None else found[0][start:end]

    async def put(self, path: str, data: bytes, *, content_type: str | None = None) -> str | None:
        del content_type  # memory keeps none
        self._objects[check_object_path(path)] = (bytes(data), time.time())
        return _token(data)

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        del content_type  # memory keeps none
        with _lock:
            self._check(path, expected)
            self._objects[check_object_path(path)] = (bytes(data), time.time())
        return _token(data)

    async def delete(self, path: str) -> bool:
        return self._objects.pop(check_object_path(path), None) is not None

    async def delete_if(self, path: str, *, expected: str) -> bool:
        with _lock:
            if check_object_path(path) not in self._objects:
                return False
            self._check(path, expected)
            del self._objects[path]
        return True

    def _check(self, path: str, expected: str | None) -> None:
        found = self._objects.get(check_object_path(path))
        if (found and _token(found[0])) != expected:
            raise PreconditionFailedError(f"object {path} is another version than expected")

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        # A copy: another thread may put and delete meanwhile.
        found = {path: row for path, row in self._objects.copy().items() if path.startswith(prefix)}
        paths = sorted(found)
        return [
            ObjectInfo(path, len(found[path][0]), found[path][1])
            for path in paths[bisect_right(paths, after) :][:limit]
        ]


def _token(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
