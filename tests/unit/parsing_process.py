"""A process that parses whatever it is sent and tells how large it has become.

``python -m tests.unit.parsing_process v1 65536`` reads inputs, each behind its length in four
bytes, and answers each with a line: the peak of its memory in bytes, resident and reserved, and
what became of the input.
"""

import json
import resource
import sys
from pathlib import Path

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.errors import ZeitlichStoreError
from zeitlich_store.snapshot import v1, v2
from zeitlich_store.snapshot.salvage import salvage
from zeitlich_store.snapshot.sniff import sniff

MOST = 512 << 20
CODECS = (JsonCodec(), GzipCodec(), ZstdCodec())


def peaks():
    """The most memory this process held so far, and the most it asked for; bytes.

    Read from /proc where there is one: ru_maxrss outlives exec, so that a child of a large process
    would seem to have been that large already. What was asked for counts too: memory that is never
    written to is not resident. Elsewhere nobody tells it, 0.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return [int(lines[name].split()[0]) << 10 for name in ("VmHWM", "VmPeak")]
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, 0]


def parse_v1(data, limit):
    v1.parse(sniff(data, CODECS).decode(data, max_bytes=limit))


def parse_v2(data, limit):
    salvage(data, CODECS, max_bytes=limit)
    v2.parse(data, CODECS, max_bytes=limit)


PARSERS = {"v1": parse_v1, "v2": parse_v2}


def parsed(parse, data, limit):
    """What became of the input."""
    try:
        parse(data, limit)
    except ZeitlichStoreError as exc:
        return type(exc).__name__
    return "read"


def main(version, limit):
    # A parser that takes what it is told to take fails here, not when the machine has no more.
    resource.setrlimit(resource.RLIMIT_AS, (peaks()[1] + MOST, resource.RLIM_INFINITY))
    stream = sys.stdin.buffer
    while size := stream.read(4):
        outcome = parsed(PARSERS[version], stream.read(int.from_bytes(size)), limit)
        print(json.dumps([*peaks(), outcome]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
