"""Names of things in both tiers: Redis keys and object paths.

Redis keys percent-encode both parts, so that no two threads share a key, and put them between
braces, so that all keys of a thread lie on one cluster slot. v1 object paths are the original's:
plain names, and a `ValueError` for names that would not stay plain. v2 paths hold any name: what is
not plain is written as ``~xx``, what is too long as a hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

from .models import ThreadRef

THREAD_TTL_SECONDS: Final = 90 * 24 * 3600
"""How long a thread with changes that are not archived lives in Redis after its last change."""

V1_MAX_NAME_BYTES: Final = 200
"""Longest thread key and id a v1 path can hold, in bytes of UTF-8."""


V2_HEAD: Final = "head.zt2"
"""Name of a thread's head in its folder."""
_V2_MAX_PART: Final = 150
_V2_PART: Final = re.compile(r"(?:[a-z0-9_-]|~[0-9a-f]{2})+")
_DEVICES: Final = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")


def list_key(key: str, thread_id: str) -> str:
    """Redis key of the message list.

    >>> list_key("messages", "t-42")
    'zs:{messages:t-42}:list'
    """
    return _redis_key(key, thread_id, "list")


def meta_key(key: str, thread_id: str) -> str:
    """Redis key of the meta hash, whose existence says that the thread is hot."""
    return _redis_key(key, thread_id, "meta")


def state_key(key: str, thread_id: str) -> str:
    """Redis key of the state slice."""
    return _redis_key(key, thread_id, "state")


def ids_key(key: str, thread_id: str) -> str:
    """Redis key of the sorted set of message ids."""
    return _redis_key(key, thread_id, "ids")


def gate_key(ref: ThreadRef) -> str:
    """Redis key of the gate, which outlives the hot copy."""
    return _redis_key(ref.key, ref.id, "gate")


def stage_key(ref: ThreadRef, token: str) -> str:
    """Redis key of a staging area for one large write."""
    return _redis_key(ref.key, ref.id, f"stage:{token}")


def every_key(ref: ThreadRef) -> list[str]:
    """The Redis keys of a thread, its gate included, but for staging areas."""
    return [_redis_key(ref.key, ref.id, part) for part in ("list", "meta", "state", "ids", "gate")]


def scan_pattern(key: str) -> str:
    """Glob that matches the meta keys of every thread under a thread key."""
    return f"zs:{{{_enc(key)}:*}}:meta"


def stage_pattern(key: str) -> str:
    """Glob that matches the staging areas of every thread under a thread key."""
    return f"zs:{{{_enc(key)}:*}}:stage:*"


def ref_of_meta_key(redis_key: str) -> ThreadRef:
    """The thread a meta key belongs to; `ValueError` for any other key."""
    if not (redis_key.startswith("zs:{") and redis_key.endswith("}:meta")):
        raise ValueError(f"{redis_key!r} is not a meta key")
    key, sep, thread_id = redis_key[4:-6].partition(":")
    if not sep:
        raise ValueError(f"{redis_key!r} is not a meta key")
    return ThreadRef(unquote(key), unquote(thread_id))


def v1_path(prefix: str, ref: ThreadRef) -> str:
    """Object path of a v1 archive without its codec's suffix.

    >>> v1_path("threads", ThreadRef("messages", "t-42"))
    'threads/messages/t-42.json'
    """
    _check_v1("thread key", ref.key)
    _check_v1("thread id", ref.id)
    return "/".join(part for part in (prefix, ref.key, f"{ref.id}.json") if part)


def v1_folder(prefix: str, key: str) -> str:
    """The folder of a thread key's v1 archives, with a slash at its end."""
    _check_v1("thread key", key)
    return "/".join(part for part in (prefix, key) if part) + "/"


def ref_of_v1_path(key: str, name: str, suffixes: Sequence[str]) -> ThreadRef | None:
    """The thread whose v1 archive an object of a thread key's folder is; None: it is none."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        thread_id = name.removesuffix(f".json{suffix}")
        if thread_id != name:
            try:
                _check_v1("thread id", thread_id)
                return ThreadRef(key, thread_id)
            except ValueError:
                return None
    return None


def v2_path(prefix: str, ref: ThreadRef) -> str:
    """Object path of a v2 archive; it has one for every name, on file systems of any kind.

    >>> v2_path("threads", ThreadRef("messages", "T 42"))
    'threads/v2/messages/~54~2042/head.zt2'
    """
    return f"{v2_folder(prefix, ref.key)}{_v2_part(ref.id)}/{V2_HEAD}"


def v2_folder(prefix: str, key: str) -> str:
    """The folder of a thread key's v2 archives, with a slash at its end."""
    return "/".join(part for part in (prefix, "v2", _v2_part(key)) if part) + "/"


def ref_of_v2_path(prefix: str, path: str) -> ThreadRef | None:
    """The thread a v2 object path belongs to; None where it is no such path or holds a hash."""
    parts = path.removeprefix(f"{prefix}/" if prefix else "").split("/")
    if len(parts) != 4 or parts[0] != "v2" or parts[3] != V2_HEAD:
        return None
    names = [_v2_name(part) for part in parts[1:3]]
    if names[0] is None or names[1] is None:
        return None
    return ThreadRef(names[0], names[1])


def is_v2_path(prefix: str, path: str) -> bool:
    """Whether an object path is that of a v2 archive, of whichever thread."""
    inside = path.removeprefix(f"{prefix}/" if prefix else "")
    return inside.startswith("v2/") and inside.count("/") == 3 and inside.endswith(f"/{V2_HEAD}")


def _v2_part(name: str) -> str:
    data = name.encode()
    plain = b"abcdefghijklmnopqrstuvwxyz0123456789_-"
    text = "".join(chr(byte) if byte in plain else f"~{byte:02x}" for byte in data)
    if _DEVICES.fullmatch(text):
        text = f"~{data[0]:02x}{text[1:]}"  # Windows gives these names to no file
    return text if len(text) <= _V2_MAX_PART else f"~~{hashlib.sha256(data).hexdigest()}"


def _v2_name(part: str) -> str | None:
    """The name a path's part was made of; None where it was made of none, or hashed."""
    if not _V2_PART.fullmatch(part):
        return None
    data = re.sub(rb"~(..)", lambda found: bytes.fromhex(found[1].decode()), part.encode())
    try:
        name = data.decode()
    except UnicodeDecodeError:
        return None
    return name if _v2_part(name) == part else None


def check_object_path(path: str) -> str:
    """The path, or `ValueError` where it could leave its root or be read as something else."""
    parts = path.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts) or "::" in path:
        raise ValueError(f"{path!r} is no object path")
    return path


def _redis_key(key: str, thread_id: str, part: str) -> str:
    return f"zs:{{{_enc(key)}:{_enc(thread_id)}}}:{part}"


def _enc(part: str) -> str:
    return quote(part, safe="")


def _check_v1(what: str, name: str) -> None:
    """Refuse names that are no plain path part: also those fsspec would reinterpret."""
    problem = None
    if name.startswith("."):
        problem = "starts with a dot"
    elif "/" in name or "\\" in name:
        problem = "contains a slash"
    elif any(ord(char) < 32 or 127 <= ord(char) < 160 for char in name):
        problem = "contains a control character"
    elif len(name.encode()) > V1_MAX_NAME_BYTES:
        problem = f"is longer than {V1_MAX_NAME_BYTES} bytes"
    elif "?versionId=" in name or "::" in name:
        problem = "contains '?versionId=' or '::', which fsspec would reinterpret"
    if problem:
        raise ValueError(f"{what} {name!r} {problem}; snapshot format v1 has no path for it")
