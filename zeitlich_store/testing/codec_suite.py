"""What every codec must do. Subclass `CodecSuite` and give it a `codec` fixture.

::

    class TestMyCodec(CodecSuite):
        @pytest.fixture
        def codec(self) -> Codec:
            return MyCodec()

Damage is tested through the v1 parser, since a codec without a checksum leaves it to the format
to find a truncated archive.
"""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from zeitlich_store.errors import (
    CorruptSnapshotError,
    LimitExceededError,
    ZeitlichStoreError,
)
from zeitlich_store.models import Snapshot
from zeitlich_store.protocols import Codec
from zeitlich_store.snapshot import sniff, v1

ARCHIVE = v1.encode(
    Snapshot(
        messages=tuple(f'{{"id":"m{n}","text":"héllo 世界 {n * n}"}}' for n in range(40)),
        state='{"tasks":["t1"]}',
        ids=tuple((f"m{n}", n) for n in range(40)),
    )
)
"""A v1 document, as codecs meet it."""

CONTENTS = {
    "nothing": b"",
    "one byte": b"\0",
    "a v1 document": ARCHIVE,
    "every byte": bytes(range(256)) * 5,
    "3 MiB of zeros": bytes(3 << 20),
}

_LIMIT = 1 << 24


def _read(codec: Codec, stored: bytes) -> Snapshot:
    return v1.parse(codec.decode(stored, max_bytes=_LIMIT))


class CodecSuite:
    """The promises of `zeitlich_store.protocols.Codec`."""

    @pytest.fixture
    def codec(self) -> Codec:
        """The codec under test."""
        raise NotImplementedError("override the fixture `codec`")

    @pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
    def test_decode_gives_back_what_was_encoded(self, codec: Codec, content: bytes) -> None:
        """Byte for byte, with a limit of exactly its size."""
        assert codec.decode(codec.encode(content), max_bytes=len(content)) == content

    def test_equal_content_gives_equal_bytes(self, codec: Codec) -> None:
        """No time stamp, no random salt: a retried upload is the same upload."""
        assert codec.encode(ARCHIVE) == codec.encode(ARCHIVE)

    @pytest.mark.parametrize("content", [c for c in CONTENTS.values() if c])
    def test_one_byte_over_the_limit_is_refused(self, codec: Codec, content: bytes) -> None:
        """The limit counts decoded bytes and is inclusive."""
        stored = codec.encode(content)
        with pytest.raises(LimitExceededError, match=str(len(content) - 1)):
            codec.decode(stored, max_bytes=len(content) - 1)

    def test_the_limit_is_enforced_before_memory_is_used(self, codec: Codec) -> None:
        """Refusing 32 MiB costs far less than 32 MiB."""
        bomb = codec.encode(bytes(32 << 20))
        tracemalloc.start()
        try:
            with pytest.raises(LimitExceededError):
                codec.decode(bomb, max_bytes=1000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1 << 20

    def test_its_own_archives_are_recognised(self, codec: Codec) -> None:
        """Sniffing finds the codec by the bytes alone."""
        stored = codec.encode(ARCHIVE)
        assert codec.matches(stored)
        assert sniff.sniff(stored, [codec]) is codec

    def test_foreign_bytes_are_not_claimed(self, codec: Codec) -> None:
        """An empty object, format v2 and noise belong to no codec."""
        assert not codec.matches(b"")
        assert not codec.matches(sniff.V2_MAGIC + bytes(100))
        assert not codec.matches(b"\0\1\2\3 noise")
        with pytest.raises(CorruptSnapshotError):
            sniff.sniff(sniff.V2_MAGIC + bytes(100), [codec])

    def test_every_truncation_of_an_archive_is_detected(self, codec: Codec) -> None:
        """Also the cut right before the last byte, and the one that leaves nothing."""
        stored = codec.encode(ARCHIVE)
        for size in range(len(stored)):
            with pytest.raises(CorruptSnapshotError):
                _read(codec, stored[:size])

    @pytest.mark.parametrize("extra", [b"\0", b"x", b"\n}", bytes(1000)])
    def test_trailing_bytes_are_detected(self, codec: Codec, extra: bytes) -> None:
        """Bytes after the end are damage, not decoration."""
        with pytest.raises(CorruptSnapshotError):
            _read(codec, codec.encode(ARCHIVE) + extra)

    @pytest.mark.parametrize("second", [b"", b"\n", ARCHIVE], ids=["empty", "small", "archive"])
    def test_a_second_frame_is_detected(self, codec: Codec, second: bytes) -> None:
        """Two archives in one object are damage; neither is picked."""
        stored = codec.encode(ARCHIVE)
        second_frame = codec.encode(second)
        if second_frame.strip():  # without a frame around it, white space is no second document
            with pytest.raises(CorruptSnapshotError):
                _read(codec, stored + second_frame)

    def test_encoded_twice_is_decoded_once(self, codec: Codec) -> None:
        """What decodes to another frame is given back as that frame."""
        once = codec.encode(ARCHIVE)
        assert codec.decode(codec.encode(once), max_bytes=_LIMIT) == once

    def test_a_flipped_bit_raises_no_foreign_error(self, codec: Codec) -> None:
        """Whatever is wrong with an archive is said in this library's errors."""
        stored = codec.encode(ARCHIVE)
        for bit in range(0, len(stored) * 8, 3):
            damaged = bytearray(stored)
            damaged[bit // 8] ^= 1 << bit % 8
            try:
                _read(codec, bytes(damaged))
            except ZeitlichStoreError:
                continue

    def test_one_codec_serves_many_threads_at_once(self, codec: Codec) -> None:
        """Flushes of different threads run side by side in worker threads."""

        def there_and_back(n: int) -> bool:
            content = ARCHIVE * 20 + bytes([n % 256]) * n * 100
            return codec.decode(codec.encode(content), max_bytes=_LIMIT) == content

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(there_and_back, range(200)))

    def test_it_names_itself_for_urls_and_objects(self, codec: Codec) -> None:
        """Name for URLs, suffix for v1 object names, content type for the store."""
        assert codec.name
        assert quote(codec.name, safe="") == codec.name
        assert codec.suffix == "" or codec.suffix.startswith(".")
        assert "/" not in codec.suffix
        assert codec.content_type.count("/") == 1
