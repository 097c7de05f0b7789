"""Servers the tests share; each is started when the first test asks for it."""

import os
from collections.abc import Iterator

import pytest

from . import (
    cloud_services,
    contracts,
    file_servers,
    points,
    redis_services,
    rgw_service,
    services,
    skips,
)

# Programs; what they import warns.
collect_ignore = ["ftp_server.py", "moto_server.py", "sftp_server.py", "webdav_server.py"]


def pytest_configure(config: pytest.Config) -> None:
    """What every run ends with: what it has counted, and no skips where none may be."""
    for plugin in (contracts, points, skips):
        config.pluginmanager.register(plugin)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.RedisServer]:
    """A real redis-server, one for all tests of this process."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_services.Cluster]:
    """Three real masters, for all tests of this process that are content to share them."""
    with redis_services.redis_cluster(tmp_path_factory.mktemp("shared-cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def redis_sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_services.Watched]:
    """A master, a replica and a Sentinel, without failovers."""
    with redis_services.sentinel(tmp_path_factory.mktemp("shared-sentinel")) as watched:
        yield watched


@pytest.fixture(scope="session")
def s3_server() -> Iterator[services.S3Server]:
    """A real S3 server over a socket, one for all tests of this process: moto, or ZS_S3=rgw."""
    rgw = os.environ.get("ZS_S3") == "rgw"
    with rgw_service.rgw_server() if rgw else services.s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def azure_server() -> Iterator[cloud_services.AzureServer]:
    """Azurite, one for all tests of this process."""
    with cloud_services.azure_server() as server:
        yield server


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[cloud_services.GcsServer]:
    """Our own GCS server, one for all tests of this process."""
    with cloud_services.gcs_server() as server:
        yield server


@pytest.fixture(scope="session")
def gcs_emulator() -> Iterator[cloud_services.GcsServer]:
    """The GCS emulator that ignores preconditions, one for all tests of this process."""
    with cloud_services.gcs_emulator() as server:
        yield server


@pytest.fixture(scope="session")
def ftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.FtpServer]:
    """A real FTP server (pyftpdlib), one for all tests of this process."""
    with services.ftp_server(tmp_path_factory.mktemp("ftp")) as server:
        yield server


@pytest.fixture(scope="session")
def webdav_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[file_servers.WebdavServer]:
    """A real WebDAV server (wsgidav), one for all tests of this process."""
    with file_servers.webdav_server(tmp_path_factory.mktemp("webdav") / "files") as server:
        yield server


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[file_servers.SftpServer]:
    """A real SSH server (asyncssh), one for all tests of this process."""
    with file_servers.sftp_server(tmp_path_factory.mktemp("sftp") / "files") as server:
        yield server


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own configuration reaches a test."""
    ours = ("ZEITLICH_HOT_URL", "ZEITLICH_COLD_URL", "ZEITLICH_ENCRYPTION_KEYS")
    for name in (*ours, "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
