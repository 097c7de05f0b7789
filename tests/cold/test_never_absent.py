"""A failure never looks like an absent object, and a put touches exactly its own object."""

import contextlib
from asyncio import CancelledError, Event, IncompleteReadError, start_server, timeout

import pytest
import s3fs

from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.errors import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    ZeitlichStoreError,
)
from zeitlich_store.models import ThreadRef

REF = ThreadRef("messages", "t")


@contextlib.asynccontextmanager
async def answering(reply):
    """A server that answers each request by `reply(method, path) -> (status, body, headers)`."""
    seen = []

    async def answer(reader, writer):
        method, path, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
        seen.append((method, path))
        status, body, headers = reply(method, path)
        body = b"" if method == "HEAD" else body
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} X\r\nConnection: close\r\n{lines}"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


@contextlib.asynccontextmanager
async def opened(store):
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


def s3(endpoint):
    options = {"endpoint_url": endpoint, "key": "canary-key", "secret": "canary-secret"}
    return BucketObjectStore("s3", "bucket", storage_options=options)


async def test_a_404_that_is_not_s3s_own_is_no_absent_object():
    def proxy(method, _):
        return (200 if method == "HEAD" else 404), b"", {}

    async with answering(proxy) as (url, _), opened(s3(url)) as store:
        for step in (store.get("t"), store.put("t", b"x"), store.list("threads/")):
            with pytest.raises(ColdTierUnavailableError):
                await step


async def test_a_failing_server_is_asked_four_times_and_no_more():
    async with answering(lambda *_: (500, b"", {})) as (url, seen):
        with pytest.raises(ColdTierUnavailableError):
            await s3(url).open()
    assert len(seen) == 4


async def test_an_endpoint_that_is_no_url_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="s3://bucket"):
        await s3("not a url").open()


@pytest.mark.parametrize("region", [{}, {"client_kwargs": {"region_name": "us-east-1"}}])
async def test_a_callers_blocking_s3fs_never_makes_a_missing_bucket(s3_server, region):
    options = {k: v for k, v in s3_server.storage_options.items() if k != "client_kwargs"} | region
    fs = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    store = BucketObjectStore("s3", "never-made/p", filesystem=fs)
    with pytest.raises(ConfigurationError, match="never-made"):
        await store.open()
    bucket = s3_server.new_bucket()
    async with opened(BucketObjectStore("s3", bucket, filesystem=fs)) as store:
        s3_server.client().delete_bucket(Bucket=bucket)
        with pytest.raises(ConfigurationError, match=bucket):
            await store.put("t.json", b"x")
    names = [row["Name"] for row in s3_server.client().list_buckets()["Buckets"]]
    assert not {"never-made", bucket} & set(names)


@pytest.mark.parametrize("mode", [{"asynchronous": False}, {"asynchronous": True}])
async def test_a_version_id_in_a_path_is_part_of_the_key(s3_server, mode):
    options = s3_server.storage_options | mode
    fs = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    async with opened(BucketObjectStore("s3", s3_server.new_bucket(), filesystem=fs)) as store:
        await store.put("t", b"mine")
        token = await store.put("t?versionId=abc", b"other")
        assert (await store.get("t")).data == b"mine"
        assert await store.get("t?versionId=abc") == (b"other", token)
        await store.delete("t?versionId=abc")
        assert (await store.get("t")).data == b"mine"
    if mode["asynchronous"]:
        await (await fs.set_session()).close()


def azure(state):
    def reply(method, path):
        if not state["there"]:
            return 404, b"", {"x-ms-error-code": "ContainerNotFound"}
        if "restype=container" in path:
            page = b"<EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>"
            return 200, page, {"Content-Type": "application/xml"}
        return 404, b"", {"x-ms-error-code": "BlobNotFound"}

    return reply


async def test_an_azure_container_that_is_gone_is_no_absent_object():
    state = {"there": True}
    async with answering(azure(state)) as (url, seen):
        account = f"AccountName=a;AccountKey=Y2FuYXJ5;BlobEndpoint={url}/a"
        options = {"connection_string": f"DefaultEndpointsProtocol=http;{account};"}
        store = FsspecObjectStore("abfs", "cont/p", storage_options=options)
        async with opened(store):
            assert await store.get("t") is None
            state["there"] = False
            for step in (store.get("t"), store.put("t", b"x")):
                with pytest.raises(ConfigurationError, match="cont"):
                    await step
    assert not [path for method, path in seen if method == "PUT" and "restype=container" in path]


async def test_closing_an_azure_store_closes_its_connections():
    state, live, closed = {"there": True}, set(), Event()

    async def keep_alive(reader, writer):
        live.add(writer)
        with contextlib.suppress(IncompleteReadError, ConnectionError, CancelledError):
            while True:
                _, path, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
                status, body, headers = azure(state)("GET", path)
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                head = f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
        live.discard(writer)
        writer.close()
        closed.set()

    server = await start_server(keep_alive, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        account = f"AccountName=a;AccountKey=Y2FuYXJ5;BlobEndpoint={url}/a"
        options = {"connection_string": f"DefaultEndpointsProtocol=http;{account};"}
        async with opened(FsspecObjectStore("abfs", "cont", storage_options=options)) as store:
            assert await store.get("t") is None
            assert live
        async with timeout(5):
            await closed.wait()
        assert not live


@pytest.fixture
def gcs(monkeypatch):
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    monkeypatch.setattr("zeitlich_store.backends.fsspec_cold.CONFIRM_SECONDS", 0)

    def make(url):
        options = {"endpoint_url": url, "token": "anon"}
        return FsspecObjectStore("gs", "bucket/p", storage_options=options)

    return make


async def test_a_gcs_bucket_that_is_gone_is_no_absent_object(gcs):
    state = {"there": True}

    def reply(_, path):
        if not state["there"] or "/o/" in path:
            return 404, b"", {}
        return 200, b'{"name":"bucket"}', {"Content-Type": "application/json"}

    async with answering(reply) as (url, _), opened(gcs(url)) as store:
        assert await store.get("t") is None
        state["there"] = False
        for step in (store.get("t"), store.put("t", b"x"), store.list("threads/")):
            with pytest.raises(ConfigurationError, match="bucket"):
                await step


async def test_gcs_may_forbid_looking_at_the_bucket_and_a_403_is_an_access_error(gcs):
    async with answering(lambda *_: (403, b"no", {})) as (url, _), opened(gcs(url)) as store:
        with pytest.raises(ColdTierAccessError):
            await store.get("t")


async def test_a_range_behind_the_end_is_empty_as_of_a_slice(s3_server, tmp_path):
    bucket = BucketObjectStore(
        "s3", s3_server.new_bucket(), storage_options=s3_server.storage_options
    )
    for made in (LocalObjectStore(tmp_path), MemoryObjectStore("range"), bucket):
        async with opened(made) as store:
            await store.put("x", b"0123")
            await store.put("empty", b"")
            assert await store.get_range("x", 10, 12) == b""
            assert await store.get_range("x", 2, 2) == b""
            assert await store.get_range("empty", 0, 8) == b""


async def test_fsspecs_local_filesystem_lists_below_a_relative_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(FsspecObjectStore("file", "relative")) as store:
        await store.put("threads/t", b"x")
        assert [row.path for row in await store.list("threads/")] == ["threads/t"]


async def test_a_secret_in_the_endpoint_is_not_shown():
    with pytest.raises(ZeitlichStoreError) as caught:
        await s3("http://someone:canary-pw@127.0.0.1:1").open()
    assert "canary-pw" not in str(caught.value)
