"""Anyone's own three-method class as a cold tier."""

import json

import pytest

from zeitlich_store import ColdTierUnavailableError, ConfigurationError, open_store
from zeitlich_store.errors import CorruptSnapshotError
from zeitlich_store.models import ThreadRef
from zeitlich_store.snapshot import v1

REF = ThreadRef("messages", "t")


class Own:
    """The original's v1 dicts in a dict."""

    def __init__(self):
        self.kept, self.broken = {}, False

    async def read(self, thread_key, thread_id):
        if self.broken:
            raise OSError("the disk is gone")
        return self.kept.get((thread_key, thread_id))

    async def write(self, thread_key, thread_id, snapshot):
        self.kept[thread_key, thread_id] = json.loads(v1.encode(snapshot))

    async def delete(self, thread_key, thread_id):
        self.kept.pop((thread_key, thread_id), None)


async def test_a_session_works_on_a_plain_class_that_keeps_v1_dicts():
    own = Own()
    async with open_store("memory://", own) as store:
        async with store.session("t") as thread:
            await thread.append({"id": "m1", "text": "hi"})
            thread.state["n"] = 1
        assert own.kept["messages", "t"] == {
            "v": 1,
            "messages": ['{"id":"m1","text":"hi"}'],
            "state": {"n": 1},
            "dedupIds": ["m1"],
        }
        async with store.session("t", mode="continue") as thread:
            assert await thread.append({"id": "m1"}, {"id": "m2"}) == 1
            assert thread.state == {"n": 1}
        await store.delete("t")
        assert own.kept == {}


async def test_what_the_class_raises_is_unavailable_and_never_absent():
    own = Own()
    own.broken = True
    async with open_store("memory://", own) as store:
        with pytest.raises(ColdTierUnavailableError, match="the disk is gone") as caught:
            await store.read("t")
        assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("found", [{"v": 1}, "text", {"v": 1, "messages": [1]}, object()])
async def test_what_is_no_snapshot_is_damage(found):
    own = Own()
    own.kept["messages", "t"] = found
    async with open_store("memory://", own) as store:
        with pytest.raises(CorruptSnapshotError):
            await store.cold.read(REF)


def test_a_class_with_a_blocking_method_is_refused_at_open():
    class Blocking(Own):
        def read(self, thread_key, thread_id):
            return None

    with pytest.raises(ConfigurationError, match="read must be an async method"):
        open_store("memory://", Blocking())
