"""Encrypted objects that were written once and are read for ever; see tests/data/v2_encrypted."""

import hashlib
from pathlib import Path

import pytest

from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage

from ..data.v2_encrypted import make
from .test_v2_golden import INDEX, expected
from .v2_objects import CODECS, MIB

GOLDEN = Path(__file__).parents[1] / "data" / "v2_encrypted"
# Of names and contents: a golden file that changes, or goes, is a promise broken.
SEAL = "76eba93f9caa768ccff2f35b0011cee9ef70160239a51879a49579edb46dff77"

files = pytest.mark.parametrize("name", make.NAMES)


def test_the_encrypted_golden_files_are_those_that_were_committed():
    assert {path.name for path in GOLDEN.glob("*.zt2")} == set(make.NAMES)
    whole = hashlib.sha256((GOLDEN / "keys.txt").read_bytes())
    for name in sorted(make.NAMES):
        whole.update(name.encode() + (GOLDEN / name).read_bytes())
    assert whole.hexdigest() == SEAL


@files
def test_an_encrypted_golden_object_is_read_exactly(name):
    ref, thread = expected(name)
    data = (GOLDEN / name).read_bytes()
    found = v2.parse(data, CODECS.values(), max_bytes=MIB, ref=ref, keys=make.Keys())
    assert found == (ref, thread)
    assert (layout.read_header(data).aead, layout.read_header(data).key) == (1, 7)


@files
def test_an_encrypted_golden_object_is_salvaged_whole(name):
    _, thread = expected(name)
    data = (GOLDEN / name).read_bytes()
    found = salvage(data, [*CODECS.values()], max_bytes=MIB, keys=make.Keys())
    assert tuple(text for _, text in found.messages) == thread.messages
    assert (found.state, found.problems) == (thread.state, ())


@pytest.mark.parametrize("name", [name for name in make.NAMES if INDEX[name]["codec"] == "json"])
def test_what_is_not_compressed_is_encrypted_byte_for_byte_as_ever(name):
    assert make.written(name) == (GOLDEN / name).read_bytes()
