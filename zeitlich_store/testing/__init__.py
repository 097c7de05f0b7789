"""Conformance suites for what plugs into zeitlich_store: ``pip install "zeitlich-store[testing]"``.

Each is a class to subclass with one fixture: `HotTierSuite` (``hot``), `ObjectStoreSuite` and
`ConditionalStoreSuite` (``store``), `ColdTierSuite` (``tier``), `CodecSuite` (``codec``).
`StoreMachine` is a hypothesis state machine with two methods to fill in. docs/plug-ins.md shows
each. They are imported when they are asked for, so that this package itself needs no pytest.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final

from zeitlich_store.errors import ConfigurationError

if TYPE_CHECKING:
    from .codec_suite import CodecSuite
    from .cold_tier_suite import ColdTierSuite
    from .conditional_store_suite import ConditionalStoreSuite
    from .hot_tier_suite import HotTierSuite
    from .object_store_suite import ObjectStoreSuite
    from .stateful import StoreMachine

__all__ = [
    "CodecSuite",
    "ColdTierSuite",
    "ConditionalStoreSuite",
    "HotTierSuite",
    "ObjectStoreSuite",
    "StoreMachine",
]

_MODULES: Final = {
    "CodecSuite": "codec_suite",
    "ColdTierSuite": "cold_tier_suite",
    "ConditionalStoreSuite": "conditional_store_suite",
    "HotTierSuite": "hot_tier_suite",
    "ObjectStoreSuite": "object_store_suite",
    "StoreMachine": "stateful",
}
LIBRARIES: Final = ("pytest", "pytest_asyncio", "hypothesis")
"""What the extra ``[testing]`` installs."""
ADVICE: Final = 'the suites need pip install "zeitlich-store[testing]"'


def show_values() -> None:
    """Have pytest show what a suite compared: it must be told before the suite is imported."""
    import pytest  # noqa: PLC0415  # from the extra [testing]

    names = [f"{__name__}.{module.name}" for module in iter_modules(__path__)]
    suites = [name for name in names if "suite" in name and name not in sys.modules]
    pytest.register_assert_rewrite(*suites)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        show_values()
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    except ModuleNotFoundError as exc:
        if exc.name not in LIBRARIES:
            raise
        raise ConfigurationError(f"{ADVICE}: {exc.name} is not installed") from exc


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
