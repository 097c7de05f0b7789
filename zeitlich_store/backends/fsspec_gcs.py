"""Google Cloud Storage: exact keys, one request each, an object's generation as its token."""

from __future__ import annotations

import errno
import json
import os
import secrets
from datetime import datetime
from typing import Any, Final

from ..errors import ConfigurationError, PreconditionFailedError
from ..models import Blob, ObjectInfo
from .fsspec_dialects import BucketDialect, Dialect, configured, split
from .fsspec_errors import is_refusal

_OBJECT: Final = "b/{}/o/{}"
_GENERATION: Final = "x-goog-generation"
_UNSATISFIABLE: Final = 416


class GcsDialect(BucketDialect):
    """Google Cloud Storage through gcsfs' own requests, with generations as conditions."""

    extra = "gcs"
    login = (
        'set GOOGLE_APPLICATION_CREDENTIALS, or give storage_options={"token": …} ("anon": none)'
    )

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        import aiohttp

        # gcsfs itself would wait for ever.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
        return {**_login(given), "requests_timeout": timeout, **given}

    def secrets(self) -> list[str]:
        # Google's library names the file it does not find; some put the key itself there.
        given = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        return [given] if "{" in given or "\n" in given else []

    def of(self, fs: Any) -> Dialect:
        return self if hasattr(fs, "_call") else BucketDialect()  # not gcsfs

    async def check(self, fs: Any, root: str) -> None:
        bucket, _ = split(root)
        try:
            await _call(fs, "GET", "b/{}/o", bucket, maxResults=1, fields="kind")
        except FileNotFoundError as exc:
            raise ConfigurationError(f"there is no bucket {bucket!r}") from exc
        except Exception as exc:  # gcsfs is imported late; raised again
            if not is_refusal(exc):  # some policies forbid listing
                raise

    async def close(self, fs: Any) -> None:
        await (await fs._set_session()).close()  # noqa: SLF001  # gcsfs has no public close

    async def get(self, fs: Any, path: str) -> Blob:
        headers, data = await _call(fs, "GET", _OBJECT, *split(path), alt="media")
        return Blob(bytes(data), headers.get(_GENERATION) or await self._generation(fs, path))

    async def _generation(self, fs: Any, path: str) -> str:
        """For servers that do not send it with the object."""
        _, data = await _call(fs, "GET", _OBJECT, *split(path), fields="generation")
        return str(json.loads(data)["generation"])

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        span = {"Range": f"bytes={start}-{max(start, end - 1)}"}
        try:
            _, data = await _call(fs, "GET", _OBJECT, *split(path), alt="media", headers=span)
        except Exception as exc:  # gcsfs is imported late; raised again
            if getattr(exc, "code", None) == _UNSATISFIABLE:
                return b""  # it starts at or behind the object's end
            raise
        return bytes(data)[: max(0, end - start)]

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        return await _upload(fs, path, data, content_type)

    async def put_if(
        self, fs: Any, path: str, data: bytes, expected: str | None, content_type: str | None
    ) -> str:
        """`put` over the object of that generation, or (None) where there is no object."""
        try:
            return await _upload(fs, path, data, content_type, ifGenerationMatch=expected or "0")
        except FileExistsError as exc:
            raise _refused(path) from exc
        except FileNotFoundError as exc:
            await self.check(fs, path)
            raise _refused(path) from exc

    async def delete(self, fs: Any, path: str) -> None:
        await _call(fs, "DELETE", _OBJECT, *split(path))

    async def delete_if(self, fs: Any, path: str, expected: str) -> bool:
        """`delete` the object of that generation; False where there is no object."""
        try:
            await _call(fs, "DELETE", _OBJECT, *split(path), ifGenerationMatch=expected)
        except FileNotFoundError:
            await self.check(fs, path)
            return False
        except FileExistsError as exc:
            if not await self._exists(fs, path):
                return False
            raise _refused(path) from exc
        return True

    async def _exists(self, fs: Any, path: str) -> bool:
        try:
            await self._generation(fs, path)
        except FileNotFoundError:
            return False
        return True

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        bucket, root = split(base)
        start = {"startOffset": root + after} if after else {}
        asked = {"prefix": root + prefix, "maxResults": min(1000, limit + 1), **start}
        rows: list[ObjectInfo] = []
        page: dict[str, Any] = {"nextPageToken": None}
        while len(rows) < limit and "nextPageToken" in page:
            token = page["nextPageToken"]
            _, data = await _call(fs, "GET", "b/{}/o", bucket, pageToken=token, **asked)
            page = json.loads(data)
            found = (_row(item, root) for item in page.get("items", ()))
            rows += [row for row in found if row.path > after]
        return sorted(rows, key=lambda row: row.path)[:limit]


def _login(given: dict[str, Any]) -> dict[str, str]:
    """Google's default credentials; gcsfs would go on guessing and end as an anonymous user."""
    elsewhere = "endpoint_url" in given or os.environ.get("STORAGE_EMULATOR_HOST")
    return {} if elsewhere or configured("token", "gs", "gcs") else {"token": "google_default"}


def _row(item: dict[str, Any], root: str) -> ObjectInfo:
    updated = item.get("updated")
    when = datetime.fromisoformat(updated).timestamp() if updated else None
    return ObjectInfo(item["name"].removeprefix(root), int(item.get("size") or 0), when)


async def _upload(
    fs: Any, path: str, data: bytes, content_type: str | None, **condition: str
) -> str:
    """One request for name, content type and bytes; the object's generation."""
    bucket, key = split(path)
    mark = secrets.token_hex(16)  # unlike gcsfs' own, it cannot stand in the data
    meta = ("application/json; charset=UTF-8", json.dumps({"name": key}).encode())
    content = (content_type or "application/octet-stream", data)
    _, reply = await _call(
        fs,
        "POST",
        f"{fs_of(fs)._location}/upload/storage/v1/b/{{}}/o",  # noqa: SLF001  # where gcsfs uploads to
        bucket,
        uploadType="multipart",
        headers={"Content-Type": f'multipart/related; boundary="{mark}"'},
        data=b"".join([_part(mark, *meta), _part(mark, *content), f"--{mark}--".encode()]),
        **condition,
    )
    return str(json.loads(reply)["generation"])


def _part(mark: str, content_type: str, data: bytes) -> bytes:
    head = f"--{mark}\r\nContent-Type: {content_type}\r\n\r\n"
    return b"%s%s\r\n" % (head.encode(), data)


def fs_of(fs: Any) -> Any:
    """The filesystem itself, where a wrapper makes a blocking one awaitable."""
    return getattr(fs, "sync_fs", fs)


async def _call(fs: Any, method: str, path: str, *args: str, **options: Any) -> tuple[Any, Any]:
    """Headers and body of a reply; gcsfs tells a refused condition as FileExistsError."""
    try:
        found: tuple[Any, Any] = await fs._call(method, path, *args, **options)  # noqa: SLF001  # the public calls have no conditions
    except TimeoutError as exc:
        raise OSError(errno.ETIMEDOUT, f"no answer to {method}") from exc
    return found


def _refused(path: str) -> PreconditionFailedError:
    return PreconditionFailedError(f"object {path} is another version")
