"""Tiered storage for AI-agent conversation threads.

A hot tier (Redis, or this process's memory) holds a thread while an agent works on it, a cold tier
(any object store fsspec reaches) keeps a snapshot of it for ever. Start with `open_store`.
"""

from ._version import __version__
from .encryption import Encryption, Keyring
from .errors import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    ConflictError,
    CorruptSnapshotError,
    EncryptionError,
    HotTierCorruptError,
    HotTierUnavailableError,
    KeyUnavailableError,
    LimitExceededError,
    MissingKeyError,
    PlaintextRefusedError,
    PreconditionFailedError,
    ThreadNotFoundError,
    UnsupportedFormatError,
    WrongKeyError,
    ZeitlichStoreError,
)
from .factory import open_store
from .helpers import apply_snapshot, clear_hot_tier, encode_snapshot
from .keys import THREAD_TTL_SECONDS, ids_key, list_key, meta_key, state_key
from .models import Snapshot, ThreadRef
from .protocols import Codec, ColdTier, HotTier, ObjectStore
from .redaction import redact_url
from .registry import register_backend, register_codec
from .results import (
    Checked,
    Converted,
    ConvertStatus,
    FlushResult,
    FlushStatus,
    HydrateResult,
    HydrateStatus,
    ThreadContents,
    ThreadInfo,
    ThreadPage,
    ThreadStat,
)
from .session import Session, SessionThread
from .snapshot.salvage import Salvaged
from .store import ThreadStore
from .sync import open_store_sync
from .thread import Thread

__all__ = [
    "THREAD_TTL_SECONDS",
    "Checked",
    "Codec",
    "ColdTier",
    "ColdTierAccessError",
    "ColdTierUnavailableError",
    "ConfigurationError",
    "ConflictError",
    "ConvertStatus",
    "Converted",
    "CorruptSnapshotError",
    "Encryption",
    "EncryptionError",
    "FlushResult",
    "FlushStatus",
    "HotTier",
    "HotTierCorruptError",
    "HotTierUnavailableError",
    "HydrateResult",
    "HydrateStatus",
    "KeyUnavailableError",
    "Keyring",
    "LimitExceededError",
    "MissingKeyError",
    "ObjectStore",
    "PlaintextRefusedError",
    "PreconditionFailedError",
    "Salvaged",
    "Session",
    "SessionThread",
    "Snapshot",
    "Thread",
    "ThreadContents",
    "ThreadInfo",
    "ThreadNotFoundError",
    "ThreadPage",
    "ThreadRef",
    "ThreadStat",
    "ThreadStore",
    "UnsupportedFormatError",
    "WrongKeyError",
    "ZeitlichStoreError",
    "__version__",
    "apply_snapshot",
    "clear_hot_tier",
    "encode_snapshot",
    "ids_key",
    "list_key",
    "meta_key",
    "open_store",
    "open_store_sync",
    "redact_url",
    "register_backend",
    "register_codec",
    "state_key",
]
