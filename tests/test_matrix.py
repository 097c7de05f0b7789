"""The main job on real input: every transcript and golden file, tiers x codec x reading codec."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zeitlich_store import ThreadStore, open_store

CODECS = ("json", "gzip", "zstd")
ROOT = Path(__file__).parent
TRANSCRIPTS = sorted((ROOT.parent / "zeitlich_store/cli/transcripts").glob("*.jsonl"))
GOLDEN = sorted((ROOT / "data/v1").glob("*.expected.json"))
RAW = {"serialize": str, "deserialize": str, "id_of": lambda raw: json.loads(raw)["id"]}
Open = Callable[[str], ThreadStore]


@pytest.fixture(params=["memory+file", "redis+file", "redis+s3"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Open, Callable]]:
    """A function that opens a store with a codec, and one that puts an object beside it."""
    hot_kind, _, cold_kind = request.param.partition("+")
    hot = "memory://"
    if hot_kind == "redis":
        hot = request.getfixturevalue("redis_server").url
    if cold_kind == "file":
        cold, options, put = f"file://{tmp_path}", None, _put_file(tmp_path)
    else:
        cold, options, put = _s3(request.getfixturevalue("s3_server"))

    def opened(codec: str, folder: str = "") -> ThreadStore:
        return open_store(hot, f"{cold}{folder}?codec={codec}", storage_options=options)

    return opened, put


def _put_file(root: Path) -> Callable[[str, bytes, str], None]:
    def put(path: str, data: bytes, content_type: str) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    return put


def _s3(server) -> tuple[str, dict, Callable[[str, bytes, str], None]]:
    bucket = server.new_bucket()

    def put(path: str, data: bytes, content_type: str) -> None:
        server.client().put_object(Bucket=bucket, Key=path, Body=data, ContentType=content_type)

    return f"s3://{bucket}", server.storage_options, put


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
    opened, _ = backend
    for path in TRANSCRIPTS:
        name = thread_id(request, path.stem)
        async with opened(codec) as store, store.session(name, **RAW) as thread:
            assert await thread.append(*lines(path)) == len(lines(path))
            thread.state["file"] = path.name
        for reading in CODECS:
            async with opened(reading) as store:
                contents = await store.read(name, deserialize=str)
                assert contents.tier == "cold"
                assert contents.messages == lines(path)
                assert contents.state == {"file": path.name}
                async with store.session(name, mode="continue", **RAW) as thread:
                    assert await thread.load() == lines(path)
                    assert await thread.append(*lines(path)) == 0
                    assert thread.state == {"file": path.name}


@pytest.mark.parametrize("reading", CODECS)
async def test_every_archive_of_the_original_reads_to_its_very_strings(backend, reading):
    opened, put = backend
    for path in GOLDEN:
        expected = json.loads(path.read_text("utf-8"))
        data = path.with_name(_object_name(path, expected)).read_bytes()
        put(expected["object_key"], data, expected["content_type"])
        folder = expected["object_key"].partition("threads/")[0].rstrip("/")
        name, key = expected["thread_id"], expected["thread_key"]
        async with opened(reading, f"/{folder}" if folder else "") as store:
            contents = await store.read(name, key=key, deserialize=str)
            assert contents.messages == expected["raw_messages"], path.name
            assert contents.state == expected["state"], path.name
            thread = store.thread(name, key=key, serialize=str, deserialize=str, id_of=_id_of)
            assert (await thread.hydrate()).messages == len(expected["raw_messages"])
            assert await thread.load() == expected["raw_messages"], path.name
            assert await thread.load_state() == expected["state"], path.name
            archived = await store.cold.read(thread.ref)
            assert list(archived.snapshot.dedup_ids) == expected["dedup_ids"], path.name
            await thread.flush()


def _object_name(path: Path, expected: dict) -> str:
    suffix = ".json.gz" if expected["object_key"].endswith(".gz") else ".json"
    return path.name.replace(".expected.json", suffix)


def _id_of(raw: str) -> str | None:
    return json.loads(raw).get("id")
