"""Which dialect a protocol of fsspec speaks."""

from __future__ import annotations

from typing import Final

from .fsspec_azure import AzureDialect
from .fsspec_dialects import Dialect, LocalDialect
from .fsspec_ftp import FtpDialect
from .fsspec_gcs import GcsDialect
from .fsspec_s3 import S3Dialect
from .fsspec_sftp import SftpDialect
from .fsspec_webdav import WebdavDialect

_DIALECTS: Final[dict[str, type[Dialect]]] = {
    "s3": S3Dialect,
    "s3a": S3Dialect,
    "gs": GcsDialect,
    "gcs": GcsDialect,
    "az": AzureDialect,
    "abfs": AzureDialect,
    "abfss": AzureDialect,
    "file": LocalDialect,
    "local": LocalDialect,
    "ftp": FtpDialect,
    "sftp": SftpDialect,
    "ssh": SftpDialect,
    "webdav": WebdavDialect,
}


def dialect_of(protocol: str) -> Dialect:
    """The dialect of a protocol."""
    return _DIALECTS.get(protocol, Dialect)()
