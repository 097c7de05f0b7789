"""Servers of files for the tests: WebDAV and SFTP, each a process on a free loopback port."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zeitlich_store.backends.fsspec_cold import FsspecObjectStore

from .services import CREDENTIALS, HOST, free_port, running, unavailable


@dataclass(frozen=True)
class WebdavServer:
    """A running WebDAV server and the folder it serves."""

    port: int
    folder: Path

    @property
    def base_url(self) -> str:
        """Where its tree begins."""
        return f"http://{HOST}:{self.port}/dav"

    @property
    def storage_options(self) -> dict[str, Any]:
        """The login and the address, since tests put parameters of their own behind a URL."""
        login = {"username": "agent", "password": CREDENTIALS["secret"]}
        return {"base_url": self.base_url, **login}

    def url(self, name: str) -> str:
        """The URL of a new folder."""
        (self.folder / name).mkdir()
        return f"webdav://{name}"


@dataclass(frozen=True)
class SftpServer:
    """A running SSH server and the folder it serves."""

    port: int
    folder: Path

    @property
    def storage_options(self) -> dict[str, Any]:
        """The login, and where the server's key stands."""
        login = {"username": "agent", "password": CREDENTIALS["secret"]}
        return {**login, "known_hosts": str(self.folder.with_name("known_hosts"))}

    def url(self, name: str) -> str:
        """The URL of a new folder."""
        (self.folder / name).mkdir()
        return f"sftp://{HOST}:{self.port}/{name}"


def webdav_store_of(server: WebdavServer, name: str, **options: Any) -> FsspecObjectStore:
    """A store in a folder of the server that is not open yet."""
    given = {**server.storage_options, **options}
    return FsspecObjectStore("webdav", name, storage_options=given)


@contextmanager
def webdav_server(folder: Path, port: int | None = None) -> Iterator[WebdavServer]:
    """wsgidav on cheroot."""
    if not (importlib.util.find_spec("wsgidav") and importlib.util.find_spec("cheroot")):
        unavailable("there is no WebDAV server: install wsgidav and cheroot")
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    with running(_program("webdav_server", port, folder), port, "the WebDAV server"):
        yield WebdavServer(port, folder)


@contextmanager
def sftp_server(folder: Path, port: int | None = None) -> Iterator[SftpServer]:
    """asyncssh's server."""
    if importlib.util.find_spec("asyncssh") is None:
        unavailable("there is no SFTP server: install asyncssh")
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    with running(_program("sftp_server", port, folder), port, "the SFTP server"):
        yield SftpServer(port, folder)


def _program(name: str, port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", f"tests.{name}", str(port), str(folder), CREDENTIALS["secret"]]
