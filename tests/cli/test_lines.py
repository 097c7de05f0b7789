"""What goes in comes out byte for byte, and a broken line stops everything."""

import json

import pytest


def test_import_and_export_are_byte_exact(zs, chat, tmp_path, data):
    assert zs("export", "chat", "-o", tmp_path / "out.jsonl")[0] == 0
    assert (tmp_path / "out.jsonl").read_bytes() == data
    assert zs("export", "chat") == (0, data.decode(), "")
    assert zs("show", "chat", "--json") == (0, data.decode(), "")


def test_import_skips_what_is_there_and_blank_lines(zs, chat, data):
    rows = zs.json("import", "--thread", "chat", "-", stdin=b"\n" + data + b'  \n{"id":"m3"}')
    assert rows == [{"thread": "chat", "lines": 4, "new": 2, "skipped": 2, "tier": "cold"}]


def test_import_names_threads_after_files(zs, tmp_path, data):
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(data)
    rows = zs.json("import", "a.jsonl", "b.jsonl")
    assert [row["thread"] for row in rows] == ["a", "b"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"{broken", "line 5: not JSON: Expecting property name"),
        (b"NaN", "line 5: not JSON: NaN"),
        (b'{"a":"\xff"}', "line 5: not UTF-8 (byte 7)"),
        (b"[" * 100_000, "line 5: nested too deeply"),
        (b'{"id":"x"} {}', "line 5: not JSON: Extra data"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_imported(zs, tmp_path, bad, message, data):
    (tmp_path / "good.jsonl").write_bytes(data)
    (tmp_path / "bad.jsonl").write_bytes(data + b"\n" + bad + b"\n")
    code, out, err = zs("import", "good.jsonl", "bad.jsonl")
    assert (code, out) == (2, "")
    assert err.startswith("error: bad.jsonl, ")
    assert message in err
    assert err.count("\n") == 1
    assert zs.json("ls") == {"cursor": None, "rows": []}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["missing.jsonl"], "missing.jsonl: no such file"),
        (["-"], "need --thread"),
        (["a.jsonl", "sub/a.jsonl"], "would both be 'a'"),
        (["a.jsonl", "sub/a.jsonl", "--thread", "x"], "one file"),
        (["a.jsonl", "--thread", "x" * 1025], "at most 1024 bytes"),
        (["a.jsonl", "--thread", "x/y", "--cold", "memory://x?format=v1"], "contains a slash"),
        (["a.jsonl", "--thread", ""], "must not be empty"),
        (["a.jsonl", "--cold", "none"], "nothing would be kept"),
    ],
)
def test_import_refuses_before_it_stores(zs, tmp_path, args, message, data):
    (tmp_path / "sub").mkdir()
    for name in ("a.jsonl", "sub/a.jsonl", ".hidden"):
        (tmp_path / name).write_bytes(data)
    code, out, err = zs("import", *args)
    assert (code, out) == (2, "")
    assert message in err


def test_import_of_a_long_file_goes_in_batches(zs, tmp_path):
    lines = [json.dumps({"id": f"m{at}"}) for at in range(1201)]
    (tmp_path / "long.jsonl").write_text("\n".join(lines))
    assert zs.json("import", "long.jsonl")[0]["new"] == 1201
    assert zs("export", "long")[1].split() == "\n".join(lines).split()


def test_append_begins_a_thread_and_continues_it(zs):
    first = zs.json("append", "t", '{"id":"a"}')
    again = zs.json("append", "t", stdin=b'{"id":"a"}\n{"id":"b"}\n')
    assert first == {"thread": "t", "new": 1, "skipped": 0, "messages": 1, "tier": "cold"}
    assert again == {"thread": "t", "new": 1, "skipped": 1, "messages": 2, "tier": "cold"}
