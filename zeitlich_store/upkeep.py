"""Looking after archives through a store: verify, salvage, convert."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, cast

from .abilities import ConvertibleColdTier, VerifiableColdTier
from .errors import (
    ConfigurationError,
    CorruptSnapshotError,
    ThreadNotFoundError,
    ZeitlichStoreError,
)
from .messages import MessageFormat
from .models import ThreadRef
from .protocols import Codec, ColdTier, HotTier
from .results import Checked, Converted, ConvertStatus
from .snapshot.salvage import Salvaged


def verify(
    cold: object, *, ref: ThreadRef | None = None, key: str | None = None
) -> AsyncGenerator[Checked, None]:
    """As `ThreadStore.verify`."""
    if not isinstance(cold, VerifiableColdTier):
        raise _cannot("verify")
    return cold.verify(ref=ref, key=key)


async def salvage(cold: object, ref: ThreadRef) -> Salvaged:
    """As `ThreadStore.salvage`."""
    if not isinstance(cold, VerifiableColdTier):
        raise _cannot("salvage")
    found = await cold.salvage(ref)
    if found is None:
        raise await _without_v2(cast("ColdTier", cold), ref)
    return found


async def _without_v2(cold: ColdTier, ref: ThreadRef) -> ZeitlichStoreError:
    """Why there is nothing to salvage: no archive, or one that is read whole or not at all."""
    try:
        if await cold.read(ref) is None:
            return ThreadNotFoundError(f"thread {str(ref)!r} has no archive")
    except CorruptSnapshotError as exc:
        return CorruptSnapshotError(
            f"{exc}; it is in format v1, of which no part can be salvaged: restore it from the "
            "bucket's versions or a backup"
        )
    return ConfigurationError(
        f"the archive of thread {str(ref)!r} is in format v1 and whole: there is nothing to "
        "salvage, read it as any other"
    )


async def convert(
    hot: HotTier,
    cold: object,
    *,
    format: Literal["v1", "v2"],  # noqa: A002  # the name it has in a URL
    ref: ThreadRef | None = None,
    key: str | None = None,
    codec: Codec | None = None,
    keep_v1: bool = False,
) -> AsyncGenerator[Converted, None]:
    """As `ThreadStore.convert`."""
    if not isinstance(cold, ConvertibleColdTier):
        raise _cannot("convert")
    id_of = MessageFormat().id_of_raw
    converter = cold.converter(codec=codec, keep_v1=keep_v1, id_of=id_of)
    async for each in _these(ref) if ref else cold.archived(key=key):
        if isinstance(each, Checked):
            yield Converted(None, ConvertStatus.FAILED, before=each.size, problem=each.problem)
        elif await hot.which_hot([each]):
            yield Converted(each, ConvertStatus.HOT)
        else:
            # Read first: what is known of dead writes by now holds for the archive read later.
            dead = (await hot.dead_writes([each])).get(each, frozenset())
            row = await converter.to(each, format, dead=dead)
            if row is not None:
                yield row
            elif ref is not None:
                yield Converted(each, ConvertStatus.FAILED, problem="it has no archive")


async def _these(ref: ThreadRef) -> AsyncGenerator[ThreadRef | Checked, None]:
    yield ref


def _cannot(what: str) -> ConfigurationError:
    return ConfigurationError(f"this cold tier cannot {what}: only the built-in one can")
