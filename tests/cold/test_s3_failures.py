"""What can go wrong between us and an S3 server, each told apart."""

import asyncio
import contextlib
import gc

import pytest

from zeitlich_store import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    open_store,
)
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore

from .. import services

SECRET = "canary-secret-value"


@contextlib.asynccontextmanager
async def answering(status: int, code: str):
    """A server that gives every request the same S3 error."""
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nConnection: close\r\n"

    async def answer(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        # A head request is let through, so that opening succeeds.
        ok = request.startswith(b"HEAD")
        reply = b"" if ok else body
        line = head.replace(f"{status} X", "200 OK") if ok else head
        writer.write(f"{line}Content-Length: {len(reply)}\r\n\r\n".encode() + reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def options(endpoint):
    return {
        "endpoint_url": endpoint,
        "key": "canary-key",
        "secret": SECRET,
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }


async def test_a_missing_bucket_is_a_configuration_error_at_open(s3_server):
    store = open_store(
        "memory://", "s3://no-such-bucket-here", storage_options=s3_server.storage_options
    )
    with pytest.raises(ConfigurationError, match="no-such-bucket-here"):
        await store.open()


async def test_a_bucket_removed_meanwhile_is_a_configuration_error_never_an_absent_thread(
    s3_server,
):
    bucket = s3_server.new_bucket()
    cold = f"s3://{bucket}"
    async with open_store("memory://", cold, storage_options=s3_server.storage_options) as store:
        s3_server.client().delete_bucket(Bucket=bucket)
        with pytest.raises(ConfigurationError, match=bucket):
            await store.read("t")
        thread = store.thread("t")
        with pytest.raises(ConfigurationError, match=bucket):
            await thread.hydrate()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", ColdTierAccessError),
        (403, "SignatureDoesNotMatch", ColdTierAccessError),
        (500, "InternalError", ColdTierUnavailableError),
        (503, "SlowDown", ColdTierUnavailableError),
        (400, "BadRequest", ColdTierUnavailableError),
    ],
)
async def test_what_a_server_answers_is_raised_as_what_it_is_and_names_the_object(
    status, code, error, monkeypatch
):
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    async with answering(status, code) as endpoint:
        store = BucketObjectStore("s3", "bucket/prefix", storage_options=options(endpoint))
        await store.open()
        steps = (store.get("t.json"), store.put("t.json", b"x"), store.delete("t.json"))
        for step in steps:
            with pytest.raises(error, match=r"s3://bucket/prefix/t\.json") as caught:
                await step
            assert SECRET not in str(caught.value)
            assert caught.value.__cause__ is not None
        await store.aclose()


async def test_a_server_that_is_not_there_is_unavailable(monkeypatch):
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    endpoint = f"http://127.0.0.1:{services.free_port()}"
    store = BucketObjectStore("s3", "bucket", storage_options=options(endpoint))
    with pytest.raises(ColdTierUnavailableError, match="s3://bucket"):
        await store.open()


async def test_no_secret_in_a_repr(s3_server):
    store = BucketObjectStore("s3", "bucket", storage_options=options("http://127.0.0.1:1"))
    assert SECRET not in repr(store)


async def test_closing_leaves_no_session_open(s3_server):
    import aiohttp

    def open_sessions():
        gc.collect()
        found = (obj for obj in gc.get_objects() if isinstance(obj, aiohttp.ClientSession))
        return [session for session in found if not session.closed]

    others = open_sessions()  # of other tests; some may close meanwhile
    bucket = s3_server.new_bucket()
    cold = f"s3://{bucket}"
    async with open_store("memory://", cold, storage_options=s3_server.storage_options) as store:
        async with store.session("t") as thread:
            await thread.append({"id": "m1"})
        assert [session for session in open_sessions() if session not in others]
    assert not [session for session in open_sessions() if session not in others]


async def test_a_callers_filesystem_is_used_and_never_closed(s3_server):
    import s3fs

    bucket = s3_server.new_bucket()
    fs = s3fs.S3FileSystem(**s3_server.storage_options, asynchronous=True, skip_instance_cache=True)
    store = open_store("memory://", (fs, f"{bucket}/p"))
    async with store, store.session("t") as thread:
        await thread.append({"id": "m1"})
    assert await fs._exists(f"{bucket}/p/threads/v2/messages/t/head.zt2")
    await (await fs.set_session()).close()


def test_a_second_event_loop_gets_a_filesystem_of_its_own(s3_server):
    cold = f"s3://{s3_server.new_bucket()}"
    store = open_store("memory://", cold, storage_options=s3_server.storage_options)

    async def use(message):
        async with store, store.session("t") as thread:
            await thread.append({"id": message})
            return await thread.length()

    assert asyncio.run(use("m1")) == 1
    assert asyncio.run(use("m2")) == 2


@pytest.mark.parametrize("protocol", ["nonsense", "s3+x"])
def test_an_unknown_protocol_is_a_configuration_error(protocol):
    with pytest.raises(ConfigurationError, match="knows no protocol"):
        FsspecObjectStore(protocol, "bucket")
