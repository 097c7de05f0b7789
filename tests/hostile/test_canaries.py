"""No secret in a log, repr, warning, error, traceback or output of ours."""

import re
from pathlib import Path

import pytest

from zeitlich_store import ZeitlichStoreError, open_store
from zeitlich_store.codecs import GzipCodec

from .canaries import CANARIES, watching
from .cold_canaries import CASES

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
    "GOOGLE_APPLICATION_CREDENTIALS": f"/nowhere/{CANARIES['private key']}",
}


@pytest.mark.parametrize("cold", ["s3://bucket", "az://cont"])
async def test_no_secret_of_the_environment_is_shown(monkeypatch, cold):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://u:{CANARIES['endpoint password']}@127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("ZEITLICH_HOT_URL", "memory://")
    monkeypatch.setenv("ZEITLICH_COLD_URL", cold)
    with watching() as watch:
        assert not await look_at(watch, None, None)
    assert watch.texts
    assert watch.found() == []
    assert watch.theirs <= documented()
