"""Whatever bytes come, both parsers give a valid snapshot or one of our errors.

ZS_FUZZ_EXAMPLES sets the number of examples of each test; a soak takes 100,000.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeitlich_store.errors import (
    CorruptSnapshotError,
    LimitExceededError,
    MissingKeyError,
    UnsupportedFormatError,
)
from zeitlich_store.models import UNPLACED
from zeitlich_store.snapshot import v1, v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage
from zeitlich_store.snapshot.sniff import sniff
from zeitlich_store.snapshot.varints import text_bytes

from .fuzz_inputs import DOCUMENTS, WHOLE_V1, WHOLE_V2, fuzz, mutated, put_together
from .v2_objects import CODECS, resealed

LIMIT = 1 << 16
TYPED = (CorruptSnapshotError, UnsupportedFormatError, LimitExceededError, MissingKeyError)
"""The last one: a changed header, with its checksum put right, may say that it is encrypted."""


def check_v2(data):
    """What comes out is a whole snapshot that can be written and read again, or a typed error."""
    try:
        ref, found = v2.parse(data, CODECS.values(), max_bytes=LIMIT)
    except TYPED as exc:
        return type(exc)
    assert sum(len(text_bytes(text)) for text in found.messages) <= LIMIT
    assert all(UNPLACED <= index < len(found.messages) for _, index in found.ids)
    if found.generation:
        again = v2.encode(ref, found, CODECS["zstd"])
        assert v2.parse(again, CODECS.values(), max_bytes=8 * LIMIT) == (ref, found)
    return found


def check_salvage(data):
    """It never raises, keeps to the limit and agrees with the parser where nothing is wrong."""
    found = salvage(data, [*CODECS.values()], max_bytes=LIMIT)
    assert sum(len(text_bytes(text)) for _, text in found.messages) <= LIMIT
    assert all(index >= 0 for index, _ in found.messages)
    return found


def check_v1(data):
    """As `check_v2`, for both the codec and the document in it."""
    try:
        found = v1.parse(sniff(data, CODECS.values()).decode(data, max_bytes=LIMIT))
    except TYPED as exc:
        return type(exc)
    assert v1.parse(v1.encode(found)) == found
    return found


@fuzz
@given(st.binary(max_size=400), st.sampled_from([b"", layout.MAGIC, layout.MAGIC + b"\2"]))
def test_random_bytes_are_no_object(data, start):
    assert check_v2(start + data) in TYPED
    assert check_salvage(start + data).problems


@fuzz
@given(st.binary(max_size=400), st.sampled_from([b"", b'{"v":1,', b"\x1f\x8b\x08", b"(\xb5/\xfd"]))
def test_random_bytes_are_no_document(data, start):
    assert check_v1(start + data) in TYPED


@fuzz
@given(st.sampled_from(WHOLE_V2), mutated(WHOLE_V2))
def test_a_changed_object_is_always_found_out(whole, data):
    found = check_v2(data)
    assert (found in TYPED) or data in WHOLE_V2
    assert bool(check_salvage(data).problems) == (data not in WHOLE_V2)
    assert check_v2(whole) not in TYPED


@fuzz
@given(mutated(WHOLE_V2), st.booleans())
def test_a_changed_object_with_its_checksums_repaired_gives_a_snapshot_or_our_error(data, frames):
    data = resealed(data, frames=frames)
    found = check_v2(data)
    rescued = check_salvage(data)
    if found not in TYPED:
        assert tuple(text for _, text in rescued.messages) == found.messages
        assert rescued.state == found.state


@fuzz
@given(mutated(WHOLE_V1))
def test_a_changed_archive_in_v1_gives_a_snapshot_or_our_error(data):
    check_v1(data)


@fuzz
@given(mutated(DOCUMENTS), st.sampled_from([*CODECS.values()]))
def test_a_changed_document_behind_its_compression_gives_a_snapshot_or_our_error(data, codec):
    check_v1(codec.encode(data))


@fuzz
@given(put_together())
def test_an_object_put_together_at_random_gives_a_snapshot_or_our_error(data):
    check_v2(data)
    check_salvage(data)


@pytest.mark.parametrize("data", [*WHOLE_V2, *WHOLE_V1])
def test_what_the_fuzzer_starts_from_is_whole(data):
    if data.startswith(layout.MAGIC):
        assert check_v2(data) not in TYPED
        assert resealed(data) == data
    else:
        assert check_v1(data) not in TYPED


def test_an_object_that_was_made_to_look_encrypted_asks_for_a_key():
    """Found by a soak: every checksum put right, nothing but the key is missing."""
    data = bytearray(WHOLE_V2[0])
    data[12] ^= 1  # the number of the encryption
    assert check_v2(resealed(data)) is MissingKeyError
    assert check_salvage(resealed(data)).problems
