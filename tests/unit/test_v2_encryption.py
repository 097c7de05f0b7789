"""Encrypted objects in format v2: nothing to be read without the key, no key used twice."""

import random
import re

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store.errors import (
    CorruptSnapshotError,
    LimitExceededError,
    MissingKeyError,
    PlaintextRefusedError,
    UnsupportedFormatError,
    WrongKeyError,
)
from zeitlich_store.models import ThreadRef
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.v2_frames import DIGEST_BYTES, read_frame_info
from zeitlich_store.snapshot.v2_sealing import OVERHEAD, SEAL_BYTES, Sealer

from .v2_keys import FIXED, KEY_1, KEY_2, KEYS, SALT, SEALER, TestKeys
from .v2_objects import CODECS, MIB, REF, prose, resealed, snapshot

codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
TEXTS, IDS = prose(12)
THREAD = snapshot(*TEXTS, ids=IDS, state='{"secret":"state"}', ops=("ab=1",))
FRAMES_AT = layout.HEADER_BYTES + SEAL_BYTES


def written(codec=CODECS["json"], thread=THREAD, sealer=SEALER, frame_bytes=1500, ref=REF):
    return v2.encode(ref, thread, codec, frame_bytes=frame_bytes, sealer=sealer)


def read(data, keys=KEYS, ref=REF, limit=MIB):
    return v2.parse(data, CODECS.values(), max_bytes=limit, ref=ref, keys=keys).snapshot


@codecs
def test_what_is_encrypted_comes_back_with_the_key(codec):
    data = written(codec)
    assert layout.read_header(data).frames > 2
    assert read(data) == THREAD


@given(
    messages=st.lists(st.text(st.characters(exclude_categories=[]), max_size=60), max_size=12),
    state=st.none() | st.text(max_size=40),
    codec=st.sampled_from(list(CODECS)),
    frame_bytes=st.sampled_from([1, 40, 1 << 18]),
)
@settings(max_examples=150, deadline=None)
def test_any_thread_comes_back_with_any_codec_and_size_of_frame(
    messages, state, codec, frame_bytes
):
    thread = snapshot(*messages, state=state)
    sealed = written(CODECS[codec], thread, frame_bytes=frame_bytes)
    plain = written(CODECS[codec], thread, sealer=None, frame_bytes=frame_bytes)
    assert read(sealed) == read(plain) == thread
    assert layout.read_header(sealed).frames == layout.read_header(plain).frames


@codecs
def test_encryption_costs_its_salt_and_sixteen_bytes_a_part(codec):
    thread = snapshot("x" * 100)
    more = len(written(codec, thread)) - len(written(codec, thread, sealer=None))
    assert SEAL_BYTES + 2 * OVERHEAD <= more <= SEAL_BYTES + 2 * OVERHEAD + 2  # a longer varint


def test_nothing_of_the_thread_is_to_be_read_without_the_key():
    data = written(CODECS["json"])
    for text in (*TEXTS, "state", "secret", REF.key, REF.id, '"id"'):
        assert text.encode() not in data
    plain = written(CODECS["json"], sealer=None)
    assert all(text.encode() in plain for text in (*TEXTS, "secret", REF.key, REF.id))


def test_without_the_key_the_error_names_its_number():
    data = written()
    with pytest.raises(MissingKeyError, match=r"encrypted with key 1, .*ZEITLICH_ENCRYPTION_KEYS"):
        v2.parse(data, CODECS.values(), max_bytes=MIB)
    with pytest.raises(MissingKeyError, match="no key 1"):
        read(data, TestKeys({2: KEY_2}))


def test_a_wrong_key_is_not_damage():
    with pytest.raises(WrongKeyError, match="is not the key 1 that"):
        read(written(), TestKeys({1: KEY_2}))


@pytest.mark.parametrize("keys", [TestKeys({}), TestKeys({1: KEY_2}), KEYS])
def test_damage_is_told_before_a_key_is_asked_for(keys):
    data = bytearray(written())
    data[len(data) // 2] ^= 1
    with pytest.raises(CorruptSnapshotError, match="SHA-256"):
        read(bytes(data), keys)


def test_plaintext_is_read_unless_it_must_not_be():
    plain = written(sealer=None)
    assert read(plain) == THREAD
    with pytest.raises(PlaintextRefusedError):
        read(plain, TestKeys({1: KEY_1}, requires=True))
    with pytest.raises(CorruptSnapshotError):  # damage first
        read(plain[:-1], TestKeys({1: KEY_1}, requires=True))


def test_no_two_objects_share_a_salt_nor_any_sealed_bytes():
    one, two = written(), written()
    salts = [data[layout.HEADER_BYTES : FRAMES_AT] for data in (one, two)]
    assert salts[0] != salts[1]
    assert one[: layout.HEADER_BYTES] == two[: layout.HEADER_BYTES]
    pieces = {one[at : at + 16] for at in range(FRAMES_AT, len(one) - 16)}
    assert not pieces & {two[at : at + 16] for at in range(FRAMES_AT, len(two) - 56 - 16)}


class Recorder(TestKeys):
    """Notes under which key each nonce is used."""

    def __init__(self, keys):
        super().__init__(keys)
        self.used = []

    def cipher(self, key, salt, tag):
        cipher, used = super().cipher(key, salt, tag), self.used

        class Noting:
            check = cipher.check

            def seal(self, nonce, data, bound):
                used.append((cipher.check, nonce))
                return cipher.seal(nonce, data, bound)

        return Noting()


def test_no_nonce_is_used_twice_under_one_key_whatever_is_written_again():
    keys = Recorder({1: KEY_1})
    for _ in range(20):  # the same write id, the same and other content
        written(sealer=Sealer(1, keys))
        written(thread=snapshot("other"), sealer=Sealer(1, keys))
    assert len(keys.used) > 100
    assert len(set(keys.used)) == len(keys.used)


def test_what_is_sealed_can_be_opened_by_the_document_alone():
    """As docs/format.md says it, with nothing of ours but the reading of lengths."""
    data = written(CODECS["json"], sealer=FIXED)
    header, salt, check = data[:104], data[104:136], data[136:152]
    info = b"zeitlich-store v2 AES-256-GCM\0" + header[64:80] + header[96:100]
    hkdf = HKDF(algorithm=SHA256(), length=48, salt=salt, info=info)
    made = hkdf.derive(KEY_1)
    assert (salt, check) == (SALT, made[32:])
    gcm, trailer = AESGCM(made[:32]), layout.read_trailer(data)
    at, messages = 152, []
    for number in range(layout.read_header(data).frames):
        frame = read_frame_info(data, at, trailer.offset, number, overhead=16)
        bound = header + number.to_bytes(4, "little") + data[at : frame.start - DIGEST_BYTES]
        nonce = number.to_bytes(12, "little")
        messages += gcm.decrypt(nonce, data[frame.start : frame.end], bound).split(b"\n")
        at = frame.end
    assert [text.decode() for text in messages] == TEXTS
    bound = header + b"\xff" * 4 + b"\0" + data[-56:-40]
    manifest = gcm.decrypt(b"\xff" * 4 + bytes(8), data[at + 1 : -56], bound)
    assert b'{"secret":"state"}' in manifest


# -- somebody who may write to the bucket and has no key -------------------------------------------


@codecs
def test_no_byte_can_be_changed_with_every_checksum_made_right_again(codec):
    data = written(codec, snapshot("first", "second", state="{}"), frame_bytes=1)
    tried = 0
    for at in range(len(data)):
        for flip in (1, 0x80, 0xFF):
            changed = bytearray(data)
            changed[at] ^= flip
            for sealed in (changed, resealed(changed), resealed(changed, frames=False)):
                if bytes(sealed) != data:  # a checksum alone is computed back to what it was
                    tried += 1
                    with pytest.raises(REFUSED):
                        read(bytes(sealed))
    assert tried > 7 * len(data)


REFUSED = (
    CorruptSnapshotError,
    MissingKeyError,
    WrongKeyError,
    LimitExceededError,
    UnsupportedFormatError,
)


def frames_of(data):
    """The bytes of every frame, its header included."""
    end, at, found = layout.read_trailer(data).offset, FRAMES_AT, []
    while at < end:
        info = read_frame_info(data, at, end, len(found), overhead=OVERHEAD)
        found.append(data[at : info.end])
        at = info.end
    return found


def rebuilt(data, frames):
    """The object with other frames, all checksums right."""
    end = layout.read_trailer(data).offset
    assert sum(map(len, frames)) == end - FRAMES_AT
    return resealed(data[:FRAMES_AT] + b"".join(frames) + data[end:])


def test_frames_cannot_be_swapped_or_doubled():
    thread = snapshot(*(f"{n:04}" for n in range(6)))
    data = written(thread=thread, frame_bytes=1)
    frames = frames_of(data)
    assert rebuilt(data, frames) == data
    others = [frames[::-1], [frames[0]] * 6, [*frames[1:], frames[0]]]
    for changed in others:
        with pytest.raises(CorruptSnapshotError, match=r"frame \d does not authenticate"):
            read(rebuilt(data, changed))


def test_frames_cannot_come_from_another_version_of_the_thread():
    old = written(thread=snapshot("0001", "0002"), frame_bytes=1)
    new = written(thread=snapshot("0003", "0004", generation=2), frame_bytes=1)
    with pytest.raises(CorruptSnapshotError, match="frame 0 does not authenticate"):
        read(rebuilt(new, [frames_of(old)[0], frames_of(new)[1]]))


def test_a_header_cannot_come_from_another_version_of_the_thread():
    old, new = (written(thread=snapshot("same", generation=n)) for n in (1, 2))
    assert len(old) == len(new)
    with pytest.raises(CorruptSnapshotError, match="manifest does not authenticate"):
        read(resealed(new[:104] + old[104:]))
    with pytest.raises((CorruptSnapshotError, WrongKeyError)):  # the salt with it
        read(resealed(new[:152] + old[152:]))


def test_a_shorter_thread_cannot_be_made_of_a_longer_one():
    data = written(thread=snapshot("0001", "0002"), frame_bytes=1)
    frames, end = frames_of(data), layout.read_trailer(data).offset
    cut = bytearray(data[:FRAMES_AT] + frames[0] + data[end:])
    cut[40:48], cut[88:92] = (1).to_bytes(8, "little"), (1).to_bytes(4, "little")
    cut[-56:-48] = (end - len(frames[1])).to_bytes(8, "little")
    with pytest.raises(CorruptSnapshotError, match="manifest does not authenticate"):
        read(resealed(cut))


def test_another_threads_object_is_not_this_threads():
    theirs = written(ref=ThreadRef("agents", "thread-2"))
    with pytest.raises(CorruptSnapshotError, match="belongs to another thread"):
        read(theirs)
    renamed = bytearray(theirs)
    renamed[64:80] = layout.thread_tag(REF)
    with pytest.raises(WrongKeyError):  # each thread has keys of its own
        read(resealed(renamed))


def test_an_encrypted_object_cannot_pass_for_a_plain_one():
    data = bytearray(written())
    data[12], data[96:100] = 0, bytes(4)
    with pytest.raises(CorruptSnapshotError):
        read(resealed(data))


def test_lengths_are_checked_before_anything_is_decrypted_or_allocated():
    class Never(TestKeys):
        def cipher(self, key, salt, tag):
            check = super().cipher(key, salt, tag).check
            return type("Never", (), {"check": check})()  # has no `open`

    data = bytearray(written())
    data[-44:-40] = (1 << 31).to_bytes(4, "little")
    with pytest.raises(LimitExceededError, match="manifest decodes to 2147483648"):
        read(resealed(data), Never({1: KEY_1}))


@codecs
def test_a_thread_over_the_limit_is_refused_before_a_frame_is_decoded(codec):
    chance = random.Random(3)
    thread = snapshot(*(chance.randbytes(3000).hex() for _ in range(10)))
    data = written(codec, thread)
    assert read(data, limit=80_000) == thread
    with pytest.raises(LimitExceededError, match="decodes to 60640 bytes"):
        read(data, limit=20_000)


def test_the_header_tells_what_the_document_says_it_tells():
    header = layout.read_header(written())
    assert (header.aead, header.key, header.messages) == (1, 1, 12)
    assert header.generation == 1
    assert re.fullmatch("[0-9a-f]{32}", header.write_id.hex())
