"""What hostile objects cost a whole process: never more than the limit and 64 MiB."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import zstandard

from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot.varints import varint

from .v2_objects import (
    CODECS,
    MIB,
    REF,
    craft,
    fields,
    frame,
    one_frame,
    snapshot,
    table,
    zstd_stream,
)

ROOT = Path(__file__).parents[2]
SLACK = 64 * MIB
V1_LIMIT, V2_LIMIT = MIB, 8 * MIB

CHILD = """
import json, pathlib, sys
from tests.unit.parsing_process import PARSERS, parsed, peaks

paths = sorted(pathlib.Path(sys.argv[3]).iterdir(), key=lambda path: -path.stat().st_size)
paths[0].read_bytes()
before, outcomes = peaks()[0], {}
for path in paths:
    outcomes[path.name] = parsed(PARSERS[sys.argv[1]], path.read_bytes(), int(sys.argv[2]))
print(json.dumps([peaks()[0] - before, outcomes]))
"""


def run(version, limit, objects, folder):
    """Growth of a process that reads all of the objects, and what became of each."""
    for name, data in objects.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, "-c", CHILD, version, str(limit), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def filled(start, unit, end, size):
    return start + unit * ((size - len(start + end)) // len(unit)) + end


def v1_objects():
    """Documents as large as the limit that cost most for each byte, and bombs."""
    front, back = b'{"v":1,"messages":[', b'""],"state":null,"dedupIds":[]}'
    state = b'{"v":1,"messages":[],"dedupIds":[],"state":{"a":['
    names = b"".join(b'"%x":0,' % n for n in range(90_000))
    zeros = bytes(64 * MIB)
    deep = filled(b"[", b"[", b"", 64 * MIB)
    return {
        "empty messages": filled(front, b'"",', back, V1_LIMIT),
        "short messages": filled(front, '"é",'.encode(), back, V1_LIMIT),
        "lists": filled(state, b"[],", b"0]}}", V1_LIMIT),
        "objects": filled(state, b'{"":0},', b"0]}}", V1_LIMIT),
        "floats": filled(state, b"1e9,", b"0]}}", V1_LIMIT),
        "fields": b"{" + names + b'"v":1}',
        "depth": filled(state, b"[", b"", V1_LIMIT),
        "wide text": filled(front + '"😀'.encode(), b"a", b'",' + back, V1_LIMIT),
        "too long": filled(front, b'"a",', back, 9 * V1_LIMIT),
        "gzip bomb": zlib.compress(zeros, 9, wbits=31),
        "gzip of depth": zlib.compress(deep, 9, wbits=31),
        "zstd bomb": zstandard.ZstdCompressor().compress(zeros),
        "zstd bomb without size": zstd_stream(zeros),
        "zstd window": zstd_stream(zeros, window_log=27),
    }


def v2_objects():
    """Objects that cost most for each byte they decode to, and bombs."""
    zeros = bytes(64 * MIB)
    half = V2_LIMIT // 2 - 1000
    feeds = V2_LIMIT // 65 - 1000
    wide = "😀".encode() + b"a" * (V2_LIMIT - 1000)
    own = [b'"id":"%05x"' % n for n in range(V2_LIMIT // 77 - 1000)]
    lines = frame(b"\n".join(own), count=len(own))
    rows = table((len(lines), len(own)))
    singles = [frame(b"a", count=1, number=n) for n in range(30_000)]
    pairs = b"".join(b"\x00\x04%04x" % n for n in range(30_000))
    every = {"f11": b"\x01\x05" * 30_000, "f9": b"\x01\x00" + varint(30_000) + varint(30_000)}
    every["f9"] += pairs
    return {
        "frames": craft(b"", fields(b"\1\1" * half)),
        "operations": craft(b"", fields(f11=b"\1\5" * half)),
        "ids": craft(b"", fields(f9=b"\0" + varint(half) + b"\0\0" * half)),
        "fields": craft(b"", fields() + b"".join(varint(2 * n) + b"\0" for n in range(8, 2 << 20))),
        "empty messages": one_frame(feeds, frame(b"\n" * (feeds - 1), count=feeds)),
        "far too many": one_frame(8 * MIB, frame(b"\n" * (8 * MIB - 1), count=8 * MIB)),
        "uncounted": one_frame(1, frame(b"\n" * half, count=1)),
        "own ids": craft(
            lines, fields(rows, f9=b"\1\1" + varint(len(own)) + b"\0"), messages=len(own), frames=1
        ),
        "a little of each": craft(
            b"".join(singles),
            fields(table(*((len(data), 1) for data in singles)), **every),
            messages=30_000,
            frames=30_000,
        ),
        "wide text": one_frame(1, frame(wide, count=1)),
        "wide state": craft(b"", fields(f7=wide)),
        "gzip": one_frame(1, frame(zlib.compress(zeros, 9, wbits=31), count=1, raw=half), codec=1),
        "zstd": one_frame(1, frame(zstd_stream(zeros), count=1, raw=half), codec=2),
        "window": one_frame(
            1, frame(zstd_stream(zeros, window_log=27), count=1, raw=len(zeros)), codec=2
        ),
        "manifest": craft(b"", b"", stored=zstd_stream(zeros), raw=half, codec=2),
        "manifest of huge length": craft(
            b"", b"", stored=zstd_stream(zeros), raw=len(zeros), codec=2
        ),
        "honest": v2.encode(REF, snapshot("a"), CODECS["zstd"]),
    }


def test_hostile_objects_in_v1_cost_at_most_the_limit_and_64_mib(tmp_path):
    growth, outcomes = run("v1", V1_LIMIT, v1_objects(), tmp_path)
    assert growth < V1_LIMIT + SLACK
    assert outcomes["short messages"] == outcomes["lists"] == "read"
    assert outcomes["zstd window"] == outcomes["gzip bomb"] == "LimitExceededError"


def test_hostile_objects_in_v2_cost_at_most_the_limit_and_64_mib(tmp_path):
    growth, outcomes = run("v2", V2_LIMIT, v2_objects(), tmp_path)
    assert growth < V2_LIMIT + SLACK
    read = {name for name, outcome in outcomes.items() if outcome == "read"}
    honest = {"honest", "empty messages", "own ids", "a little of each", "wide text", "wide state"}
    assert read == honest
    assert outcomes["gzip"] == outcomes["manifest"] == "LimitExceededError"


@pytest.mark.parametrize(("version", "name"), [("v1", "gzip bomb"), ("v2", "far too many")])
def test_the_same_object_costs_more_where_the_limit_is_higher(version, name, tmp_path):
    objects = v1_objects() if version == "v1" else v2_objects()
    growth, outcomes = run(version, 1 << 30, {name: objects[name]}, tmp_path)
    assert outcomes[name] != "LimitExceededError"
    assert growth > V2_LIMIT + SLACK
