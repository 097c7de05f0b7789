"""What a WebDAV server may answer, and what is left when one request of several fails."""

import asyncio
from contextlib import contextmanager

import pytest

from tests.file_servers import webdav_store_of
from zeitlich_store import ColdTierAccessError, ColdTierUnavailableError


@contextmanager
def status_of(store, wanted):
    """Answer what `wanted` picks by method and path with a status, or with an error raised."""
    client = store._fs.sync_fs.client.http
    send = client.send

    def answer(request, **options):
        found = wanted(request.method, request.url.path)
        if isinstance(found, Exception):
            raise found
        response = send(request, **options)
        if found:
            response.status_code = found
        return response

    client.send = answer
    try:
        yield
    finally:
        client.send = send


async def test_a_crashed_upload_is_neither_listed_nor_read(webdav_store, webdav_place):
    await webdav_store.put("a/t.json", b"x")
    (webdav_place[0] / "a" / ".tmp-0123456789abcdef").write_bytes(b"half")
    assert [row.path for row in await webdav_store.list("")] == ["a/t.json"]


async def test_an_object_whose_replacement_was_stopped_is_the_new_one(webdav_store, webdav_place):
    await webdav_store.put("t.json", b"old")
    # a server that deletes before it moves, and died in between
    (webdav_place[0] / "t.json").unlink()
    (webdav_place[0] / ".tmp-next-t.json").write_bytes(b"new")
    assert (await webdav_store.get("t.json")).data == b"new"
    assert await webdav_store.get_range("t.json", 1, 9) == b"ew"
    assert [(row.path, row.size) for row in await webdav_store.list("")] == [("t.json", 3)]
    await webdav_store.put("t.json", b"newer")
    assert [path.name for path in webdav_place[0].iterdir()] == ["t.json"]


async def test_an_object_whose_replacement_had_not_begun_is_the_old_one(webdav_store, webdav_place):
    await webdav_store.put("t.json", b"old")
    (webdav_place[0] / ".tmp-next-t.json").write_bytes(b"new")
    assert (await webdav_store.get("t.json")).data == b"old"
    assert [(row.path, row.size) for row in await webdav_store.list("")] == [("t.json", 3)]
    assert await webdav_store.delete("t.json")
    assert await webdav_store.get("t.json") is None
    assert list(webdav_place[0].iterdir()) == []


async def test_a_delete_of_an_object_whose_replacement_was_stopped_removes_it(
    webdav_store, webdav_place
):
    (webdav_place[0] / ".tmp-next-t.json").write_bytes(b"new")
    assert await webdav_store.delete("t.json")
    assert not await webdav_store.delete("t.json")
    assert list(webdav_place[0].iterdir()) == []


@pytest.mark.parametrize("failing", ["PUT", "PROPFIND", "MOVE"])
async def test_a_put_that_fails_leaves_the_old_object_and_no_temporary_one(
    webdav_store, webdav_place, failing
):
    await webdav_store.put("t.json", b"old")
    failed = pytest.raises(ColdTierUnavailableError, match="507")
    with status_of(webdav_store, lambda method, _: method == failing and 507), failed:
        await webdav_store.put("t.json", b"new")
    assert (await webdav_store.get("t.json")).data in {b"old", b"new"}
    assert len(list(webdav_place[0].iterdir())) <= 2
    await webdav_store.put("t.json", b"last")
    assert [path.name for path in webdav_place[0].iterdir()] == ["t.json"]


async def test_many_writers_of_one_object_leave_one_of_theirs_whole(webdav_store, webdav_place):
    contents = [bytes([65 + n]) * 40_000 for n in range(8)]
    for _ in range(3):
        await asyncio.gather(
            *(webdav_store.put("t.json", each) for each in contents), return_exceptions=True
        )
        assert (await webdav_store.get("t.json")).data in contents


async def test_only_a_404_is_absent(webdav_store):
    await webdav_store.put("t.json", b"1")
    for status in (301, 302, 400, 410, 423, 500, 502, 503):
        with status_of(webdav_store, lambda method, _, status=status: status):
            for step in (webdav_store.get("t.json"), webdav_store.list("")):
                with pytest.raises(ColdTierUnavailableError, match=str(status)):
                    await step
    assert await webdav_store.get("none.json") is None


async def test_what_is_there_and_cannot_be_read_is_never_absent(
    webdav_server, webdav_store, webdav_place
):
    await webdav_store.put("t.json", b"1")
    blind = webdav_store_of(webdav_server, webdav_place[0].name, username="blind")
    await blind.open()
    for step in (blind.get("t.json"), blind.get_range("t.json", 0, 4), blind.put("t.json", b"2")):
        with pytest.raises(ColdTierAccessError, match=r"t\.json"):
            await step
    with pytest.raises(ColdTierAccessError, match=r"t\.json"):
        await blind.delete("t.json")
    assert (await webdav_store.get("t.json")).data == b"1"
    await blind.aclose()


async def test_a_folder_where_an_object_should_be_is_neither_read_nor_removed(webdav_store):
    await webdav_store.put("dir.json/t.json", b"1")
    for step in (webdav_store.put("dir.json", b"2"), webdav_store.delete("dir.json")):
        with pytest.raises(ColdTierAccessError, match="folder"):
            await step
    with pytest.raises(ColdTierUnavailableError, match="301"):
        await webdav_store.get("dir.json")
    assert (await webdav_store.get("dir.json/t.json")).data == b"1"


async def test_a_listing_of_another_folder_than_asked_for_is_an_error(webdav_store, monkeypatch):
    await webdav_store.put("a/t.json", b"1")
    client = webdav_store._fs.sync_fs.client
    monkeypatch.setattr(client, "base_url", client.base_url.copy_with(path="/dav/"))
    await webdav_store.list("")
    monkeypatch.setattr(
        "zeitlich_store.backends.webdav_client.responses_of", lambda _: {"/else/t.json": None}
    )
    with pytest.raises(ColdTierUnavailableError, match=r"/else/t\.json"):
        await webdav_store.list("")


async def test_bytes_are_those_stored_whatever_the_server_calls_them(webdav_store):
    data = b"\x1f\x8b\x08 no gzip at all"
    await webdav_store.put("t.json.gz", data)
    seen = []
    webdav_store._fs.sync_fs.client.http.event_hooks = {
        "response": [lambda r: r.headers.update({"Content-Encoding": "gzip"})],
        "request": [lambda r: seen.append(r.headers["Accept-Encoding"])],
    }
    assert (await webdav_store.get("t.json.gz")).data == data
    assert set(seen) == {"identity"}


async def test_parts_of_an_object_are_slices_whether_or_not_the_server_cuts(webdav_store):
    data = bytes(range(256)) * 2000
    await webdav_store.put("big", data)
    await webdav_store.put("empty", b"")
    starts = (0, 1000, len(data) - 3, len(data), len(data) + 10)
    for whole in (False, True):
        if whole:
            hooks = {"request": [lambda r: r.headers.pop("Range", None)]}
            webdav_store._fs.sync_fs.client.http.event_hooks = hooks
        for start in starts:
            found = await webdav_store.get_range("big", start, start + 100)
            assert found == data[start : start + 100]
        assert await webdav_store.get_range("big", 5, 5) == b""
        assert await webdav_store.get_range("empty", 0, 5) == b""


async def test_a_connection_that_was_lost_is_made_anew(webdav_store):
    import httpx

    for name in ("get", "list", "put"):
        lost = [httpx.RemoteProtocolError("Server disconnected without sending a response.")]
        with status_of(webdav_store, lambda *_, lost=lost: lost and lost.pop()):
            if name == "put":
                await webdav_store.put("t.json", b"1")
            else:
                assert not await getattr(webdav_store, name)("t.json")
        assert not lost


async def test_empty_folders_are_pruned_and_others_stay(webdav_store, webdav_place):
    await webdav_store.put("a/b/c/t.json", b"1")
    await webdav_store.put("a/d/t.json", b"1")
    await webdav_store.delete("a/b/c/t.json")
    await webdav_store.prune("a")
    assert [path.name for path in (webdav_place[0] / "a").iterdir()] == ["d"]
    await webdav_store.delete("a/d/t.json")
    await webdav_store.prune("a")
    await webdav_store.prune("a")
    assert list(webdav_place[0].iterdir()) == []
