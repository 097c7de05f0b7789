"""The scenarios of the commit protocol: small scripts of clients, and what may go wrong in each.

A script is a list of operations, ``append t a`` for instance; a message whose name begins with
``~`` has no id. The names are those of the model that checked the protocol exhaustively; the
simulation added ``new-delete`` and ``delete-half``. ``fork-twice`` and ``late-put`` need a rule
each that no other scenario does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from .scheduler import Fault

Start = Literal["none", "archived", "new", "clean", "dirty"]
Event = Literal["expire", "expire gate", "hour", "failover"]
"""The clean copy or the gate expires; `hour`: the gates do, and what they held up may happen."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How it starts, what the clients do, what may happen, and what is legitimate here.

    `start`: nothing, an archive, a hot thread never archived, a clean one, or one with a change.
    `other_redis` names clients (by number) that use a second, independent hot tier. `in_turn`: each
    client begins when the one before it has ended, and only late requests still overtake it.
    """

    start: Start
    clients: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    events: tuple[Event, ...] = ()
    budget: int = 2
    conflict: bool = False
    truncates: bool = False
    other_redis: frozenset[int] = frozenset()
    in_turn: bool = False

    @property
    def strong(self) -> bool:
        """Whether readers of the one hot tier see every acknowledged change, until it forgets."""
        return not self.other_redis

    @property
    def final(self) -> bool:
        """Whether what is deleted stays deleted, until a hot tier forgets."""
        return self.strong or self.in_turn


_LCS: Final = ("lost", "crash", "stop")
_SECOND: Final = frozenset({1})

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "one-client": Scenario(
        "none",
        ("open t, append t a, append t ~b, flush t, open t, append t c, flush t",),
        ("lost", "crash"),
        budget=3,
    ),
    "late-flush": Scenario(
        "dirty", ("flush t, append t c, flush t",), ("lost", "late", "crash"), budget=3
    ),
    "append-flush": Scenario("dirty", ("append t ~c, append t d", "flush t"), _LCS, ("expire",)),
    "rev-aba": Scenario("clean", ("flush t", "flush t, append t c"), _LCS),
    "two-flush": Scenario("dirty", ("flush t", "append t c, flush t"), _LCS),
    "keep-2flush": Scenario(
        "dirty", ("keep t", "flush t", "append t c"), ("lost",), ("expire",), budget=1
    ),
    "three-flush": Scenario(
        "dirty", ("flush t", "flush t", "append t c, append t d"), ("lost",), budget=1
    ),
    "state-flush": Scenario(
        "new", ("state t x, flush t", "flush t, truncate t a"), _LCS, truncates=True
    ),
    "hydrate": Scenario(
        "archived", ("hydrate t", "hydrate t, append t b, flush t"), _LCS, ("expire",)
    ),
    "hydrate-keep": Scenario(
        "archived", ("hydrate t", "hydrate t, append t b, keep t"), ("lost",), ("expire",)
    ),
    "stall-1h": Scenario(
        "archived",
        ("hydrate t", "hydrate t, append t b, flush t"),
        events=("expire gate",),
        budget=1,
    ),
    "open-open": Scenario(
        "none",
        ("open t, append t a, flush t", "open t, append t ~b, flush t"),
        ("lost",),
        budget=1,
    ),
    "delete-flush": Scenario("new", ("flush t", "delete t"), ("lost", "crash"), conflict=True),
    "delete-stop": Scenario("new", ("flush t", "delete t"), ("stop",), budget=1, conflict=True),
    "delete-hydrate": Scenario("archived", ("hydrate t", "delete t"), ("lost", "crash")),
    "delete-2flush": Scenario(
        "new", ("flush t", "flush t", "delete t"), ("stop",), budget=1, conflict=True
    ),
    "recreate": Scenario(
        "new",
        ("flush t", "delete t, open t, append t n, flush t"),
        ("lost",),
        budget=1,
        conflict=True,
    ),
    "drop": Scenario("dirty", ("flush t", "drop t, hydrate t"), ("lost", "crash")),
    "mode-new": Scenario(
        "dirty", ("flush t", "new t, append t n, flush t"), ("lost", "crash"), conflict=True
    ),
    "fork": Scenario("clean", ("fork t u, append u x", "flush u"), _LCS),
    "fork-twice": Scenario("clean", ("fork t u, append u x, flush u", "fork t u"), _LCS),
    "failover": Scenario(
        "dirty",
        ("flush t", "append t c, append t d, flush t"),
        events=("failover",),
        budget=1,
        conflict=True,
    ),
    "failover-2": Scenario(
        "new",
        ("append t b, flush t", "append t c"),
        ("lost",),
        ("failover",),
        conflict=True,
    ),
    "two-redis": Scenario(
        "archived",
        ("hydrate t, append t b, flush t", "hydrate t, append t c, flush t"),
        _LCS,
        conflict=True,
        other_redis=_SECOND,
    ),
    "two-resolve": Scenario(
        "archived",
        (
            "hydrate t, append t b, resolve t hot",
            "hydrate t, append t c, resolve t archive, hydrate t",
        ),
        ("lost", "crash"),
        conflict=True,
        other_redis=_SECOND,
    ),
    "new-delete": Scenario("new", ("flush t", "new t, delete t"), ("lost",), conflict=True),
    "delete-half": Scenario(
        "dirty", ("delete t", "open t", "new t, append t n"), ("stop",), budget=1, conflict=True
    ),
    "two-delete": Scenario(
        "dirty",
        ("flush t, hydrate t, flush t", "delete t, open t, append t n, flush t"),
        ("lost",),
        budget=1,
        conflict=True,
        other_redis=_SECOND,
    ),
    "late-put": Scenario(
        "new",
        ("flush t", "delete t, hydrate t, append t n"),
        ("late",),
        other_redis=_SECOND,
        in_turn=True,
    ),
}
