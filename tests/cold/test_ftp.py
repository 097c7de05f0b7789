"""An FTP server as a cold tier, by URL: another protocol of fsspec, over a real socket."""

import os
import subprocess
import sys
import uuid

import fsspec
import pytest

from tests import services
from zeitlich_store import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    open_store,
)
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.testing import ColdTierSuite, ObjectStoreSuite


@pytest.fixture
def place(ftp_server):
    """A folder of the server, and the URL that names it."""
    name = uuid.uuid4().hex
    return ftp_server.folder / name, ftp_server.url(name)


@pytest.fixture
async def ftp_store(ftp_server, place):
    root = f"/{place[0].name}"
    options = {"host": services.HOST, "port": ftp_server.port, **ftp_server.storage_options}
    store = FsspecObjectStore("ftp", root, storage_options=options)
    await store.open()
    yield store
    await store.aclose()


@pytest.fixture
def opened(ftp_server, place):
    return lambda cold=place[1]: open_store(
        "memory://", cold, storage_options=ftp_server.storage_options
    )


class TestFtp(ObjectStoreSuite):
    backend = "FTP (pyftpdlib)"

    @pytest.fixture
    def store(self, ftp_store):
        return ftp_store


class TestArchiveOnFtp(ColdTierSuite):
    backend = "FTP (pyftpdlib)"

    @pytest.fixture(params=["v1&codec=gzip", "v2"])
    async def tier(self, request, opened, place):
        async with opened(f"{place[1]}?format={request.param}") as store:
            yield store.cold


async def test_a_session_goes_to_the_server_and_comes_back(opened, place):
    async with opened() as store, store.session("t 1/ü") as thread:
        await thread.append({"id": "m1", "text": "hi"})
        thread.state["n"] = 1
    async with opened() as store:
        async with store.session("t 1/ü") as thread:
            assert await thread.load() == [{"id": "m1", "text": "hi"}]
            await thread.append({"id": "m2"})
        assert [row.ok async for row in store.verify()] == [True]
        assert [row.ref.id for row in (await store.list()).threads] == ["t 1/ü"]
        assert (await store.stat("t 1/ü")).archived_generation == 2
    files = [path.name for path in place[0].rglob("*") if path.is_file()]
    assert files == ["head.zt2"]


async def test_a_crashed_put_leaves_nothing_that_is_listed(ftp_store, place):
    await ftp_store.put("a/t.json", b"x")
    (place[0] / "a" / ".tmp-0123456789abcdef").write_bytes(b"half")
    assert [row.path for row in await ftp_store.list("")] == ["a/t.json"]


async def test_a_connection_the_server_gave_up_is_made_anew(ftp_store):
    await ftp_store.put("t.json", b"1")
    for step in ("get", "put", "list"):
        ftp_store._fs.sync_fs.ftp.sock.close()
        if step == "put":
            await ftp_store.put("t.json", b"2")
        elif step == "get":
            assert (await ftp_store.get("t.json")).data == b"1"
        else:
            assert len(await ftp_store.list("")) == 1
    assert (await ftp_store.get("t.json")).data == b"2"


async def test_what_is_there_and_cannot_be_read_is_never_absent(ftp_server, ftp_store, place):
    await ftp_store.put("t.json", b"1")
    await ftp_store.put("dir.json/t.json", b"1")
    login = {**ftp_server.storage_options, "username": "blind"}
    options = {"host": services.HOST, "port": ftp_server.port, **login}
    blind = FsspecObjectStore("ftp", f"/{place[0].name}", storage_options=options)
    await blind.open()
    for store, name in ((ftp_store, "dir.json"), (blind, "t.json")):
        for step in (store.get(name), store.get_range(name, 0, 4), store.delete(name)):
            with pytest.raises(ColdTierAccessError, match=name):
                await step
    for step in (blind.put("t.json", b"2"), blind.put("new/t.json", b"2")):
        with pytest.raises(ColdTierAccessError, match="json"):
            await step
    assert await blind.get("none/t.json") is None
    assert (await ftp_store.get("t.json")).data == b"1"
    await blind.aclose()


async def test_parts_of_an_object_leave_the_connection_in_order(ftp_store):
    data = bytes(range(256)) * 20_000
    await ftp_store.put("big", data)
    for start in (0, 1000, len(data) - 3, len(data), len(data) + 10):
        assert await ftp_store.get_range("big", start, start + 100) == data[start : start + 100]
    assert (await ftp_store.get("big")).data == data


async def test_a_filesystem_of_the_callers_is_used_and_stays_open(ftp_server, place):
    fs = fsspec.filesystem(
        "ftp",
        host=services.HOST,
        port=ftp_server.port,
        skip_instance_cache=True,
        **ftp_server.storage_options,
    )
    async with open_store("memory://", (fs, f"/{place[0].name}")) as store:
        await store.thread("t").initialize()
        await store.thread("t").append("hi")
    assert "head.zt2" in str(fs.find(f"/{place[0].name}"))
    fs.ftp.quit()


async def test_a_wrong_password_is_refused_and_not_shown(ftp_server, place):
    options = {"username": "agent", "password": "hunter2-wrong"}
    store = open_store("memory://", place[1], storage_options=options)
    with pytest.raises(ColdTierAccessError, match="credentials") as caught:
        await store.open()
    assert "hunter2" not in str(caught.value)


async def test_a_folder_that_is_not_there_is_a_configuration_error(opened, place):
    with pytest.raises(ConfigurationError, match=r"no folder '/.*/none'"):
        await opened(f"{place[1]}/none").open()


async def test_a_server_that_does_not_answer_is_unavailable():
    store = open_store("memory://", f"ftp://{services.HOST}:{services.free_port()}/x")
    with pytest.raises(ColdTierUnavailableError, match="refused"):
        await store.open()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://", "names a server"),
        ("ftp:///folder", "names a server"),
        ("ftp://host:abc/folder", "cannot read the cold URL"),
        ("ftp://agent:hunter2@host/folder", "userinfo"),
        ("ftp://host/a::file:///b", "chained"),
    ],
)
def test_a_url_that_cannot_work_shows_at_the_call(url, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_store("memory://", url)
    assert "hunter2" not in str(caught.value)


def test_the_host_may_come_with_the_options(ftp_server):
    options = {"host": services.HOST, **ftp_server.storage_options}
    open_store("memory://", "ftp:///folder", storage_options=options)


@pytest.mark.parametrize(
    "options",
    [{"target_protocol": "file"}, {"fo": "file:///x"}],
)
def test_a_chain_in_the_options_is_refused(options):
    with pytest.raises(ConfigurationError, match="chain"):
        open_store("memory://", "ftp://host/folder", storage_options=options)


def test_a_chain_in_disguise_is_refused_wherever_a_path_is_named():
    fs = fsspec.filesystem("memory")
    colds = ("ftp://host/a%3A%3Ab", "s3://b/a%3A%3Ab", (fs, "/a::file"), "ftp://h/x?prefix=a::b")
    for cold in colds:
        with pytest.raises(ConfigurationError, match=r"chain|'::'"):
            open_store("memory://", cold)


def test_from_a_shell_the_login_comes_from_the_environment(ftp_server, place):
    command = [sys.executable, "-m", "zeitlich_store", "--cold", place[1]]
    login = {f"FSSPEC_FTP_{k.upper()}": v for k, v in ftp_server.storage_options.items()}

    def run(*args, **env):
        done = subprocess.run(
            [*command, *args], capture_output=True, text=True, check=False, env=os.environ | env
        )
        assert done.stderr.count("\n") <= 2
        return done.returncode, done.stdout, done.stderr

    assert run("append", "t", '{"id":"m"}', **login)[0] == 0
    assert run("export", "t", **login)[:2] == (0, '{"id":"m"}\n')
    code, out, err = run("ls")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "credentials" in err
