"""One wrong byte at the front of a damaged encrypted object, put right for salvage.

Nothing of an encrypted object can be read without the exact header, salt and key check: one flipped
bit there would cost the whole thread. The header's checksum tells which byte of it is wrong;
the key check tells when the salt is right again. Whether that was so is decided by each part's
authentication, as ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache

from ..errors import CorruptSnapshotError, EncryptionError, UnsupportedFormatError
from . import v2_layout as layout
from .v2_sealing import SALT_BYTES, SEAL_BYTES, Keys

_CRC_AT = layout.HEADER_BYTES - 4


def mended(data: bytes, keys: Keys) -> bytes:
    """An encrypted object, with one wrong byte of its header and one behind it put right.

    Everything else comes back as it is.
    """
    whole = _header_mended(data)
    try:
        header = layout.read_header(whole)
        if header.aead and not _is_whole(whole):
            return _salt_mended(whole, header, keys)
    except (CorruptSnapshotError, EncryptionError, UnsupportedFormatError):
        return data
    return whole if header.aead else data


def _header_mended(data: bytes) -> bytes:
    if len(data) < layout.HEADER_BYTES:
        return data
    stored = int.from_bytes(data[_CRC_AT : layout.HEADER_BYTES], "little")
    place = _differences().get(zlib.crc32(data[:_CRC_AT]) ^ stored)
    return data if place is None else _flipped(data, *place)


@cache
def _differences() -> Mapping[int, tuple[int, int]]:
    """For each wrong byte, by how far the checksum is off: its place, and its wrong bits."""
    nothing = zlib.crc32(bytes(_CRC_AT))
    found = {}
    for at in range(_CRC_AT):
        for bits in range(1, 256):
            wrong = bytes(at) + bytes([bits]) + bytes(_CRC_AT - at - 1)
            found[zlib.crc32(wrong) ^ nothing] = (at, bits)
    own = {bits << 8 * at: (_CRC_AT + at, bits) for at in range(4) for bits in range(1, 256)}
    return found | own


def _is_whole(data: bytes) -> bool:
    try:
        layout.check_digest(data, layout.read_trailer(data))
    except CorruptSnapshotError:
        return False
    return True


def _salt_mended(data: bytes, header: layout.Header, keys: Keys) -> bytes:
    start = layout.HEADER_BYTES
    salt, check = data[start : start + SALT_BYTES], data[start + SALT_BYTES : start + SEAL_BYTES]
    made = keys.cipher(header.key, salt, header.tag).check
    wrong = [at for at, (one, other) in enumerate(zip(made, check, strict=False)) if one != other]
    if len(check) < len(made) or not wrong:
        return data
    if len(wrong) == 1:  # the check itself
        at = wrong[0]
        return _flipped(data, start + SALT_BYTES + at, made[at] ^ check[at])
    for at in range(SALT_BYTES):
        for bits in range(1, 256):
            if keys.cipher(header.key, _flipped(salt, at, bits), header.tag).check == check:
                return _flipped(data, start + at, bits)
    return data


def _flipped(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]
