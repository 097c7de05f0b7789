"""No secret of a URL of a Redis Cluster or of Sentinel is shown, Sentinel's own included."""

from urllib.parse import quote

import pytest

from .. import services
from .canaries import CANARIES, watching
from .test_canaries import look_at
from .test_canaries_hot import COMMANDS, every_command, folder  # noqa: F401  # a fixture

USER, PASSWORD = CANARIES["user"], CANARIES["password"]
ASKING, WRONG = CANARIES["sentinel password"], CANARIES["secret key"]
SECRET, ASKED = quote(PASSWORD, safe=""), quote(ASKING, safe="")


@pytest.fixture(scope="module")
def lent(redis_cluster, redis_sentinel):
    """The shared servers, with a user that has a password for the time of these tests."""
    servers = [*redis_cluster.servers, redis_sentinel.master, redis_sentinel.sentinel]
    clients = [server.admin() for server in servers]
    passwords = [PASSWORD] * (len(servers) - 1) + [ASKING]
    for client, password in zip(clients, passwords, strict=True):
        rights = ["on", f">{password}", "~*", "&*", "+@all"]
        client.execute_command("ACL SETUSER", USER, *rights)
    yield redis_cluster.hosts, f"{redis_sentinel.sentinel.where}/{redis_sentinel.service}"
    for client in clients:
        client.execute_command("ACL DELUSER", USER)
        client.close()


def urls(cluster="h:1", place="h:1/s"):
    at, nowhere = f"redis+cluster://{USER}:{SECRET}@", f"{services.HOST}:1"
    watched, asked = f"redis+sentinel://{USER}:{SECRET}@", f"sentinel_username={USER}"
    host, _, service = place.partition("/")
    return {
        "cluster works": f"{at}{cluster}",
        "cluster works by parameter": (
            f"redis+cluster://{cluster}?username={USER}&password={SECRET}"
        ),
        "cluster refuses the password": f"redis+cluster://{USER}:{WRONG}@{cluster}",
        "cluster is not there": f"{at}{nowhere}",
        "cluster has no address": f"{at}no-such-host.invalid",
        "cluster with an unknown parameter": f"{at}{cluster}?pasword={WRONG}",
        "cluster with a bad value": f"{at}{cluster}?protocol={WRONG}",
        "cluster with a bad port": f"{at}{cluster},h:{WRONG}",
        "sentinel works": f"{watched}{place}?{asked}&sentinel_password={ASKED}",
        "sentinel refuses the password": f"{watched}{place}?{asked}&sentinel_password={WRONG}",
        "sentinel's master refuses the password": (
            f"redis+sentinel://{USER}:{WRONG}@{place}?{asked}&sentinel_password={ASKED}"
        ),
        "sentinel is not there": f"{watched}{nowhere}/{service}?{asked}&sentinel_password={ASKED}",
        "sentinel knows no such service": f"{watched}{host}/none?{asked}&sentinel_password={ASKED}",
        "sentinel without a service": f"{watched}{host}?sentinel_password={ASKED}",
        "sentinel with a bad database": f"{watched}{place}/{WRONG}?sentinel_password={ASKED}",
        "sentinel with an unknown parameter": f"{watched}{place}?sentinel_pasword={ASKED}",
        "sentinel speaks no TLS": f"rediss+{watched[6:]}{place}?sentinel_password={ASKED}",
    }


@pytest.mark.parametrize("name", urls())
async def test_no_secret_of_a_url_with_many_hosts_is_shown(lent, name):
    with watching() as watch:
        opened = await look_at(watch, urls(*lent)[name], "memory://canaries-links")
        assert opened is ("works" in name)
    assert watch.texts
    assert watch.found() == []
    assert watch.theirs == set()


@pytest.mark.parametrize("name", [name for name in urls() if "password" in name or "works" in name])
def test_no_command_prints_a_secret_of_a_url_with_many_hosts(
    lent,
    folder,  # noqa: F811  # the fixture
    capfd,
    monkeypatch,
    name,
):
    monkeypatch.setenv("ZEITLICH_HOT_URL", urls(*lent)[name])
    commands = [command for command in COMMANDS if command[0] in {"append", "stat", "doctor"}]
    works = "works" in name  # else one command has to do: each tries for a while
    assert every_command(capfd, monkeypatch, ["-v"], commands[: 3 if works else 1]) == 3 * works
