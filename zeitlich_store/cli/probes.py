"""What ``doctor`` does: a probe thread written, read and removed in each tier, step by step."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..abilities import ExposedObjectStore, InspectableHotTier
from ..archive import ObjectArchive
from ..archive.commits import Conditions
from ..encryption import Encryption
from ..errors import ColdTierAccessError, ZeitlichStoreError
from ..models import Entry, Outcome, Snapshot, ThreadRef, Version
from ..protocols import ColdTier, HotTier, ListableColdTier, ScannableHotTier
from ..snapshot.v1 import ORIGINAL_SUFFIXES
from ..store import ThreadStore

PROBE_KEY: Final = "zeitlich-store-doctor"
_RAW: Final = '{"id":"probe","role":"user","content":"probe"}'
_SNAPSHOT: Final = Snapshot(messages=(_RAW,), ids=(("probe", 0),))
_FORBIDDEN_ADVICE: Final = (
    "; S3 answers 403 for an absent object where listing is not allowed: grant s3:ListBucket"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's table; `ms` is the latency in milliseconds."""

    tier: str
    check: str
    result: str
    ms: float | None = None
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether the tier cannot be used."""
        return self.result == "failed"


async def examine(store: ThreadStore) -> list[Check]:
    """Probe both tiers of a store that has not been entered; they are closed again."""
    ref = ThreadRef(PROBE_KEY, f"probe-{secrets.token_hex(8)}")
    checks = await _HotProbe(store.hot, ref).run()
    if store.cold is None:
        return [*checks, Check("cold", "none", "ok", detail="hot only: nothing is archived")]
    return checks + await _ColdProbe(store.cold, ref).run()


class _Probe:
    """Runs steps one after the other and stops at the first that fails."""

    tier: str
    steps: tuple[str, ...]

    def __init__(self) -> None:
        self.checks: list[Check] = []

    async def run(self) -> list[Check]:
        """Every step, what the tier offers beside, and the closing."""
        for name in self.steps:
            await self._time(name, getattr(self, name))
            if self.checks[-1].failed:
                break
        else:
            await self.look()
        await self._time("close", self.close)
        return self.checks

    async def look(self) -> None:
        """Add what there is to say of a tier that works."""

    async def close(self) -> str:
        """Close the tier."""
        raise NotImplementedError

    def note(self, check: str, result: str, detail: str) -> None:
        """Add a line that needed no step."""
        self.checks.append(Check(self.tier, check, result, None, detail))

    async def _time(self, name: str, step: Callable[[], Awaitable[str]]) -> None:
        began = time.perf_counter()
        try:
            result, detail = "ok", await step()
        except (ZeitlichStoreError, ValueError, OSError) as exc:
            result, detail = "failed", str(exc) or type(exc).__name__
            if isinstance(exc, ColdTierAccessError):
                detail += _FORBIDDEN_ADVICE
        ms = round((time.perf_counter() - began) * 1000, 2)
        self.checks.append(Check(self.tier, name.replace("_", " "), result, ms, detail))


class _HotProbe(_Probe):
    """A thread begun, read and dropped; its gate stays for an hour."""

    tier = "hot"
    steps = ("connect", "write", "read", "delete")

    def __init__(self, hot: HotTier, ref: ThreadRef) -> None:
        super().__init__()
        self._hot, self._ref = hot, ref

    async def connect(self) -> str:
        await self._hot.open()
        return type(self._hot).__name__

    async def write(self) -> str:
        gate = (await self._hot.status(self._ref)).gate
        made = await self._hot.initialize(self._ref, op=_op(), gate=gate)
        _expect("initialize", made, Outcome.OK)
        entries = [Entry(_RAW, "probe")]
        _expect("append", await self._hot.append(self._ref, entries, op=_op()), 1)
        return "1 message"

    async def read(self) -> str:
        _expect("load", await self._hot.load(self._ref), [_RAW])
        return "the same bytes"

    async def delete(self) -> str:
        _expect("drop", await self._hot.drop(self._ref, op=_op()), True)
        return ""

    async def look(self) -> None:
        self.note("list", "ok" if isinstance(self._hot, ScannableHotTier) else "not offered", "")
        await self._look_at_redis()

    async def close(self) -> str:
        await self._hot.aclose()
        return ""

    async def _look_at_redis(self) -> None:
        """Whether Redis may throw parts of threads away; silent for other hot tiers."""
        if not isinstance(self._hot, InspectableHotTier):
            return
        try:
            servers = await self._hot.server_info()
        except ZeitlichStoreError as exc:
            self.note("server", "unknown", str(exc))
            return
        for name, info in servers.items():
            at = f" of {name}" if name else ""
            version = info.get("redis_version")
            known = ("ok", f"Redis {version}") if version else ("unknown", "INFO is not allowed")
            self.note(f"server{at}", *known)
            self.note(f"eviction{at}", *_eviction(info))
            self.note(f"durability{at}", *_durability(info))


class _ColdProbe(_Probe):
    """An archive written, read, listed and deleted."""

    tier = "cold"
    steps = ("connect", "read_absent", "write", "read", "list", "delete")

    def __init__(self, cold: ColdTier, ref: ThreadRef) -> None:
        super().__init__()
        self._cold, self._ref = cold, ref

    async def connect(self) -> str:
        await self._cold.open()
        return type(self._cold).__name__

    async def read_absent(self) -> str:
        _expect("read", await self._cold.read(self._ref), None)
        return "none, as it should be"

    async def write(self) -> str:
        written = await self._cold.write(self._ref, _SNAPSHOT, expected=Version.ANY)
        return f"{written.size} bytes"

    async def read(self) -> str:
        found = await self._cold.read(self._ref)
        _expect("read", found and found.snapshot.messages, (_RAW,))
        return "the same bytes"

    async def list(self) -> str:
        if not isinstance(self._cold, ListableColdTier):
            return "not offered"
        rows = await self._cold.list(key=self._ref.key)
        found = any(row.ref == self._ref for row in rows)
        return "finds the probe" if found else "the probe is not listed yet"

    async def delete(self) -> str:
        await self._cold.delete(self._ref)
        _expect("read", await self._cold.read(self._ref), None)
        return ""

    async def look(self) -> None:
        if not isinstance(self._cold, ObjectArchive):
            self.note("conditional writes", "unknown", "this cold tier is not the built-in one")
            return
        if isinstance(self._cold.store, ExposedObjectStore):
            danger = self._cold.store.danger()
            self.note("permissions", "warning" if danger else "ok", danger)
        await self._look_at_writes(self._cold)
        self.note("encryption", *await _encryption(self._cold.encryption))

    async def _look_at_writes(self, archive: ObjectArchive) -> None:
        """What becomes of two writers, and of another program that reads the archives."""
        found, older = await archive.conditions(), archive.format == "v1"
        self.note("conditional writes", *_conditions(found, older=older))
        if older:
            self.note("format", "warning", "v1 has no room for conflicts: the last writer wins")
        if older and archive.codec.suffix not in ORIGINAL_SUFFIXES:
            detail = f"the original, which v1 is for, reads no {archive.codec.name}: use codec=gzip"
            self.note("codec", "warning", detail)

    async def close(self) -> str:
        await self._cold.aclose()
        return ""


def _conditions(found: Conditions, *, older: bool) -> tuple[str, str]:
    if not found.writes:
        return "warning", f"it {found}: the last writer wins"
    if not found.delete:
        return "warning", f"it {found}: a delete looks first, and may remove what is newer"
    if older:
        return "ok", "of two stale writers one is refused, looks again and replaces the other's"
    return "ok", "of two stale writers one gets a conflict"


async def _encryption(encryption: Encryption) -> tuple[str, str]:
    number = await encryption.writing()
    if number is None:
        read = "encrypted ones are read" if encryption.has_keys else "there are no keys"
        return "off", f"archives are written in plaintext; {read}"
    plain = "refused" if encryption.requires else "read"
    return "ok", f"AES-256-GCM, key {number} writes; plain archives are {plain}"


def _eviction(info: Mapping[str, Any]) -> tuple[str, str]:
    policy, limit = info.get("maxmemory_policy"), int(info.get("maxmemory", 0))
    if policy is None:
        return (
            "unknown",
            "neither INFO nor CONFIG GET tells: see that maxmemory-policy is noeviction",
        )
    if policy == "noeviction" or not limit:
        return "ok", f"maxmemory-policy {policy}, maxmemory {limit or 'not set'}"
    return "warning", f"maxmemory-policy {policy}: may evict parts of threads, set noeviction"


def _durability(info: Mapping[str, Any]) -> tuple[str, str]:
    if "aof_enabled" not in info:
        return "unknown", "INFO does not tell: see that appendonly is yes"
    if info["aof_enabled"]:
        return "ok", "append-only file on"
    return "warning", "no append-only file: a crash of Redis may lose messages not yet archived"


def _op() -> str:
    return secrets.token_hex(16)


def _expect(call: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ValueError(f"{call} answered {found!r} instead of {wanted!r}")
