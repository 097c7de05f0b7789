"""Azure Blob Storage, on Azurite: what the suites do not say."""

import pytest
from azure.storage.blob import BlobServiceClient

from zeitlich_store import open_store
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_azure import AzureDialect
from zeitlich_store.errors import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    PreconditionFailedError,
)


@pytest.fixture
async def store(azure_server):
    store = BucketObjectStore(
        "az", azure_server.new_bucket(), storage_options=azure_server.storage_options
    )
    await store.open()
    yield store
    await store.aclose()


async def test_a_put_in_blocks_keeps_its_condition(store):
    config = store._fs.sync_fs.service_client._config
    config.max_single_put_size, config.max_block_size = 1 << 10, 1 << 10
    first = await store.put_if("one", b"a" * 5000, expected=None)
    second = await store.put_if("one", b"b" * 6000, expected=first)
    for stale in (None, first):
        with pytest.raises(PreconditionFailedError):
            await store.put_if("one", b"c" * 7000, expected=stale)
    assert await store.get("one") == (b"b" * 6000, second)


async def test_an_object_read_in_parts_is_of_one_version(store):
    config = store._fs.sync_fs.service_client._config
    config.max_single_get_size, config.max_chunk_get_size = 1 << 10, 1 << 10
    data = bytes(range(256)) * 20
    await store.put("one", data)
    assert (await store.get("one")).data == data
    assert await store.get_range("one", 1000, 4000) == data[1000:4000]


async def test_a_listing_goes_on_where_the_last_page_ended(store, monkeypatch):
    names = [f"t/{n:03}" for n in range(25)]
    for name in names:
        await store.put(name, b"x")
    marks = []
    kept = AzureDialect.list

    async def list_and_note(self, *args):
        rows = await kept(self, *args)
        marks.append(self._next_page)
        return rows

    monkeypatch.setattr(AzureDialect, "list", list_and_note)
    seen, after = [], ""
    while page := await store.list("t/", after=after, limit=10):
        seen += [row.path for row in page]
        after = page[-1].path
    assert seen == names
    assert [mark is not None for mark in marks] == [True, True, False, False]
    # Without the mark, from anywhere:
    assert [row.path for row in await store.list("t/", after="t/007", limit=3)] == names[8:11]


async def test_a_container_removed_meanwhile_is_no_absent_object(store, azure_server):
    assert await store.get("t") is None
    text = azure_server.storage_options["connection_string"]
    with BlobServiceClient.from_connection_string(text) as client:
        client.delete_container(store._root)
    steps = (
        lambda: store.get("t"),
        lambda: store.put("t", b"x"),
        lambda: store.put_if("t", b"x", expected=None),
        lambda: store.put_if("t", b"x", expected='"0x1"'),
        lambda: store.delete_if("t", expected='"0x1"'),
        lambda: store.list("t/"),
    )
    for step in steps:
        with pytest.raises(ConfigurationError, match=store._root):
            await step()


async def test_a_missing_container_is_a_configuration_error(azure_server):
    store = BucketObjectStore("az", "never-made/p", storage_options=azure_server.storage_options)
    with pytest.raises(ConfigurationError, match="never-made"):
        await store.open()


async def test_a_wrong_key_is_refused_at_open_and_not_shown(azure_server):
    text = azure_server.storage_options["connection_string"]
    wrong = "AccountKey=Y2FuYXJ5LWtleS1jYW5hcnk="
    options = {
        "connection_string": ";".join(
            wrong if part.startswith("AccountKey=") else part for part in text.split(";")
        )
    }
    store = BucketObjectStore("az", azure_server.new_bucket(), storage_options=options)
    with pytest.raises(ColdTierAccessError) as caught:
        await store.open()
    assert "Y2FuYXJ5" not in str(caught.value)


async def test_a_dead_endpoint_is_asked_three_times():
    account = "AccountName=a;AccountKey=Y2FuYXJ5;BlobEndpoint=http://127.0.0.1:1/a"
    options = {"connection_string": f"DefaultEndpointsProtocol=http;{account};"}
    store = BucketObjectStore("az", "cont", storage_options=options)
    with pytest.raises(ColdTierUnavailableError):
        await store.open()


@pytest.mark.parametrize("scheme", ["az", "abfs"])
async def test_a_session_by_url(azure_server, scheme):
    url = f"{scheme}://{azure_server.new_bucket()}/prefix?conditional=require"
    for expected in (["one"], ["one", "two"]):
        async with (
            open_store("memory://", url, storage_options=azure_server.storage_options) as store,
            store.session("t") as thread,
        ):
            await thread.append({"id": expected[-1]})
            assert [message["id"] for message in await thread.load()] == expected


async def test_a_connection_string_in_the_environment_is_all_it_needs(azure_server, monkeypatch):
    text = azure_server.storage_options["connection_string"]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    async with open_store("memory://", f"az://{azure_server.new_bucket()}/p") as store:
        async with store.session("t") as thread:
            await thread.append({"id": "m"})
        assert (await store.read("t")).tier == "cold"
