"""Objects that were written in format v2 once and are read for ever; see tests/data/v2/make.py."""

import hashlib
import json
from pathlib import Path

import pytest

from zeitlich_store.models import Snapshot, ThreadRef
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage

from ..data.v2 import make
from .v2_objects import CODECS, MIB

GOLDEN = Path(__file__).parents[1] / "data" / "v2"
INDEX = json.loads((GOLDEN / "index.json").read_text("utf-8"))["files"]
THREADS = json.loads((GOLDEN / "index.json").read_text("utf-8"))["threads"]
# Of names and contents: a golden file that changes, or goes, is a promise broken.
SEAL = "7c67352f39737f45d62677937fa84bbf8b877c728a9bf96e0ac3ca9b31e69d55"

files = pytest.mark.parametrize("name", INDEX)


def expected(name):
    told = THREADS[INDEX[name]["thread"]]
    return ThreadRef(told["key"], told["id"]), Snapshot(
        messages=tuple(told["messages"]),
        state=told["state"],
        ids=tuple((message_id, index) for message_id, index in told["ids"]),
        lineage=told["lineage"],
        generation=told["generation"],
        write_id=told["write_id"],
        ops=tuple(told["ops"]),
    )


def test_the_golden_files_are_those_that_were_committed():
    assert {path.name for path in GOLDEN.glob("*.zt2")} == set(INDEX)
    whole = hashlib.sha256()
    for name in sorted(INDEX):
        whole.update(name.encode() + (GOLDEN / name).read_bytes())
    assert whole.hexdigest() == SEAL


@files
def test_a_golden_object_is_read_exactly(name):
    ref, thread = expected(name)
    data = (GOLDEN / name).read_bytes()
    assert v2.parse(data, CODECS.values(), max_bytes=MIB, ref=ref) == (ref, thread)


@files
def test_a_golden_object_is_salvaged_whole(name):
    _, thread = expected(name)
    found = salvage((GOLDEN / name).read_bytes(), [*CODECS.values()], max_bytes=MIB)
    assert tuple(text for _, text in found.messages) == thread.messages
    assert (found.state, found.problems) == (thread.state, ())


@files
def test_a_golden_object_names_its_codec_and_frames(name):
    header = layout.read_header((GOLDEN / name).read_bytes())
    assert header.codec == layout.CODEC_NUMBERS[INDEX[name]["codec"]]
    assert (header.frames > 1) == ("-frames-" in name)


@pytest.mark.parametrize("name", [name for name in INDEX if INDEX[name]["codec"] == "json"])
def test_what_is_not_compressed_is_written_byte_for_byte_as_ever(name):
    ref, thread = expected(name)
    size = INDEX[name]["frame_bytes"]
    data = (GOLDEN / name).read_bytes()
    assert v2.encode(ref, thread, CODECS["json"], frame_bytes=size) == data


@files
def test_a_compressed_one_written_again_holds_the_same(name):
    assert make.described(name) == THREADS[INDEX[name]["thread"]]
    ref, thread = expected(name)
    assert v2.parse(make.written(name), CODECS.values(), max_bytes=MIB) == (ref, thread)
