"""`conformance`: the suites on a user's own tiers, and nothing left of them afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import redis

from tests import services
from zeitlich_store import register_backend, registry
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_cold import _spaces as spaces

ROOT = Path(__file__).parents[2]
COLD = {"ObjectStoreSuite", "ConditionalStoreSuite", "ColdTierSuite"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("ZEITLICH_COLD_URL", raising=False)


@pytest.fixture
def plug_in():
    """Registers a cold scheme for the test."""
    names = []

    def add(store):
        name = f"own{uuid.uuid4().hex[:8]}"
        register_backend("cold", name, lambda url, *, storage_options: store())
        names.append(name)
        return f"{name}://"

    yield add
    for name in names:
        del registry._BACKENDS["cold"][name]


def kept(found):
    """Suites that ran, each without a failure."""
    assert (found["ok"], found["failures"], found["left"]) == (True, [], "")
    rows = {row["suite"]: row for row in found["rows"] if not row["note"]}
    assert all(row["passed"] > 5 and not row["failed"] for row in rows.values())
    return set(rows)


def test_a_folder_keeps_all_of_them_and_holds_nothing_more(zs, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.txt").write_text("mine")
    assert kept(zs.json("conformance", "--cold", f"file://{tmp_path}/own")) == COLD
    left = {path.name for path in (tmp_path / "own").iterdir()}
    assert left == {"mine.txt", ".locks"}


def test_memory_keeps_all_of_them_and_holds_nothing_more(zs):
    name = uuid.uuid4().hex
    assert kept(zs.json("conformance", "--cold", f"memory://{name}")) == COLD
    assert spaces[name] == {}


def test_s3_keeps_all_of_them_and_holds_nothing_more(zs, s3_server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", services.CREDENTIALS["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", services.CREDENTIALS["secret"])
    bucket = s3_server.new_bucket()
    where = f"?endpoint_url={s3_server.endpoint_url}&region=us-east-1"
    assert kept(zs.json("conformance", "--cold", f"s3://{bucket}/agents{where}")) == COLD
    assert s3_server.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_redis_keeps_all_of_them_and_has_no_key_more(zs, redis_server):
    client = redis.Redis(port=redis_server.port, db=9)
    client.set("mine", 1)
    url = redis_server.url.removesuffix("/0") + "/9"
    assert kept(zs.json("conformance", "--hot", url)) == {"HotTierSuite"}
    assert client.keys("*") == [b"mine"]
    client.flushdb()
    client.close()


def test_a_memory_hot_tier_and_a_codec(zs):
    found = zs.json("conformance", "--hot", "memory://", "--codec", "gzip")
    assert kept(found) == {"HotTierSuite", "CodecSuite"}


def test_a_store_without_conditions_is_told_and_not_asked_for_them(zs, plug_in):
    url = plug_in(lambda: FsspecObjectStore("memory", "/conformance-plain"))
    found = zs.json("conformance", "--cold", url)
    assert kept(found) == {"ObjectStoreSuite", "ColdTierSuite"}
    (note,) = [row["note"] for row in found["rows"] if row["note"]]
    assert "no conditional writes" in note


class IgnoresConditions(MemoryObjectStore):
    """As a service that takes the header and does nothing with it."""

    proven = False

    async def put_if(self, path, data, *, expected, content_type=None):
        return await self.put(path, data)


def test_a_store_that_says_it_keeps_conditions_and_does_not_is_found_out(zs, plug_in):
    name = uuid.uuid4().hex
    found = zs.json("conformance", "--cold", plug_in(lambda: IgnoresConditions(name)))
    (note,) = [row["note"] for row in found["rows"] if row["note"]]
    assert "does not keep the conditions for create, replace" in note


class Broken(MemoryObjectStore):
    """Loses the last byte of every object, and lists from the beginning."""

    proven = True

    async def put(self, path, data, *, content_type=None):
        return await super().put(path, data[:-1])

    async def list(self, prefix, *, after="", limit=1000):
        return await super().list(prefix, limit=limit)


def test_a_broken_store_fails_with_each_contract_named(zs, plug_in):
    name = uuid.uuid4().hex
    url = plug_in(lambda: Broken(name))
    found = zs.json("conformance", "--cold", url, code=1)
    broken = {row["contract"]: row for row in found["failures"]}
    paging = broken["a listing is in path order and pages by the last path"]
    assert paging["suite"] == "ObjectStoreSuite"
    assert "a put replaces the whole object" in broken
    assert all(row["reason"] and "\n" not in row["reason"] for row in broken.values())
    assert spaces[name] == {}
    code, out, err = zs("conformance", "--cold", url)
    assert (code, err) == (1, "")
    assert "a put replaces the whole object" in out
    assert "broken" in out.splitlines()[-1]


class Undeletable(MemoryObjectStore):
    async def delete(self, path):
        return False

    async def delete_if(self, path, *, expected):
        return True


def test_what_could_not_be_removed_is_told(zs, plug_in):
    name = uuid.uuid4().hex
    code, _, err = zs("conformance", "--cold", plug_in(lambda: Undeletable(name)))
    assert code == 1
    assert "below zeitlich-conformance-" in err
    assert "could not be removed" in err


def test_a_cold_tier_that_is_no_object_store_is_cleaned_thread_by_thread(zs, plug_in):
    held = {}

    class Own:
        async def read(self, thread_key, thread_id):
            return held.get((thread_key, thread_id))

        async def write(self, thread_key, thread_id, snapshot):
            held[thread_key, thread_id] = snapshot

        async def delete(self, thread_key, thread_id):
            held.pop((thread_key, thread_id), None)

    assert kept(zs.json("conformance", "--cold", plug_in(Own))) == {"ColdTierSuite"}
    assert held == {}


class Interrupting(MemoryObjectStore):
    """The user presses Ctrl-C in the middle of a put."""

    async def put(self, path, data, *, content_type=None):
        await super().put(path, data)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)


def test_ctrl_c_ends_it_and_removes_what_it_made(zs, plug_in):
    name = uuid.uuid4().hex
    code, out, _ = zs("conformance", "--cold", plug_in(lambda: Interrupting(name)))
    assert (code, out) == (130, "")
    assert spaces[name] == {}


def test_the_folder_it_is_started_in_has_no_say_and_stays_as_it_is(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not asked for')\n")
    (tmp_path / "test_mine.py").write_text("raise RuntimeError('not asked for')\n")
    before = sorted(tmp_path.rglob("*"))
    hostile = {"PYTEST_ADDOPTS": "--nonsense", "PYTEST_PLUGINS": "none_such"}
    done = subprocess.run(
        [sys.executable, "-m", "zeitlich_store", "conformance", "--cold", "memory://x"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | hostile,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("48 contracts kept\n")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 2, "--cold URL, --hot URL or --codec NAME"),
        (["--cold", "none"], 2, "no cold tier"),
        (["--cold", "sqlit://x"], 2, "unknown cold scheme"),
        (["--codec", "zst"], 2, "did you mean 'zstd'"),
        (["--hot", "redis://127.0.0.1:1/0"], 1, "127.0.0.1"),
    ],
)
def test_what_cannot_be_checked_is_one_line(zs, args, code, message):
    got, out, err = zs("conformance", *args)
    assert (got, out) == (code, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_without_the_extra_it_names_the_pip_command(zs, monkeypatch):
    monkeypatch.setattr("zeitlich_store.testing.conformance.LIBRARIES", ("no_such_library",))
    code, _, err = zs("conformance", "--cold", "memory://x")
    assert code == 2
    assert 'pip install "zeitlich-store[testing]"' in err
