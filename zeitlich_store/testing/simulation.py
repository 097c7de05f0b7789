"""Scenarios nobody thought of: writers with random scripts, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from .scenarios import Event, Scenario, Start
from .scheduler import Fault

_STARTS: Final[Sequence[Start]] = ("none", "archived", "new", "clean", "dirty")
_FAULTS: Final[Sequence[Fault]] = ("lost", "late", "crash", "stop")
_EVENTS: Final[tuple[Event, ...]] = ("expire",)
_STEPS: Final = {
    "append": 6,
    "flush": 6,
    "keep": 2,
    "open": 3,
    "hydrate": 2,
    "state": 2,
    "truncate": 1,
    "new": 1,
    "delete": 1,
    "drop": 1,
}
_GIVE_UP: Final = {"new", "delete", "drop"}
"""Operations by which somebody gives messages up: others may then find a foreign version."""


def random_scenario(seed: int | str) -> Scenario:
    """Two to four writers on one thread, each with two to four operations.

    >>> random_scenario(7) == random_scenario(7)
    True
    """
    rng = random.Random(f"scenario {seed}")  # noqa: S311  # repeatable on purpose
    names = iter("cdefghijklmnopqrs")
    scripts = [_script(rng, names) for _ in range(rng.randint(2, 4))]
    words = {step.split()[0] for script in scripts for step in script}
    return Scenario(
        start=rng.choice(_STARTS),
        clients=tuple(", ".join(script) for script in scripts),
        faults=tuple(rng.sample(_FAULTS, rng.randint(0, 3))),
        events=_EVENTS if rng.random() < 0.3 else (),
        budget=rng.randint(0, 3),
        conflict=bool(words & _GIVE_UP),
        truncates="truncate" in words or bool(words & _GIVE_UP),
    )


def _script(rng: random.Random, names: object) -> list[str]:
    kinds, weights = list(_STEPS), list(_STEPS.values())
    steps = rng.choices(kinds, weights, k=rng.randint(2, 4))
    return [_step(rng, kind, names) for kind in steps]


def _step(rng: random.Random, kind: str, names: object) -> str:
    match kind:
        case "append":
            return f"append t {'~' if rng.random() < 0.3 else ''}{next(names)}"  # type: ignore[call-overload]  # an iterator
        case "truncate":
            return f"truncate t {rng.choice('abcd')}"
        case "state":
            return f"state t {rng.choice('xyz')}"
        case _:
            return f"{kind} t"
