"""No secret in a log, repr, warning, error, traceback or output of ours."""

import json
import re
import uuid
from pathlib import Path

import fsspec.config
import pytest

from zeitlich_store import ZeitlichStoreError, open_store
from zeitlich_store.codecs import GzipCodec

from ..cloud_services import google_tokens, service_account
from .canaries import CANARIES, watching
from .cold_canaries import CASES, LOGIN

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


def documented():
    """The table of what the libraries below log: logger and kind of secret."""
    text = DOCS.read_text("utf-8").partition("### What the libraries below log")[2]
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", text.partition("\n## ")[0], re.MULTILINE)
    return {(name, kind.strip()) for name, kinds in rows for kind in kinds.split(",")}


async def drive(store, watch):
    """Every operation; its errors are looked at, whichever they are."""
    steps = (
        lambda: _session(store),
        lambda: store.thread("t").hydrate(),
        lambda: store.thread("t").append({"id": "m2"}),
        lambda: store.thread("t").flush(),
        lambda: store.read("t"),
        lambda: store.stat("t"),
        store.list,
        lambda: _all(store.verify(key=None)),
        lambda: _all(store.convert(format="v2", codec=GzipCodec())),
        lambda: store.salvage("t"),
        lambda: store.thread("t").fork("u"),
        lambda: store.delete("t"),
    )
    for step in steps:
        try:
            watch.saw("result", await step())
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is looked at
            watch.raised(exc)


async def _session(store):
    async with store.session("t") as thread:
        await thread.append({"id": "m"})
        return thread


async def _all(rows):
    return [row async for row in rows]


async def look_at(watch, hot, cold, options=None):
    """Open and drive a store; whether it could be opened."""
    try:
        store = open_store(hot, cold, storage_options=options)
        for part in (store, store.hot, store.cold, getattr(store.cold, "store", None)):
            watch.saw("repr", part)
        async with store:
            await drive(store, watch)
            return True
    except ZeitlichStoreError as exc:
        watch.raised(exc)
    return False


@pytest.mark.parametrize("name", CASES)
async def test_no_secret_of_a_cold_tier_is_shown(request, monkeypatch, name):
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    with watching() as watch:
        async with CASES[name](request) as (url, options):
            opened = await look_at(watch, "memory://", url, options)
    assert watch.texts
    assert watch.found() == []
    assert watch.theirs <= documented()
    assert opened or not name.endswith("works")
    assert watch.theirs or name != "s3 works", "the canaries were not used"


ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": CANARIES["access key id"],
    "AWS_SECRET_ACCESS_KEY": CANARIES["secret key"],
    "AWS_SESSION_TOKEN": CANARIES["session token"],
    "AZURE_STORAGE_ACCOUNT_NAME": "a",
    "AZURE_STORAGE_ACCOUNT_KEY": CANARIES["account key"],
    "AZURE_STORAGE_CONNECTION_STRING": f"AccountKey={CANARIES['account key']}",
    "GOOGLE_APPLICATION_CREDENTIALS": json.dumps({"private_key": CANARIES["private key"]}),
}


async def look_around(cold, open_it):
    """Drive a store whose credentials come from the environment alone; nothing is shown."""
    with watching() as watch:
        assert await look_at(watch, None, cold) is open_it
    assert watch.texts
    assert watch.found() == []
    assert watch.theirs <= documented()


@pytest.mark.parametrize("cold", ["s3://bucket", "az://cont", "gs://bucket"])
async def test_no_secret_of_the_environment_is_shown(monkeypatch, cold):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://u:{CANARIES['endpoint password']}@127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("ZEITLICH_COLD_URL", cold)
    monkeypatch.setenv("ZEITLICH_HOT_URL", "memory://")
    await look_around(None, open_it=False)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("AZURE_STORAGE_ACCOUNT_KEY", CANARIES["account key"]),
        ("AZURE_STORAGE_SAS_TOKEN", f"sv=2024-01-01&sig={CANARIES['SAS signature']}"),
    ],
)
async def test_no_secret_of_an_azure_account_in_the_environment_is_shown(monkeypatch, name, secret):
    monkeypatch.setattr("zeitlich_store.backends.fsspec_azure._BACKOFFS", ())
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "no-such.invalid")
    monkeypatch.setenv(name, secret)
    await look_around("az://cont/p", open_it=False)


async def test_no_secret_of_an_azure_connection_string_in_the_environment_is_shown(
    monkeypatch, azure_server, bucket_of
):
    text = azure_server.storage_options["connection_string"]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    await look_around(f"az://{bucket_of(azure_server)}/p", open_it=True)


async def test_no_secret_of_a_google_account_in_the_environment_is_shown(
    monkeypatch, tmp_path, gcs_server, bucket_of
):
    with google_tokens(CANARIES["session token"]) as (url, asked):
        (tmp_path / "account.json").write_text(json.dumps(service_account(url)))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.endpoint_url)
        await look_around(f"gs://{bucket_of(gcs_server)}/p", open_it=True)
    assert asked, "the canaries were not used"


@pytest.mark.parametrize("right", [True, False])
async def test_no_ftp_password_in_the_environment_is_shown(monkeypatch, ftp_server, right):
    login = ftp_server.storage_options if right else LOGIN
    env = {f"FSSPEC_FTP_{name.upper()}": value for name, value in login.items()}
    found = {}
    fsspec.config.set_conf_env(found, env)  # what importing fsspec does with the environment
    monkeypatch.setitem(fsspec.config.conf, "ftp", found["ftp"])
    await look_around(ftp_server.url(uuid.uuid4().hex), open_it=right)
