"""Whatever bytes come, a process that parses them grows by the limit and 64 MiB at most.

ZS_FUZZ_EXAMPLES sets the number of examples of each test; a soak takes 100,000.
"""

import json
import subprocess
import sys
import zlib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store.snapshot.varints import varint

from .fuzz_inputs import DOCUMENTS, EXAMPLES, WHOLE_V1, WHOLE_V2, fuzz, mutated, put_together
from .v2_objects import CODECS, MIB, craft, fields, frame, resealed, table, zstd_stream

pytestmark = pytest.mark.timeout(max(1200, EXAMPLES // 10))
ROOT = Path(__file__).parents[2]
LIMIT = MIB
MOST = LIMIT + 64 * MIB
HUGE = [200 * MIB, 1 << 30, (1 << 31) - 1, (1 << 32) - 1, 1 << 40, (1 << 64) - 1]


class Input(bytes):
    """Bytes that fit into the report of a failure."""

    def __repr__(self):
        whole = super().__repr__()
        return whole if len(whole) < 2000 else f"<{len(self)} bytes, {self[:200]!r}...>"


class ParsingProcess:
    """Takes inputs one by one, and tells how much larger it ever was than after whole ones."""

    def __init__(self, version, warm):
        self.version, self.warm = version, warm
        self.outcomes, self.largest = Counter(), [0, 0]

    def __enter__(self):
        command = [sys.executable, "-m", "tests.unit.parsing_process", self.version, str(LIMIT)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, cwd=ROOT, **pipes)
        answers = [self._ask(data) for data in self.warm]
        assert {outcome for *_, outcome in answers} == {"read"}
        *self.before, _ = answers[-1]
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.kill()

    def _ask(self, data):
        self.process.stdin.write(len(data).to_bytes(4, "big") + data)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else [self.process.stderr.read().decode()]

    def growth(self, data):
        """Of its peaks so far, resident and reserved, in bytes.

        After one that is too much it begins anew: the next input is not to blame for it.
        """
        *peaks, outcome = self._ask(data)  # no peaks where the process ended
        self.outcomes[outcome] += 1
        found = [after - before for after, before in zip(peaks, self.before, strict=False)]
        if not found or max(found) >= MOST:
            self.__exit__()
            self.__enter__()
        assert found, f"the process ended: {outcome[-2000:]}"
        self.largest = [max(pair) for pair in zip(found, self.largest, strict=True)]
        return found


def fuzzed(version, warm, inputs):
    """Feeds it examples, and tells what became of them."""
    with ParsingProcess(version, warm) as process:

        @settings(fuzz, report_multiple_bugs=False)  # more of one are the same, only larger
        @given(inputs.map(Input))
        def grows_little(data):
            assert max(process.growth(data)) < MOST

        grows_little()
    resident, reserved = (growth / MIB for growth in process.largest)
    print(
        f"\n{version}: {dict(process.outcomes)}, grown by {resident:.1f} MiB, "
        f"{reserved:.1f} MiB reserved"
    )
    return process.outcomes


def zstd_that_claims(size, content):
    """A zstd frame of one raw block that declares any size, in a segment of its own or not."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    for descriptor in (b"\xe0", b"\xc0\x50", b"\xc0\x88"):
        yield b"\x28\xb5\x2f\xfd" + descriptor + size.to_bytes(8, "little") + block


@cache
def bombs():
    """Streams of 96 MiB, one that needs such a window, and some that claim to be large."""
    zeros = bytes(96 * MIB)
    return [
        zlib.compress(zeros, 9, wbits=31),
        zstandard.ZstdCompressor().compress(zeros),
        zstd_stream(zeros),
        zstd_stream(zeros[:MIB], window_log=27),
        *(claim for size in HUGE for claim in zstd_that_claims(size, b"{}")),
    ]


huge = st.sampled_from([*HUGE, 12, LIMIT, 8 * LIMIT])


@st.composite
def claiming(draw):
    """Objects of which any number, of bytes, messages or frames, may be out of all proportion."""
    honest = draw(st.sampled_from([b"a", b'{"id":"x"}\nb', b"\2ab"]) | st.sampled_from(bombs()))
    numbers = {name: draw(st.none() | huge) for name in ("raw", "claimed")}
    count = draw(st.just(honest[:99].count(b"\n") + 1) | huge)
    body = frame(honest, count=count, kind=draw(st.integers(0, 1)), **numbers)
    row = table((draw(st.just(len(body)) | huge), draw(st.just(count) | huge)))
    ids = st.sampled_from([b"\0", b"\1"]) | huge.map(lambda n: b"\1\1" + varint(n) + b"\0")
    found = fields(row * draw(st.integers(1, 3)), f9=draw(ids) + varint(draw(huge)))
    found += draw(st.just(b"") | huge.map(lambda n: varint(7) + varint(n)))
    stored = draw(st.sampled_from([found, *bombs()]))
    return craft(
        body,
        found,
        stored=stored,
        raw=draw(st.just(len(found)) | huge) % (1 << 32),
        codec=draw(st.integers(0, 2)),
        messages=draw(st.just(count) | huge),
        frames=draw(st.just(1) | huge) % (1 << 32),
    )


def documents():
    """Edited before they are compressed, so that the codec finds nothing wrong."""
    coded = st.tuples(mutated(DOCUMENTS), st.sampled_from([*CODECS.values()]))
    return coded.map(lambda pair: pair[1].encode(pair[0]))


def test_fuzzing_v1_costs_at_most_the_limit_and_64_mib():
    inputs = mutated(WHOLE_V1) | documents() | st.sampled_from(bombs()) | mutated(bombs())
    outcomes = fuzzed("v1", WHOLE_V1, inputs)
    assert outcomes["LimitExceededError"] > 0
    assert outcomes["CorruptSnapshotError"] > 0


def test_fuzzing_v2_costs_at_most_the_limit_and_64_mib():
    inputs = mutated(WHOLE_V2) | mutated(WHOLE_V2).map(resealed) | put_together() | claiming()
    outcomes = fuzzed("v2", WHOLE_V2, inputs)
    assert outcomes["LimitExceededError"] > 0
    assert outcomes["CorruptSnapshotError"] > 0
