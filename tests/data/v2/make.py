"""Wrote the golden files beside it; run again, it only adds those that are missing.

The files are read for ever, by every later version, and none is ever written anew: what they hold
stands in ``index.json``, the exact text of every message included. Everything in them is fixed, so
those that are not compressed can be made again byte for byte.
"""

import json
from pathlib import Path

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.models import UNPLACED, Snapshot, ThreadRef
from zeitlich_store.snapshot import v2

FOLDER = Path(__file__).parent
CODECS = {"json": JsonCodec(), "gzip": GzipCodec(), "zstd": ZstdCodec()}
TEXT = "the agent reads a file then edits one line and runs the tests again"
WORDS = TEXT.split()


def prose(number: int) -> str:
    """A message of about 300 bytes that compresses as text does."""
    words = [WORDS[(number * 7 + at * at) % len(WORDS)] for at in range(50)]
    role = ("user", "assistant", "tool")[number % 3]
    return f'{{"id":"msg-{number:04}","role":"{role}","content":"{" ".join(words)}"}}'


def snapshot(name: str, messages: list[str], **fields: object) -> Snapshot:
    """A snapshot whose lineage and write id come from its name."""
    seed = sum(name.encode())
    fixed = {"lineage": f"{seed:016x}", "write_id": f"{seed:032x}", "generation": 1}
    return Snapshot(messages=tuple(messages), **(fixed | fields))


def own_ids(count: int) -> tuple[tuple[str, int], ...]:
    """The ids that `prose` writes."""
    return tuple((f"msg-{number:04}", number) for number in range(count))


ODD = ["", "\n", "a\nb\n", "\0\x01\x7f", "\ud800", "\udfff\ud800", "é😀\u2028\ufeff", "last"]
SPACED = [
    '{"role": "user", "id": "s1"}',
    '{"role":"tool"}',
    '{"id":"","n":1e+21}',
    '{"id":"q\\"q"}',
]
MIXED = (("gone", UNPLACED), ("ключ", 1), ("s1", 0), ("two of one", 1), ("\ud800", 3))
STATE = '{ "tasks": [{"done": false, "n": 1e+21}], "dup": 1, "dup": -0, "text": "\\ud800é"}'
OPS = ("00112233aabbccdd=0", "ffeeddccbbaa9988=20", "deploy 7=yes", "ab=18446744073709551616", "")

THREADS = {
    "empty": snapshot("empty", []),
    "empty-with-state": snapshot("empty-with-state", [], state=STATE, ids=MIXED[:1], ops=OPS),
    "one": snapshot("one", [prose(0)], ids=own_ids(1)),
    "prose": snapshot(
        "prose",
        [prose(number) for number in range(40)],
        state=STATE,
        ids=own_ids(40),
        ops=OPS,
        generation=7,
    ),
    "odd": snapshot("odd", ODD, ids=(("x", 0), ("y", 7)), generation=(1 << 64) - 1),
    "ids": snapshot("ids", SPACED, ids=tuple(sorted(MIXED, key=lambda pair: (pair[1], pair[0])))),
}
REFS = {"odd": ThreadRef("ключ/..", "Thread 😀\n"), "empty": ThreadRef("a", "b")}


def cases() -> dict[str, tuple[ThreadRef, Snapshot, str, int]]:
    """Each file's thread, codec and size of a frame."""
    found = {}
    for thread, content in THREADS.items():
        for codec in CODECS:
            for frame_bytes in (1 << 18, 2000) if thread == "prose" else (1 << 18,):
                frames = "" if frame_bytes == 1 << 18 else "-frames"
                ref = REFS.get(thread, ThreadRef("messages", f"golden-{thread}"))
                found[f"{thread}{frames}-{codec}.zt2"] = (ref, content, codec, frame_bytes)
    return found


def written(name: str) -> bytes:
    """The bytes this version writes for a file."""
    ref, content, codec, frame_bytes = cases()[name]
    return v2.encode(ref, content, CODECS[codec], frame_bytes=frame_bytes)


def described(name: str) -> dict[str, object]:
    """What a file holds, as JSON."""
    ref, content, _, _ = cases()[name]
    return {
        "key": ref.key,
        "id": ref.id,
        "messages": list(content.messages),
        "state": content.state,
        "ids": [list(pair) for pair in content.ids],
        "lineage": content.lineage,
        "generation": content.generation,
        "write_id": content.write_id,
        "ops": list(content.ops),
    }


def main() -> None:
    """Write the files that are missing."""
    index = FOLDER / "index.json"
    known = {"threads": {}, "files": {}}
    if index.exists():
        known = json.loads(index.read_text("utf-8"))
    for name, (ref, _, codec, frame_bytes) in cases().items():
        if name not in known["files"]:
            (FOLDER / name).write_bytes(written(name))
            row = {"thread": str(ref), "codec": codec, "frame_bytes": frame_bytes}
            known["files"][name] = row
            known["threads"][str(ref)] = described(name)
    index.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
