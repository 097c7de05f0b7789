"""Scenarios nobody thought of: writers with random scripts, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

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
_ON_THE_FORK: Final = {"append": 4, "flush": 4, "keep": 1, "open": 1, "hydrate": 1, "delete": 1}
_FORGET: Final[tuple[Literal["failover", "hour"], ...]] = ("failover", "hour")
Wider = Literal["fork", "resolve", "second", "failover", "hour"]
_WIDER: Final[Sequence[tuple[Wider, ...]]] = (
    (),
    ("fork",),
    ("resolve",),
    ("second", "resolve"),
    ("failover", "resolve"),
    ("hour", "fork"),
    ("second", "failover", "resolve", "fork"),
)
"""What a scenario has beside one hot tier that forgets nothing and one thread."""


def random_scenario(seed: int | str) -> Scenario:
    """Two to four writers on one thread or a fork of it too, each with two to four operations.

    >>> random_scenario(7) == random_scenario(7)
    True
    """
    plain = plain_scenario(seed)
    rng = random.Random(f"wider {seed}")  # noqa: S311  # repeatable on purpose
    return _widened(rng, plain, rng.choice(_WIDER))


def plain_scenario(seed: int | str) -> Scenario:
    """The same on one hot tier, without forks: as the seeds that once found a hole drew it."""
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


def _script(rng: random.Random, names: Iterator[str]) -> list[str]:
    kinds, weights = list(_STEPS), list(_STEPS.values())
    steps = rng.choices(kinds, weights, k=rng.randint(2, 4))
    return [_step(rng, kind, names) for kind in steps]


def _step(rng: random.Random, kind: str, names: Iterator[str]) -> str:
    match kind:
        case "append":
            return f"append t {'~' if rng.random() < 0.3 else ''}{next(names)}"
        case "truncate":
            return f"truncate t {rng.choice('abcd')}"
        case "state":
            return f"state t {rng.choice('xyz')}"
        case _:
            return f"{kind} t"


# -- wider worlds ----------------------------------------------------------------------------------


def _widened(rng: random.Random, plain: Scenario, wider: Sequence[Wider]) -> Scenario:
    """The scenario with other steps in place of some, or with more that may happen."""
    scripts = [script.split(", ") for script in plain.clients]
    if "fork" in wider:
        _fork(rng, scripts)
    if "second" in wider:  # a conflict needs changes on both sides
        for name in "klm":
            _put_in(rng, scripts, f"append t {name}{name}")
    if "resolve" in wider:
        for _ in range(rng.randint(1, 3)):
            _put_in(rng, scripts, f"resolve t {rng.choice(['hot', 'archive'])}")
    others = range(1, len(scripts)) if "second" in wider else ()
    moved = frozenset(number for number in others if number == 1 or rng.random() < 0.4)
    events: list[Event] = [event for event in _FORGET if event in wider]
    foreign = bool(moved or events)
    words = {tuple(step.split()[:2]) for script in scripts for step in script}
    gives_up = any(word in _GIVE_UP for word, _ in words)
    return replace(
        plain,
        clients=tuple(", ".join(script) for script in scripts),
        events=(*plain.events, *events),
        budget=max(plain.budget, len(events)),
        other_redis=moved,
        conflict=plain.conflict or foreign or gives_up,
        truncates=plain.truncates or foreign or gives_up,
    )


def _fork(rng: random.Random, scripts: list[list[str]]) -> None:
    """One or two clients fork, and some of the steps are on the fork."""
    kinds, weights = list(_ON_THE_FORK), list(_ON_THE_FORK.values())
    for name, kind in zip("yzvwx", rng.choices(kinds, weights, k=rng.randint(2, 4)), strict=False):
        _put_in(rng, scripts, f"append u {name}" if kind == "append" else f"{kind} u")
    for _ in range(rng.randint(1, 2)):
        _put_in(rng, scripts, "fork t u")


def _put_in(rng: random.Random, scripts: list[list[str]], step: str) -> None:
    """In place of another, so that a schedule takes as long as it did."""
    script = rng.choice(scripts)
    script[rng.randrange(len(script))] = step
