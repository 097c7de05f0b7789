"""A WebDAV server as a cold tier, by URL; it writes in place and deletes before it moves."""

import fsspec
import pytest

from tests import file_servers, services
from tests.file_servers import webdav_store_of as store_of
from zeitlich_store import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    open_store,
)
from zeitlich_store.testing import ColdTierSuite, ObjectStoreSuite


@pytest.fixture
def opened(webdav_server, webdav_place):
    return lambda cold=webdav_place[1]: open_store(
        "memory://", cold, storage_options=webdav_server.storage_options
    )


class TestWebdav(ObjectStoreSuite):
    backend = "WebDAV (wsgidav)"

    @pytest.fixture
    def store(self, webdav_store):
        return webdav_store


class TestArchiveOnWebdav(ColdTierSuite):
    backend = "WebDAV (wsgidav)"

    @pytest.fixture(params=["v1&codec=gzip", "v2"])
    async def tier(self, request, opened, webdav_place):
        async with opened(f"{webdav_place[1]}?format={request.param}") as store:
            yield store.cold


async def test_a_session_goes_to_the_server_and_comes_back(webdav_server, webdav_place):
    cold = f"{webdav_place[1]}?endpoint_url={webdav_server.base_url}"
    login = {"auth": ["agent", services.CREDENTIALS["secret"]]}
    for turn in range(2):
        async with open_store("memory://", cold, storage_options=login) as store:
            async with store.session("t 1/ü") as thread:
                assert len(await thread.load()) == turn
                await thread.append({"id": f"m{turn}"})
            assert [row.ok async for row in store.verify()] == [True]
            assert [row.ref.id for row in (await store.list()).threads] == ["t 1/ü"]
    files = [path.name for path in webdav_place[0].rglob("*") if path.is_file()]
    assert files == ["head.zt2"]


async def test_a_filesystem_of_the_callers_is_used_and_stays_open(webdav_server, webdav_place):
    login = ("agent", services.CREDENTIALS["secret"])
    fs = fsspec.filesystem(
        "webdav", base_url=webdav_server.base_url, auth=login, skip_instance_cache=True
    )
    async with open_store("memory://", (fs, webdav_place[0].name)) as store:
        await store.thread("t").initialize()
        await store.thread("t").append("hi")
    assert "head.zt2" in str(fs.find(webdav_place[0].name))
    fs.client.http.close()


@pytest.mark.parametrize(
    "login", [{"password": "hunter2-wrong"}, {"username": None, "auth": ("agent", "hunter2-wrong")}]
)
async def test_a_wrong_password_is_refused_and_not_shown(webdav_server, webdav_place, login):
    options = {**webdav_server.storage_options, **login}
    store = open_store("memory://", webdav_place[1], storage_options=options)
    with pytest.raises(ColdTierAccessError, match="credentials") as caught:
        await store.open()
    assert "hunter2" not in str(caught.value)


async def test_a_folder_that_is_not_there_is_a_configuration_error(opened, webdav_place):
    with pytest.raises(ConfigurationError, match=r"no folder '.*/none'"):
        await opened(f"{webdav_place[1]}/none").open()


async def test_a_root_that_was_removed_is_no_absent_thread(webdav_store, webdav_place):
    webdav_place[0].rmdir()
    webdav_store._confirmed = 0.0
    with pytest.raises(ConfigurationError, match="no folder"):
        await webdav_store.get("t.json")


async def test_a_server_that_does_not_answer_is_unavailable(webdav_server):
    gone = store_of(webdav_server, "x", base_url=f"http://{services.HOST}:{services.free_port()}")
    with pytest.raises(ColdTierUnavailableError, match="refused"):
        await gone.open()


async def test_a_server_that_goes_away_is_unavailable(tmp_path):
    with file_servers.webdav_server(tmp_path / "files") as server:
        store = store_of(server, "")
        await store.open()
        await store.put("t.json", b"1")
    for step in (store.get("t.json"), store.put("t.json", b"2"), store.list("")):
        with pytest.raises(ColdTierUnavailableError):
            await step
    await store.aclose()


async def test_a_server_of_another_kind_is_a_configuration_error(s3_server):
    url = f"webdav://x?endpoint_url={s3_server.endpoint_url}"
    with pytest.raises(ConfigurationError, match="no WebDAV server"):
        await open_store("memory://", url).open()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("webdav://host/folder", r"webdav://folder[?]endpoint_url=https://"),
        ("webdav://x?endpoint_url=https://a:hunter2@host", "'@'"),
        ("webdav://x?endpoint_url=https://host&region=x", "no effect"),
    ],
)
def test_a_url_that_cannot_work_shows_at_the_call(url, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_store("memory://", url)
    assert "hunter2" not in str(caught.value)


async def test_login_and_address_may_come_from_the_environment(
    webdav_server, webdav_place, monkeypatch
):
    found = {name: str(value) for name, value in webdav_server.storage_options.items()}
    monkeypatch.setitem(fsspec.config.conf, "webdav", found)
    async with open_store("memory://", webdav_place[1]) as store:
        await store.thread("t").initialize()
