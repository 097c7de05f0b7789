"""An SFTP server as a cold tier, by URL, over a real SSH connection."""

import asyncio
import base64
import uuid

import fsspec
import pytest

from tests import file_servers, services
from zeitlich_store import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    open_store,
)
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.testing import ColdTierSuite, ObjectStoreSuite


@pytest.fixture
def place(sftp_server):
    """A folder of the server, and the URL that names it."""
    name = uuid.uuid4().hex
    return sftp_server.folder / name, sftp_server.url(name)


def store_of(server, name, **options):
    where = {"host": services.HOST, "port": server.port}
    return FsspecObjectStore(
        "sftp", name, storage_options={**where, **server.storage_options, **options}
    )


@pytest.fixture
async def sftp_store(sftp_server, place):
    store = store_of(sftp_server, f"/{place[0].name}")
    await store.open()
    yield store
    await store.aclose()


@pytest.fixture
def opened(sftp_server, place):
    return lambda cold=place[1], **options: open_store(
        "memory://", cold, storage_options={**sftp_server.storage_options, **options}
    )


class TestSftp(ObjectStoreSuite):
    backend = "SFTP (asyncssh)"

    @pytest.fixture
    def store(self, sftp_store):
        return sftp_store


class TestArchiveOnSftp(ColdTierSuite):
    backend = "SFTP (asyncssh)"

    @pytest.fixture(params=["v1&codec=gzip", "v2"])
    async def tier(self, request, opened, place):
        async with opened(f"{place[1]}?format={request.param}") as store:
            yield store.cold


@pytest.mark.parametrize("scheme", ["sftp", "ssh"])
async def test_a_session_goes_to_the_server_and_comes_back(opened, place, scheme):
    url = place[1].replace("sftp", scheme)
    for turn in range(2):
        async with opened(url) as store:
            async with store.session("t 1/ü") as thread:
                assert len(await thread.load()) == turn
                await thread.append({"id": f"m{turn}"})
            assert [row.ok async for row in store.verify()] == [True]
            assert [row.ref.id for row in (await store.list()).threads] == ["t 1/ü"]
    files = [path.name for path in place[0].rglob("*") if path.is_file()]
    assert files == ["head.zt2"]


async def test_many_sessions_at_once_share_the_connection(opened):
    async def use(store, n):
        async with store.session(f"t{n}") as thread:
            await thread.append({"id": "m"})

    async with opened() as store:
        await asyncio.gather(*(use(store, n) for n in range(40)))
        assert len((await store.list()).threads) == 40


async def test_a_crashed_put_leaves_nothing_that_is_listed(sftp_store, place):
    await sftp_store.put("a/t.json", b"x")
    (place[0] / "a" / ".tmp-0123456789abcdef").write_bytes(b"half")
    assert [row.path for row in await sftp_store.list("")] == ["a/t.json"]


@pytest.mark.parametrize("how", ["client", "socket", "channel"])
async def test_a_connection_that_was_lost_is_made_anew(sftp_store, how):
    def lose():
        fs = sftp_store._fs.sync_fs  # another client each time
        lost = {"client": fs.client, "socket": fs.client.get_transport().sock, "channel": fs.ftp}
        lost[how].close()

    await sftp_store.put("t.json", b"1")
    lose()
    assert (await sftp_store.get("t.json")).data == b"1"
    lose()
    await sftp_store.put("t.json", b"2")
    lose()
    assert len(await sftp_store.list("")) == 1
    assert (await sftp_store.get("t.json")).data == b"2"


async def test_a_late_answer_is_not_taken_for_another_requests(sftp_store, monkeypatch):
    await sftp_store.put("t.json", b"1")
    ftp = sftp_store._fs.sync_fs.ftp

    def late(*args, **options):
        raise TimeoutError("no answer in time")

    with monkeypatch.context() as patched:
        patched.setattr(ftp, "open", late)
        with pytest.raises(ColdTierUnavailableError, match="no answer"):
            await sftp_store.get("t.json")
    assert (await sftp_store.get("t.json")).data == b"1"
    assert sftp_store._fs.sync_fs.ftp is not ftp


async def test_what_is_there_and_cannot_be_read_is_never_absent(sftp_server, sftp_store, place):
    await sftp_store.put("t.json", b"1")
    await sftp_store.put("dir.json/t.json", b"1")
    blind = store_of(sftp_server, f"/{place[0].name}", username="blind")
    await blind.open()
    for store, name in ((sftp_store, "dir.json"), (blind, "t.json")):
        for step in (store.get(name), store.get_range(name, 0, 4), store.delete(name)):
            with pytest.raises(ColdTierAccessError, match=name):
                await step
    for name in ("t.json", "new/t.json"):
        with pytest.raises(ColdTierAccessError, match="json"):
            await blind.put(name, b"2")
    with pytest.raises(ColdTierAccessError, match="folder"):
        await sftp_store.put("dir.json", b"2")
    assert (await sftp_store.get("t.json")).data == b"1"
    assert {row.path for row in await sftp_store.list("")} == {"t.json", "dir.json/t.json"}
    await blind.aclose()


async def test_a_large_object_and_its_parts_come_back(sftp_store):
    data = bytes(range(256)) * 20_000
    await sftp_store.put("big", data)
    for start in (0, 1000, len(data) - 3, len(data), len(data) + 10):
        assert await sftp_store.get_range("big", start, start + 100) == data[start : start + 100]
    assert (await sftp_store.get("big")).data == data


async def test_empty_folders_are_pruned_and_others_stay(sftp_store, place):
    await sftp_store.put("a/b/c/t.json", b"1")
    await sftp_store.put("a/d/t.json", b"1")
    await sftp_store.delete("a/b/c/t.json")
    await sftp_store.prune("a")
    assert [path.name for path in (place[0] / "a").iterdir()] == ["d"]


async def test_a_filesystem_of_the_callers_is_used_and_stays_open(sftp_server, place):
    login = {"username": "agent", "password": services.CREDENTIALS["secret"]}
    fs = fsspec.filesystem(
        "sftp", host=services.HOST, port=sftp_server.port, skip_instance_cache=True, **login
    )
    async with open_store("memory://", (fs, f"/{place[0].name}")) as store:
        await store.thread("t").initialize()
        await store.thread("t").append("hi")
    assert "head.zt2" in str(fs.find(f"/{place[0].name}"))
    fs.client.close()


async def test_a_wrong_password_is_refused_and_not_shown(opened):
    store = opened(password="hunter2-wrong", allow_agent=False, look_for_keys=False)
    with pytest.raises(ColdTierAccessError, match="credentials") as caught:
        await store.open()
    assert "hunter2" not in str(caught.value)


async def test_no_login_at_all_is_refused(opened):
    with pytest.raises(ColdTierAccessError, match="credentials"):
        await opened(password=None, allow_agent=False, look_for_keys=False).open()


async def test_a_server_whose_key_is_not_known_is_refused(opened, tmp_path, sftp_server):
    known = tmp_path / "known_hosts"
    known.touch()
    with pytest.raises(ConfigurationError, match="not in known_hosts: log in once with ssh"):
        await opened(known_hosts=str(known)).open()
    async with opened(known_hosts=str(known), host_key_policy="auto_add"):
        pass
    assert known.read_text() == ""


async def test_a_server_with_another_key_than_known_is_refused(opened, tmp_path, sftp_server):
    host, kind, key = sftp_server.folder.with_name("known_hosts").read_text().split()[:3]
    other = bytearray(base64.b64decode(key))
    other[-1] ^= 1
    known = tmp_path / "known_hosts"
    known.write_text(f"{host} {kind} {base64.b64encode(other).decode()}\n")
    with pytest.raises(ConfigurationError, match="not the one in known_hosts"):
        await opened(known_hosts=str(known)).open()


@pytest.mark.parametrize("options", [{"host_key_policy": "any"}, {"known_hosts": "none/at/all"}])
async def test_options_that_cannot_be_meant_are_a_configuration_error(opened, options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        await opened(**options).open()


async def test_a_folder_that_is_not_there_is_a_configuration_error(opened, place):
    with pytest.raises(ConfigurationError, match=r"no folder '/.*/none'"):
        await opened(f"{place[1]}/none").open()


async def test_a_server_that_does_not_answer_is_unavailable(opened):
    with pytest.raises(ColdTierUnavailableError, match="connect"):
        await opened(f"sftp://{services.HOST}:{services.free_port()}/x").open()


async def test_a_server_that_goes_away_is_unavailable(tmp_path):
    with file_servers.sftp_server(tmp_path / "files") as server:
        store = store_of(server, "/")
        await store.open()
        await store.put("t.json", b"1")
    for step in (store.get("t.json"), store.put("t.json", b"2"), store.list("")):
        with pytest.raises(ColdTierUnavailableError):
            await step
    await store.aclose()


def test_a_url_without_a_server_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="names a server: sftp://host:port/folder"):
        open_store("memory://", "sftp:///folder")
