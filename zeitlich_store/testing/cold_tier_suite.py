"""What every `ColdTier` promises, as pytest tests: subclass with a fixture `tier`."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from zeitlich_store.errors import PreconditionFailedError
from zeitlich_store.models import Removed, Snapshot, ThreadRef, Version
from zeitlich_store.protocols import ColdTier, ListableColdTier

FIRST = Snapshot(
    messages=('{"id":"m1","text":"hé \\ud800 🚀"}', "not json at all", ""),
    state='{"big":1180591620717411303424,"e":1e+21}',
    ids=(("m1", -1),),
)
SECOND = Snapshot(messages=("a", "b"), state=None, ids=())


class ColdTierSuite:
    """Subclass it, name the class ``Test…`` and give it a fixture `tier`: an opened tier."""

    @pytest.fixture
    def ref(self) -> ThreadRef:
        """A thread of this test's own."""
        return ThreadRef("messages", f"t-{secrets.token_hex(8)}")

    async def test_a_thread_never_written_is_none(self, tier: ColdTier, ref: ThreadRef) -> None:
        assert await tier.read(ref) is None

    async def test_a_snapshot_comes_back_exactly(self, tier: ColdTier, ref: ThreadRef) -> None:
        written = await tier.write(ref, FIRST, expected=Version.ABSENT)
        found = await tier.read(ref)
        assert found is not None
        assert found.snapshot.messages == FIRST.messages
        assert found.snapshot.state == FIRST.state
        assert found.snapshot.dedup_ids == ("m1",)
        assert found.token == written.token
        assert found.size == written.size

    async def test_an_empty_thread_is_not_an_absent_one(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        await tier.write(ref, Snapshot(), expected=Version.ABSENT)
        found = await tier.read(ref)
        assert found is not None
        assert found.snapshot.messages == ()

    async def test_a_write_over_the_version_it_names_replaces_it(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        first = await tier.write(ref, FIRST, expected=Version.ABSENT)
        await tier.write(ref, SECOND, expected=first.token)
        found = await tier.read(ref)
        assert found is not None
        assert found.snapshot.messages == SECOND.messages

    async def test_a_write_that_expects_another_version_is_refused_and_changes_nothing(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        with pytest.raises(PreconditionFailedError):
            await tier.write(ref, SECOND, expected="no such token")
        assert await tier.read(ref) is None
        first = await tier.write(ref, FIRST, expected=Version.ABSENT)
        await tier.write(ref, SECOND, expected=first.token)
        for expected in (Version.ABSENT, first.token):
            with pytest.raises(PreconditionFailedError):
                await tier.write(ref, FIRST, expected=expected)
        found = await tier.read(ref)
        assert found is not None
        assert found.snapshot.messages == SECOND.messages

    async def test_a_version_has_a_token_of_its_own_or_one_of_its_content(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        first = await tier.write(ref, FIRST, expected=Version.ABSENT)
        again = await tier.write(ref, FIRST, expected=first.token)
        versioned = first.generation is not None
        assert (again.token == first.token) is not versioned

    async def test_generation_and_write_id_come_back_where_versions_are_kept_apart(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        ours = replace(FIRST, generation=7, write_id="0f" * 16, lineage="a1" * 8, ops=("b2=1",))
        written = await tier.write(ref, ours, expected=Version.ABSENT)
        found = await tier.read(ref)
        assert found is not None
        assert found.versioned is (written.generation is not None)
        if found.versioned:
            assert found.snapshot == ours
            assert written.generation == 7
            assert await tier.delete(ref) == [Removed(written.token, ours.write_id)]

    async def test_delete_returns_what_it_removed_and_may_be_repeated(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        written = await tier.write(ref, FIRST, expected=Version.ABSENT)
        assert [version.token for version in await tier.delete(ref)] == [written.token]
        assert await tier.read(ref) is None
        assert await tier.delete(ref) == []

    async def test_delete_of_another_version_is_refused(
        self, tier: ColdTier, ref: ThreadRef
    ) -> None:
        await tier.write(ref, FIRST, expected=Version.ABSENT)
        with pytest.raises(PreconditionFailedError):
            await tier.delete(ref, expected="no such token")
        assert await tier.read(ref) is not None

    async def test_threads_of_two_keys_never_meet(self, tier: ColdTier, ref: ThreadRef) -> None:
        other = ThreadRef("other", ref.id)
        await tier.write(ref, FIRST, expected=Version.ABSENT)
        assert await tier.read(other) is None
        await tier.write(other, SECOND, expected=Version.ABSENT)
        await tier.delete(other)
        assert await tier.read(ref) is not None

    async def test_a_listing_pages_through_every_thread_once(self, tier: ColdTier) -> None:
        if not isinstance(tier, ListableColdTier):
            return
        key = f"k-{secrets.token_hex(4)}"
        refs = {ThreadRef(key, name) for name in ("a", "b", "c.json", "d")}
        for ref in refs:
            await tier.write(ref, SECOND, expected=Version.ABSENT)
        seen: list[ThreadRef] = []
        after = ""
        while page := await tier.list(key=key, after=after, limit=3):
            assert page[-1].path > after, "a page ends behind the path it was asked for"
            seen += [row.ref for row in page]
            after = page[-1].path
        assert len(seen) == len(refs)
        assert set(seen) == refs
