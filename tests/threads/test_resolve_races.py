"""A resolve gives up exactly the copy that was in conflict."""

import pytest

from .test_conflicts import diverge, ids, stores  # noqa: F401  # a fixture


@pytest.mark.parametrize("again", ["append", "hydrate"])
async def test_what_others_did_since_the_conflict_stays(stores, monkeypatch, again):  # noqa: F811  # the fixture
    """Between conflict and drop another appends, or resolves and hydrates."""
    thread = await diverge(stores)
    hot, drop = stores[1].hot, stores[1].hot.drop

    async def overtaken(ref, **kwargs):
        monkeypatch.setattr(hot, "drop", drop)
        other = stores[1].thread("t")
        if again == "hydrate":
            await other.resolve("archive")
            await other.hydrate()
        await other.append({"id": "late"})
        return await drop(ref, **kwargs)

    monkeypatch.setattr(hot, "drop", overtaken)
    await thread.resolve("archive")
    found = await ids(stores[1])
    if again == "hydrate":
        assert found == ["a", "b", "late"]
    else:
        assert found == ["a", "b"]  # the same copy, looked at again with what was appended


async def test_a_session_archived_while_another_begins_anew_ends_without_a_conflict(stores):  # noqa: F811  # the fixture
    store = stores[0]
    async with store.session("t") as thread:
        await thread.append({"id": "a"})
    writing, write = [], store.cold.write

    async def overtaken(ref, snapshot, *, expected):
        if not writing:
            writing.append(1)
            await store.thread("t").initialize(replace=True)
        return await write(ref, snapshot, expected=expected)

    await store.thread("t").hydrate()
    await store.thread("t").append({"id": "b"})
    store.cold.write = overtaken
    result = await store.thread("t").flush()
    assert str(result.status) == "gone"
    archived = await store.cold.read(store.thread("t").ref)
    assert len(archived.snapshot.messages) == 2
