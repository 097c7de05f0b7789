"""The encrypted example in docs/format.md is what the code writes.

``python -m tests.unit.test_format_doc_encrypted`` prints it.
"""

import re

from zeitlich_store.codecs import JsonCodec
from zeitlich_store.snapshot import v2, v2_frames
from zeitlich_store.snapshot import v2_layout as layout

from .test_format_doc import DOCUMENT, EXAMPLE, THREAD
from .v2_keys import FIXED, KEYS

TITLE = "### An encrypted object, byte by byte"


def example():
    return v2.encode(THREAD, EXAMPLE, JsonCodec(), sealer=FIXED)


def parts(data):
    """Size and meaning of every part of the object."""
    trailer = layout.read_trailer(data)
    info = v2_frames.read_frame_info(data, 152, trailer.offset, 0, overhead=16)
    start = len(data) - layout.TRAILER_BYTES
    assert info.end == trailer.offset
    return [
        (12, "magic, version 2.0, head, codec json"),
        (1, "aead: AES-256-GCM"),
        (3, "digest: SHA-256; must understand: nothing"),
        (16, "generation 1, lineage 0123456789abcdef"),
        (16, "first sequence number 0, messages: 2"),
        (16, "write id"),
        (16, "thread tag of k, t1"),
        (12, f"total: {len(data)} bytes, frames: 1"),
        (4, "dictionary: none"),
        (4, "key: 1"),
        (4, "CRC-32 of bytes 0 to 99"),
        (32, "salt"),
        (16, "key check"),
        (1, f"stored: {info.stored} bytes"),
        (1, f"raw: {info.raw} bytes"),
        (1, f"{info.messages} messages, as lines"),
        (16, "digest of frame 0"),
        (info.stored - 16, "the messages, encrypted"),
        (16, "their tag"),
        (1, "codec's name: none"),
        (trailer.stored - 16, "the manifest, encrypted"),
        (16, "its tag"),
        (8, f"offset of the manifest: {trailer.offset}"),
        (4, f"stored: {trailer.stored} bytes"),
        (4, f"raw: {trailer.raw} bytes"),
        (32, "SHA-256 of all before"),
        (4, "end"),
        (4, f"CRC-32 of bytes {trailer.offset} to {start + 15}"),
    ]


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


def section():
    return DOCUMENT.read_text("utf-8").partition(TITLE)[2].partition("\n#")[0]


def test_the_encrypted_example_is_what_is_written():
    assert re.search(r"```text\n(.*?)\n```", section(), re.DOTALL)[1] == dump(example())


def test_the_encrypted_example_can_be_read_from_the_document():
    lines = re.findall(r"^ *\d+  ((?:[0-9a-f]{2} ?)+)", section(), re.MULTILINE)
    data = bytes.fromhex("".join(lines))
    found = v2.parse(data, [JsonCodec()], max_bytes=1 << 20, ref=THREAD, keys=KEYS)
    assert found == (THREAD, EXAMPLE)


if __name__ == "__main__":
    print(dump(example()))
