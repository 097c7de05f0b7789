"""What some cold tiers can do beside the commit protocol, for admin tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, Protocol, runtime_checkable

from .models import ThreadRef
from .results import Checked, Converted
from .snapshot.ids import IdOfRaw
from .snapshot.salvage import Salvaged


@runtime_checkable
class VerifiableColdTier(Protocol):
    """A cold tier that can check what it holds without changing anything."""

    def verify(
        self, *, ref: ThreadRef | None = None, key: str | None = None
    ) -> AsyncGenerator[Checked, None]:
        """Check one thread's archive, a thread key's, or (neither) all; a row for each object."""

    async def salvage(self, ref: ThreadRef) -> Salvaged | None:
        """What can be read of an archive that may be damaged; None: there is none."""


class ArchiveConverter(Protocol):
    """Rewrites archives; a retry is safe."""

    async def to(self, ref: ThreadRef, format: Literal["v1", "v2"]) -> Converted:  # noqa: A002  # the name it has in a URL
        """Convert one thread; what fails is told in the row."""


@runtime_checkable
class ConvertibleColdTier(Protocol):
    """A cold tier that can rewrite its archives in another format or codec."""

    def archived(self, *, key: str | None = None) -> AsyncGenerator[ThreadRef, None]:
        """Every archived thread of a thread key, or (None) of all keys."""

    def converter(self, *, keep_v1: bool = False, id_of: IdOfRaw | None = None) -> ArchiveConverter:
        """Rewrites archives; `id_of` tells a message's id by its text."""
