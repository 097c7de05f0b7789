"""The built-in cold tier: objects of both formats, committed, listed and checked."""

from .commits import Conditions, probe
from .tier import ObjectArchive

__all__ = ["Conditions", "ObjectArchive", "probe"]
