"""Redis over TLS with a private CA: what is trusted, what is not, and what to write instead."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from zeitlich_store import ConfigurationError, HotTierUnavailableError, open_store

from .. import redis_services, services
from .tls import Authority, Pair, tls_proxy

M1 = {"id": "m1"}
HERE = "127.0.0.1"
REFUSED = (ConfigurationError, HotTierUnavailableError)
"""Where the server closes the connection, its reason may be lost on the way."""


class Files:
    """Two CAs, certificates for this address and another one, and for a client."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
        self.ca, self.other_ca = ours.path, theirs.path
        self.server = ours.certificate("server", HERE)
        self.elsewhere = ours.certificate("elsewhere", "192.0.2.1")
        self.client = ours.certificate("client")
        self.stranger = theirs.certificate("stranger")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


def of_client(pair: Pair) -> str:
    return f"&ssl_certfile={pair.certificate}&ssl_keyfile={pair.key}"


async def use(url: str) -> None:
    async with open_store(url, "memory://tls") as store:
        async with store.session() as thread:
            await thread.append(M1)
        assert (await store.read(thread.id)).messages == [M1]


@pytest.fixture
async def port(redis_server, files) -> AsyncIterator[int]:
    """TLS for the bundled redis-server, which has none of its own."""
    async with tls_proxy(redis_server.port, files.server) as port:
        yield port


@pytest.fixture
async def mutual(redis_server, files) -> AsyncIterator[int]:
    async with tls_proxy(redis_server.port, files.server, files.ca) as port:
        yield port


async def test_a_server_of_the_named_ca_is_trusted(port, files):
    await use(f"rediss://{HERE}:{port}/0?ssl_ca_certs={files.ca}")


@pytest.mark.parametrize("known", ["", "other"])
async def test_a_server_of_another_ca_is_refused_with_advice(port, files, known):
    parameters = f"?ssl_ca_certs={files.other_ca}" if known else ""
    with pytest.raises(ConfigurationError, match="ssl_ca_certs=/path/to/ca"):
        await use(f"rediss://{HERE}:{port}/0{parameters}")


async def test_a_certificate_for_another_host_is_refused_with_advice(redis_server, files):
    async with tls_proxy(redis_server.port, files.elsewhere) as port:
        with pytest.raises(ConfigurationError, match="is for another host"):
            await use(f"rediss://{HERE}:{port}/0?ssl_ca_certs={files.ca}")


async def test_tls_to_a_port_without_it_says_so_and_sends_nothing_in_the_clear(redis_server, files):
    with redis_services.Server(redis_server.port).admin() as admin:
        admin.config_resetstat()
        with pytest.raises(REFUSED) as caught:
            await use(f"rediss://{HERE}:{redis_server.port}/0?ssl_ca_certs={files.ca}")
        assert "TLS" in str(caught.value)
        assert admin.info("stats")["total_commands_processed"] <= 2  # these two


async def test_plain_redis_to_a_port_with_tls_is_an_error(port):
    with pytest.raises(REFUSED):
        await use(f"redis://{HERE}:{port}/0")


async def test_a_file_that_is_not_there_is_told_without_connecting(files):
    with pytest.raises(ConfigurationError, match="'ssl_ca_certs' of the hot URL names no file"):
        open_store("rediss://127.0.0.1:1/0?ssl_ca_certs=/no/such.pem", "none")


async def test_a_client_certificate_gets_in_where_one_is_asked_for(mutual, files):
    await use(f"rediss://{HERE}:{mutual}/0?ssl_ca_certs={files.ca}{of_client(files.client)}")


@pytest.mark.parametrize("which", ["none", "stranger"])
async def test_a_missing_or_foreign_client_certificate_is_refused_with_advice(mutual, files, which):
    pair = "" if which == "none" else of_client(files.stranger)
    with pytest.raises(REFUSED, match="ssl_certfile"):
        await use(f"rediss://{HERE}:{mutual}/0?ssl_ca_certs={files.ca}{pair}")


# -- a server with TLS of its own ------------------------------------------------------------------


@pytest.fixture(scope="module")
def native(tmp_path_factory, files) -> Iterator[int]:
    """A redis-server 7 that listens with TLS alone and asks for client certificates."""
    executable, port = redis_services.redis_7(), services.free_port()
    options = [
        *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "yes"),
        *("--tls-cert-file", str(files.server.certificate)),
        *("--tls-key-file", str(files.server.key), "--tls-ca-cert-file", str(files.ca)),
    ]
    folder = tmp_path_factory.mktemp("native")
    with services.redis_server(folder, *options, executable=executable, port=port):
        yield port


async def test_redis_7_with_tls_of_its_own_works(native, files):
    await use(f"rediss://{HERE}:{native}/0?ssl_ca_certs={files.ca}{of_client(files.client)}")


async def test_redis_7_without_a_client_certificate_is_refused_with_advice(native, files):
    with pytest.raises(REFUSED, match="ssl_certfile"):
        await use(f"rediss://{HERE}:{native}/0?ssl_ca_certs={files.ca}")
