"""Test builds of the store in which one rule of the commit protocol is switched off.

Each names the scenarios that have to find the loss. A Lua rule is taken out of the text that goes
to Redis, a Python one out of the function that keeps it.
"""

from dataclasses import dataclass, replace

from zeitlich_store import flush, tiering
from zeitlich_store.backends import redis_scripts


@dataclass(frozen=True)
class Knockout:
    scenarios: tuple[str, ...]
    lua: tuple[tuple[str, str, str], ...] = ()
    python: object = None

    def apply(self, monkeypatch):
        edits = {}
        for script, old, new in self.lua:
            text = edits.get(script) or _SOURCE(script)
            assert old in text, f"{script}.lua does not hold the rule {old!r} any more"
            edits[script] = text.replace(old, new)
        if edits:
            texts = {name: edits.get(name) or _SOURCE(name) for name in redis_scripts.NAMES}
            digests = {name: _sha1(text) for name, text in texts.items()}
            monkeypatch.setattr(redis_scripts, "source", texts.__getitem__)
            monkeypatch.setattr(redis_scripts, "digest", digests.__getitem__)
        if self.python:
            self.python(monkeypatch)


_SOURCE = redis_scripts.source.__wrapped__


def _sha1(text):
    import hashlib

    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _no_ops(monkeypatch):
    made = flush._version
    monkeypatch.setattr(flush, "_version", lambda *args: replace(made(*args), ops=()))


def _stale_export(monkeypatch):
    async def refused(self, old):
        head = await self._cold.read(self._ref)
        if head and head.snapshot.write_id == old.write_id:
            return old, self._adopted(head)
        return old, self._explain(old, old, head)

    monkeypatch.setattr(flush.Flush, "_refused", refused)


def _never_equal(monkeypatch):
    monkeypatch.setattr(flush, "_equal", lambda one, other: False)


def _messages_alone(monkeypatch):
    monkeypatch.setattr(flush, "_equal", lambda one, other: one.messages == other.messages)


def _no_look_at_the_target(monkeypatch):
    async def forked(*_):
        return False

    monkeypatch.setattr(tiering, "_forked", forked)


def _unconditional(monkeypatch):
    from zeitlich_store.archive.v2_objects import V2Objects

    async def write(self, ref, snapshot, *, expected):
        head = await self.store.store.inner.get(self.path(ref))
        token = f"v2:{head.token}" if head else None
        return await written(self, ref, snapshot, expected=token)

    written = V2Objects.write
    monkeypatch.setattr(V2Objects, "write", write)


GATE = ("gate_nonce(1) ~= ARGV[4]", "false")
RULES = {
    "pending is kept when the base moves": Knockout(
        ("three-flush",),
        (
            (
                "evict",
                "'token', token, 'generation', generation)",
                "'token', token, 'generation', generation, 'pending', '')",
            ),
        ),
    ),
    "operation ids are archived and restored": Knockout(("append-flush",), python=_no_ops),
    "every evict, drop and delete sets the gate's nonce": Knockout(
        ("hydrate", "open-open"),
        tuple(
            (name, "'nonce', OP, 'kind'", "'nonce', 'same', 'kind'")
            for name in ("evict", "drop", "delete", "finish_delete")
        ),
    ),
    "a keeping flush sets the gate": Knockout(
        ("hydrate-keep",),
        (("evict", "set_gate('archived', '', tonumber(CLEAN_MS) + GATE_MS)", ""),),
    ),
    "restore refuses another gate than the one seen": Knockout(("hydrate",), (("restore", *GATE),)),
    "restore refuses a dead write id": Knockout(
        ("delete-stop", "recreate", "delete-2flush"),
        (("restore", "contains(gate_dead(1), ARGV[5])", "false"),),
    ),
    "initialize refuses another gate than the one seen": Knockout(
        ("open-open",), (("initialize", *GATE),)
    ),
    "fork refuses another gate, and reads the target's archive first": Knockout(
        ("fork",),
        (("fork", "gate_nonce(6) ~= ARGV[5]", "false"),),
        _no_look_at_the_target,
    ),
    "a resent export carries a new write id": Knockout(
        ("failover-2", "late-flush", "two-flush"),
        (("export", "redis.sha1hex(OP .. ':' .. attempt)", "redis.sha1hex(OP)"),),
    ),
    "a refused put is explained by a fresh export": Knockout(
        ("two-flush", "mode-new"), python=_stale_export
    ),
    "an equal version of one's own is adopted": Knockout(
        ("state-flush", "three-flush"), python=_never_equal
    ),
    "evict acts only while its own write id is pending": Knockout(
        ("recreate", "mode-new", "failover"),
        (("evict", "if not contains(m.pending, write_id) then return 'changed' end", ""),),
    ),
    "evict marks the other attempts dead": Knockout(
        ("recreate", "delete-stop", "delete-2flush", "three-flush", "two-flush"),
        (("evict", "dead[#dead + 1] = word", ""),),
    ),
    "delete marks the attempts under way dead": Knockout(
        ("delete-stop", "recreate", "delete-2flush"),
        (("delete", "set_gate('deleted', pending, GATE_MS)", "set_gate('deleted', '', GATE_MS)"),),
    ),
    "a put is undone only where the gate lists it as dead": Knockout(
        ("one-client", "drop", "two-redis"),
        (
            (
                "evict",
                "if head == '' or not contains(gate_dead(1), head) then return 'gone' end",
                "",
            ),
        ),
    ),
    "a put the gate lists as dead is undone": Knockout(
        ("delete-flush", "delete-2flush", "recreate"),
        (
            (
                "evict",
                "return redis.call('HGET', KEYS[5], 'kind') == 'deleted' and 'undo' or 'dead'",
                "return 'gone'",
            ),
        ),
    ),
    "delete runs its hot script again": Knockout(
        ("delete-hydrate",), (("finish_delete", "if from_deleted then remove(1) end", ""),)
    ),
    "evict compares the whole revision": Knockout(
        ("append-flush",),
        (("evict", "if m.inc .. ':' .. m.ctr ~= revision then", "if false then"),),
    ),
    "adoption compares the state": Knockout(("state-flush",), python=_messages_alone),
    "a put names the version it replaces": Knockout(("two-redis",), python=_unconditional),
    "write ids are remembered": Knockout(
        ("late-flush", "two-flush"),
        (
            (
                "export",
                "local pending = remember(m.pending, write_id, WINDOW)",
                "local pending = write_id",
            ),
        ),
    ),
    "operation ids are remembered": Knockout(
        ("append-flush", "one-client", "late-flush"),
        (("append", "if known then return tonumber(known) end", ""),),
    ),
}
