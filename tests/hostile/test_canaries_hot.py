"""No secret of a Redis URL is shown, by the library or by any command."""

import asyncio
import io
import json
import sys
from urllib.parse import quote

import pytest

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.cli import main

from .. import services
from .canaries import CANARIES, hits, watching
from .test_canaries import ENVIRONMENT, look_at

USER, PASSWORD = CANARIES["user"], CANARIES["password"]
COMMANDS = [
    *(["append", "t", '{"id":"m"}'], ["show", "t"], ["ls"], ["stat", "t"], ["export", "t"]),
    *(["flush", "--all"], ["hydrate", "t"], ["verify", "--all"], ["convert", "--format", "v2"]),
    *(
        ["salvage", "t"],
        ["resolve", "t", "--keep", "hot", "--yes"],
        ["doctor"],
        ["drop-hot", "t", "--yes"],
        ["rm", "t", "--yes"],
    ),
    *(["import", "lines.jsonl"], ["export", "--all", "-o", "out"], ["codecs"], ["backends"]),
    *(["demo"], ["nonsense"], ["show"], ["ls", "--limit", "0"], ["show", "t", "--last", "x"]),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A Redis that asks for user and password."""
    rights = ["--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"]
    folder = tmp_path_factory.mktemp("guarded")
    with services.redis_server(folder, "--requirepass", PASSWORD, *rights) as server:
        yield server


def urls(port):
    host, secret = f"{services.HOST}:{port}", quote(PASSWORD, safe="")
    wrong = CANARIES["secret key"]
    return {
        "works": f"redis://{USER}:{secret}@{host}/0",
        "works by parameter": f"redis://{host}/0?username={USER}&password={secret}",
        "wrong password": f"redis://{USER}:{wrong}@{host}/0",
        "no user": f"redis://{wrong}@{host}/0",
        "not there": f"redis://{USER}:{secret}@{services.HOST}:1/0",
        "no address": f"redis://{USER}:{secret}@no-such-host.invalid/0",
        "no socket": f"unix://{USER}:{secret}@/nowhere/redis.sock",
        "no TLS": f"rediss://{USER}:{secret}@{services.HOST}:1/0?ssl_password={wrong}",
        "unknown parameter": f"redis://{USER}:{secret}@{host}/0?pasword={wrong}",
        "bad value": f"redis://{USER}:{secret}@{host}/0?db={wrong}",
        "bad ttl": f"redis://{USER}:{secret}@{host}/0?ttl={wrong}",
        "bad port": f"redis://{USER}:{secret}@{services.HOST}:{wrong}/0",
        "unescaped": f"redis://{USER}:a?{wrong}@{host}/0",
        "no URL": f"{USER}:{secret}@{host}",
        "chained": f"redis://{USER}:{secret}@{host}/0::{wrong}",
        "for the cold tier": f"s3://{USER}:{secret}@bucket/p",
    }


NAMES = list(urls(1))


@pytest.mark.parametrize("name", NAMES)
async def test_no_secret_of_a_hot_url_is_shown(guarded, name):
    with watching() as watch:
        opened = await look_at(watch, urls(guarded.port)[name], "memory://canaries")
        assert opened is name.startswith("works")
    assert watch.texts
    assert watch.found() == []
    assert watch.theirs == set()


@pytest.mark.parametrize("name", ["not there", "no TLS", "bad value"])
async def test_a_tier_made_of_a_url_shows_none_of_it(guarded, name):
    with watching() as watch:
        try:
            tier = RedisHotTier.from_url(urls(guarded.port)[name])
            watch.saw("client", tier.client)
            await tier.open()
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is looked at
            watch.raised(exc)
    assert watch.texts
    assert watch.found() == []


def run(capfd, monkeypatch, *args):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    code = main(args)
    out = capfd.readouterr()
    return code, out.out, out.err


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.jsonl").write_text('{"id":"m"}\n')
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold")
    return tmp_path


def every_command(capfd, monkeypatch, how, commands):
    """How many of the commands worked; none printed or logged a secret."""
    done = 0
    with watching() as watch:
        for command in commands:
            code, out, err = run(capfd, monkeypatch, *how, *command)
            done += code == 0
            assert (command, hits(out + err)) == (command, set())
    assert watch.found() == []
    return done


@pytest.mark.parametrize("how", [[], ["--json"], ["-v"]], ids=" ".join)
def test_no_command_prints_a_secret(guarded, folder, capfd, monkeypatch, how):
    monkeypatch.setenv("ZEITLICH_HOT_URL", urls(guarded.port)["works"])
    assert every_command(capfd, monkeypatch, how, COMMANDS) >= 15


@pytest.mark.parametrize("name", ["wrong password", "not there", "unknown parameter"])
def test_no_command_that_fails_prints_a_secret(guarded, folder, capfd, monkeypatch, name):
    monkeypatch.setenv("ZEITLICH_HOT_URL", urls(guarded.port)[name])
    for how in (["-v"], ["--json"]):
        assert every_command(capfd, monkeypatch, how, COMMANDS[:14:5]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_option_with_a_secret_is_not_repeated(guarded, folder, capfd, monkeypatch, name):
    url = urls(guarded.port)[name]
    for args in (["ls", "--hot", url, "-v"], ["--hot=" + url, "doctor"]):
        _, out, err = run(capfd, monkeypatch, *args)
        assert out + err
        assert hits(out + err) == set()
    _, out, err = run(capfd, monkeypatch, "--cold", url, "doctor", "-v")
    assert hits(out + err) == set()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] != "export"], ids=" ".join)
def test_json_is_json_whether_it_works_or_not(folder, capfd, monkeypatch, command):
    monkeypatch.setenv("ZEITLICH_HOT_URL", "memory://")
    run(capfd, monkeypatch, "append", "t", '{"id":"m"}')
    _, out, _ = run(capfd, monkeypatch, "--json", *command)
    for line in out.splitlines():
        json.loads(line)


def test_no_command_prints_a_secret_of_the_environment(folder, capfd, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    address = f"{USER}:{CANARIES['endpoint password']}@{services.HOST}:1"
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}/?sig={CANARIES['SAS signature']}")
    for cold in ("s3://bucket", "az://cont", "gs://bucket"):
        for command in (["doctor", "-v"], ["ls", "-v"], ["verify", "--json"]):
            code, out, err = run(capfd, monkeypatch, "--hot", "memory://", "--cold", cold, *command)
            assert code
            assert out + err
            assert hits(out + err) == set()


async def test_a_store_on_s3_does_its_work_from_the_command_line_in_silence(
    s3_server, bucket_of, folder, capfd, monkeypatch
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint_url)
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"s3://{bucket_of(s3_server)}/cli")
    monkeypatch.setenv("ZEITLICH_HOT_URL", "memory://")
    for how in (["-v"], ["--json"]):
        for command in COMMANDS[:10:3]:
            args = (capfd, monkeypatch, *how, *command)
            code, out, err = await asyncio.to_thread(run, *args)
            assert hits(out + err) == set()
            # A memory hot tier would end with the command: it is refused.
            assert code == (2 if command[0] == "hydrate" else 0)
