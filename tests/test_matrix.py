"""The main job on real input: every transcript and golden file, tiers x codec x reading codec."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from zeitlich_store import EncryptionError, ThreadStore

from .backends import Tiers, tiers_of

CODECS = ("json", "gzip", "zstd")
ROOT = Path(__file__).parent
TRANSCRIPTS = sorted((ROOT.parent / "zeitlich_store/cli/transcripts").glob("*.jsonl"))
GOLDEN = sorted((ROOT / "data/v1").glob("*.expected.json"))
RAW = {"serialize": str, "deserialize": str, "id_of": lambda raw: json.loads(raw)["id"]}
BACKENDS = [
    *("memory+memory", "memory+file", "redis+file", "redis+s3"),
    *("memory+r2", "memory+gs", "memory+az"),
    *("memory+ftp", "memory+sftp", "memory+webdav"),
    *("cluster+memory", "sentinel+memory", "memory+file+encrypted"),
]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Tiers:
    return tiers_of(request.param, request, tmp_path)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def thread_id(request: pytest.FixtureRequest, name: str) -> str:
    """Redis is shared by the tests of a run: an id of this test's own."""
    return f"{abs(hash(request.node.nodeid)):x}-{name}"[:190]


def test_there_are_eleven_transcripts_and_all_golden_files():
    assert len(TRANSCRIPTS) == 11
    assert len(GOLDEN) == len(json.loads((ROOT / "data/v1/manifest.json").read_text()))


@pytest.mark.parametrize("codec", CODECS)
async def test_every_transcript_comes_back_byte_for_byte_with_every_codec(backend, codec, request):
    async with backend.open(codec) as store:
        for path in TRANSCRIPTS:
            async with store.session(thread_id(request, path.stem), **RAW) as thread:
                assert await thread.append(*lines(path)) == len(lines(path))
                thread.state["file"] = path.name
    for reading in CODECS:
        async with backend.open(reading) as store:
            for path in TRANSCRIPTS:
                await _is_there(store, thread_id(request, path.stem), path)


async def _is_there(store: ThreadStore, name: str, path: Path) -> None:
    contents = await store.read(name, deserialize=str)
    assert contents.tier == "cold"
    assert contents.messages == lines(path)
    assert contents.state == {"file": path.name}
    async with store.session(name, mode="continue", **RAW) as thread:
        assert await thread.load() == lines(path)
        assert await thread.append(*lines(path)) == 0
        assert thread.state == {"file": path.name}


@pytest.mark.parametrize("codec", CODECS)
async def test_what_one_codec_wrote_another_continues(backend, codec, request):
    """All pairs: written with one, then with the other, then with the first again.

    Each store is opened once, since that takes S3 longer than a session.
    """
    name = thread_id(request, "pair")
    async with AsyncExitStack() as stack:
        stores = {each: await stack.enter_async_context(backend.open(each)) for each in CODECS}
        for n, other in enumerate(CODECS):
            for at, writing in enumerate((codec, other, codec)):
                async with stores[writing].session(f"{name}-{n}") as thread:
                    assert await thread.length() == at
                    await thread.append({"id": f"{at}", "codec": writing})


async def test_the_row_of_encrypted_archives_needs_its_keys(request, tmp_path):
    tiers = tiers_of("memory+file+encrypted", request, tmp_path)
    async with tiers.open("zstd") as store, store.session("t") as thread:
        await thread.append({"id": "m"})
    async with tiers._replace(encryption=None).open("zstd") as store:
        with pytest.raises(EncryptionError):
            await store.read("t")


@pytest.mark.parametrize("reading", CODECS)
async def test_every_archive_of_the_original_reads_to_its_very_strings(backend, reading):
    folders: dict[str, list[tuple[Path, dict]]] = {}
    for path in GOLDEN:
        expected = json.loads(path.read_text("utf-8"))
        folder = expected["object_key"].partition("threads/")[0].rstrip("/")
        folders.setdefault(folder, []).append((path, expected))
    for folder, found in folders.items():
        async with backend.open(reading, f"/{folder}" if folder else "") as store:
            for path, expected in found:
                data = path.with_name(_object_name(path, expected)).read_bytes()
                name, kind = expected["object_key"], expected["content_type"]
                name = name.removeprefix(f"{folder}/")
                await store.cold.store.put(name, data, content_type=kind)
                await _reads(store, expected, path.name)


async def _reads(store: ThreadStore, expected: dict, where: str) -> None:
    name, key = expected["thread_id"], expected["thread_key"]
    contents = await store.read(name, key=key, deserialize=str)
    assert contents.messages == expected["raw_messages"], where
    assert contents.state == expected["state"], where
    thread = store.thread(name, key=key, serialize=str, deserialize=str, id_of=_id_of)
    assert (await thread.hydrate()).messages == len(expected["raw_messages"])
    assert await thread.load() == expected["raw_messages"], where
    assert await thread.load_state() == expected["state"], where
    archived = await store.cold.read(thread.ref)
    assert list(archived.snapshot.dedup_ids) == expected["dedup_ids"], where
    await thread.flush()


def _object_name(path: Path, expected: dict) -> str:
    suffix = ".json.gz" if expected["object_key"].endswith(".gz") else ".json"
    return path.name.replace(".expected.json", suffix)


def _id_of(raw: str) -> str | None:
    return json.loads(raw).get("id")
