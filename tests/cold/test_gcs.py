"""Google Cloud Storage, on our own server and on the emulator that ignores preconditions."""

import json

import pytest

from zeitlich_store import open_store
from zeitlich_store.archive.commits import NO_CONDITIONS, probe
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.errors import ConfigurationError

from ..cloud_services import google_tokens, service_account


async def test_the_probe_finds_an_emulator_that_ignores_preconditions(gcs_emulator):
    store = BucketObjectStore(
        "gs", gcs_emulator.new_bucket(), storage_options=gcs_emulator.storage_options
    )
    await store.open()
    try:
        assert await probe(store) == NO_CONDITIONS
    finally:
        await store.aclose()


async def test_conditions_can_be_required_of_a_server(gcs_emulator, gcs_server):
    for server, works in ((gcs_emulator, False), (gcs_server, True)):
        url = f"gs://{server.new_bucket()}/p?conditional=require"
        store = open_store("memory://", url, storage_options=server.storage_options)
        if works:
            async with store:
                pass
        else:
            with pytest.raises(ConfigurationError, match="conditional=require"):
                await store.open()


async def test_data_that_looks_like_the_end_of_an_upload_comes_back(gcs_server):
    store = BucketObjectStore(
        "gs", gcs_server.new_bucket(), storage_options=gcs_server.storage_options
    )
    await store.open()
    try:
        for data in (b"\r\n--==0==--\r\n", b"\n--==0==\n", b"--", b"\r\n", b"\n"):
            await store.put("one", data)
            assert (await store.get("one")).data == data
    finally:
        await store.aclose()


@pytest.mark.parametrize("scheme", ["gs", "gcs"])
@pytest.mark.parametrize("server_name", ["gcs_server", "gcs_emulator"])
async def test_a_session_by_url(request, scheme, server_name):
    server = request.getfixturevalue(server_name)
    url = f"{scheme}://{server.new_bucket()}/prefix"
    for expected in (["one"], ["one", "two"]):
        async with (
            open_store("memory://", url, storage_options=server.storage_options) as store,
            store.session("t") as thread,
        ):
            await thread.append({"id": expected[-1]})
            assert [message["id"] for message in await thread.load()] == expected


async def test_the_endpoint_may_stand_in_the_url(gcs_server):
    url = f"gs://{gcs_server.new_bucket()}?endpoint_url={gcs_server.endpoint_url}"
    async with open_store("memory://", url, storage_options={"token": "anon"}) as store:
        await store.thread("t").initialize()


async def test_without_credentials_opening_says_which_to_set(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # no search for a metadata server
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(ConfigurationError, match="set GOOGLE_APPLICATION_CREDENTIALS"):
        await open_store("memory://", "gs://bucket").open()


async def test_a_service_account_in_the_environment_is_all_it_needs(
    gcs_server, monkeypatch, tmp_path
):
    """The key signs a request for a token; the endpoint is Google's own elsewhere."""
    with google_tokens("token-of-the-account") as (url, asked):
        (tmp_path / "account.json").write_text(json.dumps(service_account(url)))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.endpoint_url)
        async with open_store("memory://", f"gs://{gcs_server.new_bucket()}/p") as store:
            async with store.session("t") as thread:
                await thread.append({"id": "m"})
            assert (await store.read("t")).tier == "cold"
    assert all(request.startswith("assertion=") for request in asked)
    assert len(asked) == 1
