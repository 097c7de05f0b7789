"""`convert` from a terminal: its codec and level, what it exits with."""

import pytest


@pytest.fixture
def head(chat, tmp_path):
    (path,) = (tmp_path / "cold").rglob("chat/head.zt2")
    return path


def test_the_codec_is_the_commands_whatever_the_url_names(zs, head, monkeypatch, tmp_path):
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold?codec=zstd&level=3")
    before = head.stat().st_size
    (row,) = zs.json("convert", "--format", "v2", "--codec", "json")
    assert row == {
        "key": "messages",
        "thread": "chat",
        "status": "converted",
        "format": "v2",
        "bytes_before": before,
        "bytes_after": head.stat().st_size,
        "detail": "",
    }
    assert zs.json("stat", "chat")["archived_generation"] == 2
    (row,) = zs.json("convert", "--format", "v2", "--codec", "zstd", "--level", "19")
    assert row["status"] == "converted"


@pytest.mark.parametrize("args", [["--level", "3"], ["chat", "--all"], ["--codec", "zst"]])
def test_bad_input_changes_nothing(zs, head, args):
    before = head.read_bytes()
    assert zs("convert", "--format", "v1", *args)[0] == 2
    assert head.read_bytes() == before


def test_a_thread_without_an_archive_is_a_failure(zs, head):
    rows = zs.json("convert", "typo", "chat", "--format", "v1", code=1)
    assert [row["status"] for row in rows] == ["failed", "converted"]


def test_an_object_of_an_unknown_thread_is_a_row_with_its_path(zs, head, tmp_path):
    zs.json("append", "n" * 300, "{}")
    (hashed,) = (path for path in (tmp_path / "cold").rglob("head.zt2") if path != head)
    hashed.write_bytes(hashed.read_bytes()[:-5])
    rows = {row["thread"]: row for row in zs.json("convert", "--format", "v1", code=1)}
    assert rows["chat"]["status"] == "converted"
    assert hashed.parent.name in rows[None]["detail"]
    assert "failed" in zs("convert", "--format", "v1")[1]


def test_stat_tells_the_format(zs, head):
    assert zs.json("stat", "chat")["archived_format"] == "v2"
    zs.json("convert", "--format", "v1")
    assert zs.json("stat", "chat")["archived_format"] == "v1"
    assert zs.json("stat", "chat")["archived_generation"] is None


def names(tmp_path):
    return [path.name for path in (tmp_path / "cold").rglob("chat.json*")]


def test_v1_is_gzip_which_the_original_reads_where_nobody_names_a_codec(zs, head, tmp_path):
    zs.json("convert", "--format", "v1")
    assert names(tmp_path) == ["chat.json.gz"]
    assert zs.json("convert", "--format", "v1")[0]["status"] == "already"


@pytest.mark.parametrize("options", [(), ("--codec", "json")])
def test_a_codec_the_original_reads_is_taken_from_command_or_url(
    zs, head, options, monkeypatch, tmp_path
):
    url = "codec=zstd" if options else "codec=json"
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold?{url}")
    zs.json("convert", "--format", "v1", *options)
    assert names(tmp_path) == ["chat.json"]


@pytest.mark.parametrize("options", [(), ("--codec", "zstd")])
def test_zstd_for_v1_is_done_with_a_warning(zs, head, options, monkeypatch, tmp_path):
    url = "" if options else "?codec=zstd"
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold{url}")
    code, _, err = zs("convert", "--format", "v1", *options)
    assert (code, names(tmp_path)) == (0, ["chat.json.zst"])
    assert err.startswith("warning: the original")
    assert "reads no zstd" in err
