"""What some tiers can do beside the commit protocol, for admin tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Protocol, runtime_checkable

from .models import ThreadRef
from .protocols import Codec
from .results import Checked, Converted
from .snapshot.ids import IdOfRaw
from .snapshot.salvage import Salvaged


@runtime_checkable
class BoundedObjectStore(Protocol):
    """An object store that can refuse to fetch what is larger than any archive may be."""

    max_object_bytes: int | None
    """Larger objects are `LimitExceededError`, before they are read; None: no limit."""


@runtime_checkable
class ExposedObjectStore(Protocol):
    """An object store that can tell who else may write to it."""

    def danger(self) -> str:
        """What others could do to the objects, "" for nothing."""


@runtime_checkable
class InspectableHotTier(Protocol):
    """A hot tier on servers of its own that can tell how they are set up."""

    async def server_info(self) -> Mapping[str, Mapping[str, Any]]:
        """Redis's INFO fields of each server, by its address ("" where there is one alone).

        What the user may not ask is left out.
        """


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

    async def to(
        self,
        ref: ThreadRef,
        format: Literal["v1", "v2"],  # noqa: A002  # the name it has in a URL
        *,
        dead: AbstractSet[str],
    ) -> Converted | None:
        """Convert one thread; what fails is told in the row. None: it has no archive.

        A version whose write id is in `dead` must not count, and does not.
        """


@runtime_checkable
class ConvertibleColdTier(Protocol):
    """A cold tier that can rewrite its archives in another format or codec."""

    def archived(self, *, key: str | None = None) -> AsyncGenerator[ThreadRef | Checked, None]:
        """Every archived thread of a thread key, or (None) of all keys.

        A row instead for an object so damaged that its thread is not known.
        """

    def converter(
        self,
        *,
        codec: Codec | None = None,
        keep_v1: bool = False,
        id_of: IdOfRaw | None = None,
    ) -> ArchiveConverter:
        """Rewrites archives, with `codec` (None: the tier's); `id_of` tells a text's message id."""


@runtime_checkable
class PrivateHotTier(Protocol):
    """A hot tier that ends with its store: what is dirty is archived when the store closes."""

    def seal(self) -> None:
        """Refuse changes from now on (`ConfigurationError`): the store closes."""

    def dirty_threads(self) -> list[ThreadRef]:
        """The threads whose hot copy holds changes that are not archived."""
