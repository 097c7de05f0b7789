"""verify, convert, salvage, resolve and what else looks after archives, from a terminal."""

import json

import pytest

from zeitlich_store import __version__


@pytest.fixture
def archive(chat, tmp_path):
    """The object of the thread `chat`."""
    (path,) = (tmp_path / "cold").rglob("chat/head.zt2")
    return path


def damage(path, at=110):
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))


def test_verify_of_whole_archives_is_silent_but_for_the_count(zs, archive):
    assert zs("verify") == (0, "1 archive, 0 damaged\n", "")
    assert zs.json("verify") == {"archives": 1, "damaged": 0, "rows": []}


def test_verify_lists_what_is_damaged_and_exits_with_1(zs, archive):
    damage(archive)
    before = archive.read_bytes()
    code, out, err = zs("verify", "--all")
    assert (code, err) == (1, "")
    assert "head.zt2" in out
    assert "1 archive, 1 damaged" in out
    (row,) = zs.json("verify", "chat", code=1)["rows"]
    assert (row["thread"], row["format"]) == ("chat", "v2")
    assert "damaged" in row["problem"]
    assert archive.read_bytes() == before


def test_salvage_writes_what_can_be_read_and_tells_what_is_missing(zs, archive, data, tmp_path):
    whole = zs("salvage", "chat")
    assert (whole[0], whole[1].encode("utf-8", "surrogateescape")) == (0, data)
    archive.write_bytes(archive.read_bytes()[:-20])
    code, out, err = zs("salvage", "--file", archive)
    assert code == 1
    assert out.encode("utf-8", "surrogateescape") == data
    assert "cut off" in err
    assert "3 of 3 messages salvaged" in err
    target = tmp_path / "out.jsonl"
    assert zs("salvage", "chat", "-o", target)[0] == 1
    assert target.read_bytes() == data


def test_salvage_writes_over_no_file(zs, archive, tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text("mine")
    for output, reason in ((target, "exists"), (tmp_path, "folder"), (tmp_path / "a/b", "folder")):
        code, out, err = zs("salvage", "chat", "-o", output)
        assert (code, out) == (2, "")
        assert reason in err
        assert err.count("\n") == 1
    assert target.read_text() == "mine"


def test_salvage_of_what_is_no_v2_archive_says_what_it_is(zs, archive, tmp_path):
    zs.json("append", "old", '{"id":"m"}', "--cold", f"file://{tmp_path}/v1?format=v1&codec=gzip")
    (old,) = (tmp_path / "v1").rglob("old.json.gz")
    cold = ("--cold", f"file://{tmp_path}/v1")
    code, out, err = zs("salvage", "old", *cold)
    assert (code, out) == (2, "")
    assert "in format v1 and whole" in err
    code, out, err = zs("salvage", "--file", old)
    assert (code, out) == (2, "")
    assert "format v1" in err
    old.write_bytes(old.read_bytes()[:-3])
    code, out, err = zs("salvage", "old", *cold)
    assert (code, out) == (1, "")
    assert "no part can be salvaged" in err
    noise = tmp_path / "noise"
    noise.write_bytes(b"\0\1\2 noise")
    assert "nothing in it is an archive" in zs("salvage", "--file", noise)[2]
    code, out, err = zs("salvage", "nobody")
    assert (code, out, err) == (1, "", "error: thread 'messages/nobody' has no archive\n")


def test_salvage_wants_one_source(zs, archive):
    assert zs("salvage")[0] == 2
    assert zs("salvage", "chat", "--file", archive)[0] == 2
    assert zs("salvage", "nobody")[0] == 1


def test_convert_goes_to_v1_and_back(zs, archive, data, tmp_path):
    (row,) = zs.json("convert", "--format", "v1", "--codec", "gzip")
    assert row["status"] == "converted"
    assert not archive.exists()
    assert list((tmp_path / "cold").rglob("chat.json.gz"))
    assert zs.json("convert", "--format", "v1", "--codec", "gzip")[0]["status"] == "already"
    assert zs.json("convert", "chat", "--format", "v2")[0]["status"] == "converted"
    assert zs("export", "chat")[1].encode("utf-8", "surrogateescape") == data


def test_convert_tells_what_it_could_not_do(zs, archive):
    damage(archive)
    (row,) = zs.json("convert", "--format", "v1", code=1)
    assert row["status"] == "failed"
    assert zs("convert", "--format", "v9")[0] == 2


def test_export_all_goes_on_after_a_damaged_thread(zs, archive, tmp_path):
    zs.json("append", "other", '{"id":"x"}')
    damage(archive)
    code, _, err = zs("export", "--all", "-o", tmp_path / "out")
    assert code == 1
    assert "chat: " in err
    assert "1 thread could not be read" in err
    assert (tmp_path / "out" / "other.jsonl").exists()


def test_stat_and_flush_count_generations(zs, archive):
    assert zs.json("stat", "chat")["archived_generation"] == 1
    zs.json("append", "chat", '{"id":"more"}')
    assert zs.json("stat", "chat")["archived_generation"] == 2


def test_resolve_keeps_one_version(zs, redis_server, monkeypatch, tmp_path):
    key = ["--key", tmp_path.name]
    hots = [f"redis://{redis_server.host}:{redis_server.port}/{db}" for db in (3, 4)]
    for hot in hots:
        zs.json("--hot", hot, "append", "t", '{"id":"a"}', *key)
    assert zs.json("--hot", hots[0], "flush", "t", *key)[0]["status"] == "archived"
    zs.json("--hot", hots[1], "append", "t", '{"id":"b"}', *key)
    (row,) = zs.json("--hot", hots[1], "flush", "t", *key, code=1)
    assert "resolve" in row["detail"]
    assert zs("--hot", hots[1], "resolve", "t", "--keep", "hot", *key)[0] == 2
    done = zs.json("--hot", hots[1], "resolve", "t", "--keep", "hot", "--yes", *key)
    assert (done["status"], done["generation"]) == ("archived", 2)
    lines = zs("--hot", hots[0], "show", "t", "--json", *key)[1].splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "b"]


def test_doctor_tells_whether_stale_writers_are_refused(zs):
    rows = {row["check"]: row for row in zs.json("doctor")["rows"] if row["tier"] == "cold"}
    assert rows["conditional writes"]["result"] == "ok"
    rows = zs.json("doctor", "--cold", "memory://x?conditional=off&format=v1")["rows"]
    found = {row["check"]: row["result"] for row in rows if row["tier"] == "cold"}
    assert found["conditional writes"] == found["format"] == "warning"


def details(zs, cold):
    rows = zs.json("doctor", "--cold", cold)["rows"]
    return {row["check"]: (row["result"], row["detail"]) for row in rows if row["tier"] == "cold"}


def test_doctor_promises_no_conflict_under_v1(zs):
    assert "one gets a conflict" in details(zs, "memory://two")["conditional writes"][1]
    found = details(zs, "memory://one?format=v1")
    assert found["conditional writes"][0] == "ok"
    assert "replaces the other's" in found["conditional writes"][1]
    assert "conflict" not in found["conditional writes"][1]


def test_doctor_warns_of_a_codec_the_original_cannot_read(zs):
    assert details(zs, "memory://x?format=v1&codec=zstd")["codec"][0] == "warning"
    for cold in ("memory://x?format=v1", "memory://x?format=v1&codec=json", "memory://x"):
        assert "codec" not in details(zs, cold)


def test_version(zs):
    assert zs("--version") == (0, f"zeitlich-store {__version__}\n", "")
