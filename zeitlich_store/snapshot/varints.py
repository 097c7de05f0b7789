"""Whole numbers in few bytes (LEB128, unsigned), and a reader that never leaves its bytes."""

from __future__ import annotations

from typing import Final

from ..errors import CorruptSnapshotError

_MOST_BYTES: Final = 10
_LIMIT: Final = 1 << 64


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first, the top bit set on all but the last.

    >>> varint(300).hex(" ")
    'ac 02'
    """
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def prefixed(data: bytes) -> bytes:
    """The bytes behind their length."""
    return varint(len(data)) + data


def text_bytes(text: str) -> bytes:
    """The text's exact UTF-8; a lone surrogate becomes its three bytes."""
    return text.encode("utf-8", "surrogatepass")


def bytes_text(data: bytes) -> str:
    """The text of exact UTF-8; `CorruptSnapshotError` for anything else."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as exc:
        raise CorruptSnapshotError(f"a text is not valid UTF-8: {exc.reason}") from exc


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and where the bytes go on; `CorruptSnapshotError` where there is none."""
    number = 0
    for place, byte in enumerate(data[at : at + _MOST_BYTES]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if number >= _LIMIT:
                break
            return number, at + place + 1
    raise CorruptSnapshotError(f"there is no whole number at byte {at} of this part")


class Reader:
    """Reads numbers and pieces one after the other; what is not there is an error."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at(self) -> int:
        """How far it has read, in bytes."""
        return self._at

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._data) - self._at

    def number(self, most: int | None = None) -> int:
        """The next number, at most `most`."""
        number, self._at = read_varint(self._data, self._at)
        if most is not None and number > most:
            raise CorruptSnapshotError(f"the number {number} cannot be more than {most} here")
        return number

    def count(self) -> int:
        """The next number, of things that take at least one more byte each."""
        return self.number(len(self._data))

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.left:
            raise CorruptSnapshotError(f"{size} bytes should follow, {self.left} do")
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def piece(self) -> bytes:
        """The next bytes, behind their length."""
        return self.take(self.number())

    def text(self) -> str:
        """The next text, behind its length in bytes."""
        return bytes_text(self.piece())

    def end(self, what: str) -> None:
        """`CorruptSnapshotError` where bytes are left over."""
        if self.left:
            raise CorruptSnapshotError(f"{what} is followed by {self.left} bytes too many")
