"""The worked example in docs/format.md is what the code writes; so are its tables of fields.

``python -m tests.unit.test_format_doc`` prints the example.
"""

import re
from pathlib import Path

import pytest

from zeitlich_store.codecs import JsonCodec
from zeitlich_store.models import Snapshot, ThreadRef
from zeitlich_store.snapshot import v2, v2_frames, v2_manifest
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.varints import Reader

DOCUMENT = Path(__file__).parents[2] / "docs" / "format.md"
THREAD = ThreadRef("k", "t1")
EXAMPLE = Snapshot(
    messages=('{"id":"a","text":"hello"}', '{"text":"hi"}'),
    state='{"n":1}',
    ids=(("a", 0),),
    lineage="0123456789abcdef",
    generation=1,
    write_id="00112233445566778899aabbccddeeff",
    ops=("ffeeddccbbaa9988=1",),
)
HEADER = [
    (8, "magic"),
    (1, "major version"),
    (1, "minor version"),
    (1, "kind: head"),
    (1, "codec: json"),
    (1, "aead: none"),
    (1, "digest: SHA-256"),
    (2, "must understand: nothing"),
    (8, "generation 1"),
    (8, "lineage 0123456789abcdef"),
    (8, "first sequence number"),
    (8, "messages: 2"),
    (16, "write id"),
    (16, "thread tag of k, t1"),
    (8, "total: 259 bytes"),
    (4, "frames: 1"),
    (4, "dictionary: none"),
    (4, "key: none"),
    (4, "CRC-32 of bytes 0 to 99"),
]
FIELDS = {
    v2_manifest.KEY: "key: k",
    v2_manifest.THREAD_ID: "id: t1",
    v2_manifest.FRAMES: "frames: one of 58 bytes, 2 messages",
    v2_manifest.STATE: "state",
    v2_manifest.IDS: "ids: two runs, rule 1 for one message, rule 0 for one; no pairs",
    v2_manifest.OPS: "ops: one, 8 bytes of hexadecimal, the reply 1",
}
TRAILER = [
    (8, "offset of the manifest: 162"),
    (4, "stored: 40 bytes"),
    (4, "raw: 40 bytes"),
    (32, "SHA-256 of all before"),
    (4, "end"),
    (4, "CRC-32 of bytes 162 to 218"),
]


def parts(data):
    """Size and meaning of every part of the object."""
    header = layout.read_header(data)
    trailer = layout.read_trailer(data)
    info = v2_frames.read_frame_info(data, layout.HEADER_BYTES, trailer.offset, 0)
    assert (header.frames, info.end) == (1, trailer.offset)
    frame = [
        (1, f"stored: {info.stored} bytes"),
        (1, f"raw: {info.raw} bytes"),
        (1, f"{info.messages} messages, as lines"),
        (v2_frames.DIGEST_BYTES, "digest of frame 0"),
        (info.stored, "the messages, a line feed between them"),
    ]
    end = len(data) - layout.TRAILER_BYTES
    manifest = [(1, "codec's name: none"), *fields(data[trailer.offset + 1 : end])]
    return [*HEADER, *frame, *manifest, *TRAILER]


def fields(manifest):
    """Size and meaning of the manifest's fields, each in two lines."""
    reader = Reader(manifest)
    while reader.left:
        start = reader.at
        number, length = reader.number(), reader.number()
        yield reader.at - start, f"field {number}, {length} bytes"
        reader.take(length)
        yield length, FIELDS[number]


def dump(data):
    """The bytes, sixteen in a line at most, with what they mean."""
    lines, at = [], 0
    for size, meaning in parts(data):
        for start in range(at, at + size, 16):
            shown = data[start : min(start + 16, at + size)].hex(" ")
            lines.append(f"{start:4}  {shown:<47}  {meaning if start == at else ''}".rstrip())
        at += size
    assert at == len(data)
    return "\n".join(lines)


def example():
    return v2.encode(THREAD, EXAMPLE, JsonCodec())


def test_the_worked_example_is_what_is_written():
    block = re.search(
        r"### An object, byte by byte.*?```text\n(.*?)\n```", DOCUMENT.read_text("utf-8"), re.DOTALL
    )
    assert block[1] == dump(example())


def test_the_worked_example_can_be_read_from_the_document():
    text = DOCUMENT.read_text("utf-8").partition("### An object, byte by byte")[2]
    text = text.partition("\n#")[0]
    lines = re.findall(r"^ *(\d+)  ((?:[0-9a-f]{2} ?)+)", text, re.MULTILINE)
    data = b""
    for start, shown in lines:
        assert int(start) == len(data)
        data += bytes.fromhex(shown)
    found = v2.parse(data, [JsonCodec()], max_bytes=10_000)
    assert found == (THREAD, EXAMPLE)


def test_the_notes_of_the_worked_example_are_true():
    data = example()
    trailer = layout.read_trailer(data)
    notes = [meaning for _, meaning in parts(data)]
    assert f"total: {len(data)} bytes" in notes
    assert f"offset of the manifest: {trailer.offset}" in notes
    assert {f"stored: {trailer.stored} bytes", f"raw: {trailer.raw} bytes"} <= set(notes)
    assert f"CRC-32 of bytes {trailer.offset} to {len(data) - 41}" in notes
    assert f"frames: one of {trailer.offset - layout.HEADER_BYTES} bytes, 2 messages" in notes


def test_the_document_names_every_offset_of_the_header():
    text = DOCUMENT.read_text("utf-8").partition("### Header")[2].partition("###")[0]
    offsets = [int(found) for found in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    at, expected = 0, []
    for size, _ in HEADER:
        expected.append(at)
        at += size
    assert offsets == expected
    assert at == layout.HEADER_BYTES


@pytest.mark.parametrize(
    "name", ["KEY", "THREAD_ID", "FRAMES", "STATE", "IDS", "OPS", "EPOCH", "SEGMENTS"]
)
def test_the_document_names_every_field_of_the_manifest(name):
    text = DOCUMENT.read_text("utf-8").partition("### Manifest")[2].partition("###")[0]
    number = getattr(v2_manifest, name)
    assert f"| {number} | {name.lower().removeprefix('thread_')} |" in text


if __name__ == "__main__":
    print(dump(example()))
