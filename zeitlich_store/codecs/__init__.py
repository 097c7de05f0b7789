"""Built-in codecs: how a format's bytes are compressed in the cold tier."""

from .gzip import GzipCodec
from .plain import JsonCodec
from .zstd import ZstdCodec

__all__ = ["GzipCodec", "JsonCodec", "ZstdCodec"]
