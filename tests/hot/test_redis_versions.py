"""Every version of Redis that is supported, and what newer ones have beside: a TLS of their own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from zeitlich_store import ConfigurationError, open_store
from zeitlich_store.protocols import HotTier
from zeitlich_store.testing.hot_tier_suite import HotTierSuite

from .. import redis_services, services
from .test_redis_rights import RIGHTS
from .tls import Authority

HERE = "127.0.0.1"
M1 = {"id": "m1"}


@pytest.fixture(scope="module", params=["6.2", "7"])
def server(request, tmp_path_factory) -> Iterator[services.RedisServer]:
    executable = redis_services.of_version(request.param)
    folder = tmp_path_factory.mktemp(f"redis-{request.param}")
    with services.redis_server(folder, executable=executable) as server:
        yield server


class TestEveryVersion(HotTierSuite):
    backend = "Redis 6.2 and 7"

    @pytest.fixture
    async def hot(self, server) -> AsyncIterator[HotTier]:
        tier = open_store(server.url, "memory://versions").hot
        await tier.open()
        yield tier
        await tier.aclose()


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> tuple[list[str], str]:
    """Options of servers with TLS, and parameters of a URL for them."""
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder, "ca")
    pair, client = ca.certificate("server", HERE), ca.certificate("client")
    options = ["--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key)]
    options += ["--tls-ca-cert-file", str(ca.path)]
    files = f"ssl_certfile={client.certificate}&ssl_keyfile={client.key}"
    return options, f"ssl_ca_certs={ca.path}&{files}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, tls) -> Iterator[redis_services.Cluster]:
    """A cluster of version 7, each of whose masters has a port for TLS beside."""
    folder, executable = tmp_path_factory.mktemp("cluster"), redis_services.redis_7()
    with redis_services.redis_cluster(folder, executable, tls[0]) as found:
        yield found


async def use(url: str) -> None:
    async with open_store(url, "memory://versions-use") as store:
        for _ in range(5):  # on several slots
            async with store.session() as thread:
                await thread.append(M1)
                fork = await thread.fork()
            assert (await store.read(thread.id)).messages == [M1]
            assert await fork.load() == [M1]


async def test_a_cluster_of_version_7_works_over_tls(cluster, tls):
    hosts = ",".join(f"{HERE}:{port}" for port in cluster.tls_ports)
    await use(f"rediss+cluster://{hosts}?{tls[1]}")


async def test_a_cluster_over_tls_whose_ca_is_not_known_is_refused_with_advice(cluster):
    with pytest.raises(ConfigurationError, match="ssl_ca_certs="):
        await use(f"rediss+cluster://{HERE}:{cluster.tls_ports[0]}")


async def test_the_documented_rights_and_two_more_are_enough_on_a_cluster(cluster):
    rights = [*RIGHTS, "+cluster|slots", "+command"]
    for client in cluster.clients():
        client.execute_command("ACL SETUSER", "app", "reset", *rights)
    await use(f"redis+cluster://app:secret@{cluster.hosts}")
    for client in cluster.clients():
        client.execute_command("ACL SETUSER", "app", "-cluster")
    with pytest.raises(ConfigurationError, match=r"docs/operations\.md"):
        await use(f"redis+cluster://app:secret@{cluster.hosts}")


async def test_a_wrong_password_of_a_cluster_is_a_configuration_error_that_hides_it(cluster):
    with pytest.raises(ConfigurationError, match="password") as caught:
        await use(f"redis+cluster://app:canary-wrong@{cluster.hosts}")
    assert "canary" not in str(caught.value)


@pytest.fixture(scope="module")
def watched(tmp_path_factory, tls) -> Iterator[str]:
    """A master and its Sentinel, both with TLS alone; the URL's hosts and service."""
    executable = redis_services.redis_7()
    ports = [services.free_port(), services.free_port()]
    folders = [tmp_path_factory.mktemp(name) for name in ("master", "sentinel")]
    config = folders[1] / "sentinel.conf"
    config.write_text(f"sentinel monitor threads {HERE} {ports[0]} 1\n")
    options = [["--port", "0", "--tls-port", str(port), *tls[0]] for port in ports]
    own = [executable, str(config), *options[1], "--tls-replication", "yes", "--sentinel"]
    with (
        services.redis_server(folders[0], *options[0], executable=executable, port=ports[0]),
        services.running(own, ports[1], "redis-sentinel"),
    ):
        yield f"{HERE}:{ports[1]}/threads"


async def test_sentinel_and_its_master_are_spoken_to_over_tls(watched, tls):
    await use(f"rediss+sentinel://{watched}?{tls[1]}")


async def test_a_sentinel_over_tls_whose_ca_is_not_known_is_refused_with_advice(watched):
    with pytest.raises(ConfigurationError, match="ssl_ca_certs="):
        await use(f"rediss+sentinel://{watched}")
