"""Wrote the encrypted golden files beside it; run again, it only adds those that are missing.

They hold threads of ``../v2/index.json``. The keys are published in ``keys.txt`` and protect
nothing; each salt comes from the name, so that what is not compressed can be made again.
"""

import hashlib
from pathlib import Path

from zeitlich_store.encryption import Keyring
from zeitlich_store.encryption.aead import ObjectCipher
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot.v2_sealing import Sealer

from ..v2 import make as plain

FOLDER = Path(__file__).parent
KEYRING = Keyring.from_text((FOLDER / "keys.txt").read_text("ascii").strip())
NAMES = [
    "empty-json.zt2",
    "empty-with-state-zstd.zt2",
    "odd-gzip.zt2",
    "one-json.zt2",
    "prose-frames-gzip.zt2",
    "prose-frames-json.zt2",
    "prose-frames-zstd.zt2",
]


class Keys:
    """The published keys, as `v2` takes them."""

    def cipher(self, key, salt, tag):
        return ObjectCipher(KEYRING.find(key), key, salt, tag)

    def check_plain(self):
        return


def written(name: str) -> bytes:
    """The bytes this version writes for a file."""
    ref, content, codec, frame_bytes = plain.cases()[name]
    salt = hashlib.sha256(name.encode()).digest()
    sealer = Sealer(KEYRING.writing, Keys(), salt)
    return v2.encode(ref, content, plain.CODECS[codec], frame_bytes=frame_bytes, sealer=sealer)


def main() -> None:
    """Write the files that are missing."""
    for name in NAMES:
        if not (FOLDER / name).exists():
            (FOLDER / name).write_bytes(written(name))


if __name__ == "__main__":
    main()
