"""Servers the tests share; each is started when the first test asks for it."""

from collections.abc import Iterator

import pytest

from . import contracts, services

pytest_collection_modifyitems = contracts.pytest_collection_modifyitems
pytest_terminal_summary = contracts.pytest_terminal_summary


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.RedisServer]:
    """A real redis-server, one for all tests of this process."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[services.S3Server]:
    """A real S3 server over a socket (moto), one for all tests of this process."""
    with services.s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def ftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.FtpServer]:
    """A real FTP server (pyftpdlib), one for all tests of this process."""
    with services.ftp_server(tmp_path_factory.mktemp("ftp")) as server:
        yield server


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own configuration reaches a test."""
    for name in ("ZEITLICH_HOT_URL", "ZEITLICH_COLD_URL", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
