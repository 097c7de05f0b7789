"""Looking after encrypted archives: verify without keys, convert as the tool that rotates keys."""

from contextlib import suppress

import pytest

from zeitlich_store import Encryption, Keyring, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.errors import ConfigurationError
from zeitlich_store.testing.gated_tiers import GatedConditionalStore
from zeitlich_store.testing.gates import CrashedError, FaultAt

from .test_encryption import (
    CANARY,
    KEY_2,
    NEW,
    OLD,
    PATH,
    V1,
    V1_PATH,
    chat,
    everything,
    key_of,
    objects,
    opened,
    texts,
)

__all__ = ["objects"]  # a fixture
LONG = "n" * 400


async def verified(store, **options):
    return [row async for row in store.verify(**options)]


async def converted(store, **options):
    return [row async for row in store.convert(**options)]


def problems(rows):
    return {row.ref.id: row.problem for row in rows}


# -- verify ----------------------------------------------------------------------------------------


async def test_without_any_key_verify_compares_checksums_and_says_so(objects):
    for name in ("t", LONG):
        await chat(await opened(objects, OLD), name)
    await chat(await opened(objects), "plain")
    rows = await verified(await opened(objects))
    assert [row.ok for row in rows] == [True, True, True]
    sealed = [row for row in rows if row.unchecked]
    assert len(sealed) == 2
    assert all("encrypted with key 1" in row.unchecked for row in sealed)
    assert {(row.messages, row.generation) for row in rows} == {(1, 1)}
    data = bytearray((await objects.get(PATH)).data)
    data[-100] ^= 1
    await objects.put(PATH, bytes(data))
    (damaged,) = [row for row in await verified(await opened(objects)) if not row.ok]
    assert (damaged.ref.id, damaged.unchecked) == ("t", "")


async def test_a_key_that_is_missing_among_others_or_wrong_is_a_problem(objects):
    await chat(await opened(objects, OLD))
    await chat(await opened(objects, NEW), "new")
    assert set(problems(await verified(await opened(objects, NEW))).values()) == {""}
    found = problems(await verified(await opened(objects, OLD)))
    assert found["t"] == ""
    assert "key 2, which is not configured" in found["new"]
    found = problems(await verified(await opened(objects, Keyring([(1, KEY_2), (2, KEY_2)]))))
    assert "is not the key 1" in found["t"]
    assert found["new"] == ""


async def test_where_encryption_is_required_verify_finds_every_plain_archive(objects):
    await chat(await opened(objects, OLD))
    await chat(await opened(objects), "plain")
    await objects.put("threads/messages/v1.json", V1)
    rows = await verified(await opened(objects, OLD, "require"))
    refused = {name for name, text in problems(rows).items() if "not encrypted" in text}
    assert refused == {"plain", "v1"}


# -- convert ---------------------------------------------------------------------------------------


async def test_convert_rewrites_under_the_writing_key_and_passes_over_what_is(objects):
    await chat(await opened(objects, OLD))
    await chat(await opened(objects, NEW), "new")
    await chat(await opened(objects), "plain")
    await objects.put("threads/messages/v1.json", V1)
    rows = await converted(await opened(objects, NEW), format="v2")
    assert {row.ref.id: str(row.status) for row in rows} == {
        "t": "converted",
        "new": "already",
        "plain": "converted",
        "v1": "converted",
    }
    left = await everything(objects)
    assert {await key_of(objects, path) for path in left} == {2}
    assert CANARY.encode() not in b"".join(left.values())
    rows = await converted(await opened(objects, NEW), format="v2")
    assert {str(row.status) for row in rows} == {"already"}
    assert await everything(objects) == left
    assert await texts(await opened(objects, Keyring([(2, KEY_2)]), "require")) == [CANARY]


async def test_a_rotation_that_is_stopped_goes_on_when_it_is_run_again(objects):
    names = ("a", "b", "c")
    for name in names:
        await chat(await opened(objects, OLD), name)
    before, at, already = await everything(objects), 0, set()
    while True:
        at += 1
        for path, data in before.items():
            await objects.put(path, data)
        gate = FaultAt(at, "crash")
        archive = ObjectArchive(
            GatedConditionalStore(objects, gate), GzipCodec(), encryption=Encryption(NEW)
        )
        with suppress(CrashedError):
            await converted(await ThreadStore(MemoryHotTier(), archive).open(), format="v2")
        reader = await opened(objects, NEW)
        assert [await texts(reader, name) for name in names] == [[CANARY]] * 3
        rows = await converted(reader, format="v2")
        already.add(sum(str(row.status) == "already" for row in rows))
        assert {str(row.status) for row in rows} <= {"already", "converted"}
        assert {await key_of(objects, path) for path in before} == {2}
        if at > len(gate.seen):  # it was not stopped any more
            break
    assert at > 9
    assert already == {0, 1, 2, 3}


async def test_decrypting_for_good_has_to_be_said(objects):
    await chat(await opened(objects, OLD))
    for mode in ("on", "require"):
        with pytest.raises(ConfigurationError, match=r"v1 cannot be encrypted.*encryption=off"):
            await converted(await opened(objects, OLD, mode), format="v1")
    assert list(await everything(objects)) == [PATH]
    (row,) = await converted(await opened(objects, OLD, "off"), format="v2")
    assert (str(row.status), await key_of(objects)) == ("converted", None)
    (row,) = await converted(await opened(objects, OLD, "off"), format="v1")
    assert [*await everything(objects)] == [f"{V1_PATH}.gz"]


async def test_another_codec_under_the_writing_key_is_another_version(objects):
    await chat(await opened(objects, OLD))
    (row,) = await converted(await opened(objects, OLD), format="v2", codec=ZstdCodec())
    assert (str(row.status), await texts(await opened(objects, OLD))) == ("converted", [CANARY])


async def test_where_encryption_is_required_convert_takes_no_plaintext_in(objects):
    await chat(await opened(objects))
    before = await everything(objects)
    (row,) = await converted(await opened(objects, OLD, "require"), format="v2")
    assert str(row.status) == "failed"
    assert "encryption=on" in row.problem
    assert await everything(objects) == before


async def test_without_the_old_key_a_rotation_leaves_the_archive_and_names_the_key(objects):
    await chat(await opened(objects, OLD))
    before = await everything(objects)
    (row,) = await converted(await opened(objects, Keyring([(2, KEY_2)])), format="v2")
    assert str(row.status) == "failed"
    assert "key 1, which is not configured (configured: 2)" in row.problem
    assert await everything(objects) == before
