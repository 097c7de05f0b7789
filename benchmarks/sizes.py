"""Bytes of the packaged transcripts in format v2 beside zeitlich's own gzip, as Markdown.

``python -m benchmarks.sizes``. Each transcript is one thread that was imported with one append, so
that its object tells of two operations.
"""

from __future__ import annotations

import hashlib

from zeitlich_store.cli.demo import transcripts
from zeitlich_store.cli.lines import id_of_line, parse_line, raw_of_line
from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.models import Snapshot, ThreadRef
from zeitlich_store.protocols import Codec
from zeitlich_store.snapshot import v1, v2

THEIRS = GzipCodec(6)
CODECS: list[tuple[str, Codec]] = [
    *((f"zstd {level}", ZstdCodec(level)) for level in (1, 3, 6, 9, 12, 15, 19, 22)),
    *((f"gzip {level}", GzipCodec(level)) for level in (1, 6, 9)),
    ("json", JsonCodec()),
]
SHORT: list[tuple[str, Codec]] = [
    *((f"v2 zstd {level}", ZstdCodec(level)) for level in (3, 6, 9)),
    ("v2 gzip 6", GzipCodec(6)),
    ("v2 json", JsonCodec()),
]
LENGTHS = (1, 5, 20)
Thread = tuple[ThreadRef, Snapshot]


def thread(name: str, data: bytes, most: int | None = None) -> Thread:
    """A transcript, or its first messages, as the store archives it."""
    lines = [parse_line(text) for text in data.decode().split("\n") if text][:most]
    ids = [(id_of_line(line), index) for index, line in enumerate(lines)]
    chance = hashlib.sha512(name.encode()).hexdigest()  # as good as random, and always the same
    return ThreadRef("messages", name), Snapshot(
        messages=tuple(raw_of_line(line) for line in lines),
        ids=tuple((message_id, index) for message_id, index in ids if message_id),
        lineage=chance[:16],
        generation=1,
        write_id=chance[16:48],
        ops=(f"{chance[48:64]}=1", f"{chance[64:80]}={len(lines)}"),
    )


def threads(most: int | None = None) -> list[Thread]:
    """All of them; with `most`, those that have as many messages."""
    found = [thread(name, data, most) for name, data in transcripts()]
    return [row for row in found if most is None or len(row[1].messages) == most]


def size_v2(found: list[Thread], codec: Codec) -> int:
    """Bytes of all objects together."""
    return sum(len(v2.encode(ref, snapshot, codec)) for ref, snapshot in found)


def size_v1(found: list[Thread]) -> int:
    """Bytes of all of the original's objects together."""
    return sum(len(THEIRS.encode(v1.encode(snapshot))) for _, snapshot in found)


def totals() -> list[str]:
    """The table of all transcripts."""
    found = threads()
    theirs = size_v1(found)
    rows = [f"| v1 gzip 6 | {theirs:,} | 1.000 |"]
    for name, codec in CODECS:
        size = size_v2(found, codec)
        rows.append(f"| v2 {name} | {size:,} | {size / theirs:.3f} |")
    head = f"{len(found)} transcripts, {sum(len(s.messages) for _, s in found)} messages"
    return [head, "", "| format, codec, level | bytes | of v1 gzip |", "|---|--:|--:|", *rows]


def overhead() -> list[str]:
    """The table of short threads: the transcripts' first messages, mean bytes of a thread."""
    names = [name for name, _ in SHORT]
    lines = [f"| messages | threads | text | v1 gzip 6 | {' | '.join(names)} |"]
    lines.append("|--:|--:|--:|--:|" + "--:|" * len(names))
    for most in LENGTHS:
        found = threads(most)
        text = sum(len(message.encode()) for _, s in found for message in s.messages)
        sizes = [size_v1(found), *(size_v2(found, codec) for _, codec in SHORT)]
        cells = [f"{size / len(found):,.0f} ({size / sizes[0]:.2f})" for size in sizes]
        lines.append(f"| {most} | {len(found)} | {text / len(found):,.0f} | {' | '.join(cells)} |")
    return ["Threads of few messages: mean bytes (and of v1 gzip 6)", "", *lines]


def main() -> None:
    """Print both tables."""
    print("\n".join([*totals(), "", *overhead()]))


if __name__ == "__main__":
    main()
