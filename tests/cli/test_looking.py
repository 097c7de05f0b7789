"""Commands that change nothing."""

import json

import pytest

from zeitlich_store import registry
from zeitlich_store.cli import catalog


def test_show_prints_a_table_without_control_characters(zs):
    zs.json("append", "t", json.dumps({"role": "\x1b[31m", "content": "[bold]x\x07" * 90}))
    code, out, err = zs("show", "t", "--last", "1")
    assert (code, err) == (0, "")
    assert "[bold]x" in out
    assert "1 message, cold" in out
    assert not {"\x1b", "\x07"} & set(out)


def test_show_last(zs, chat):
    assert zs("show", "chat", "--last", "1", "--json")[1] == '["no id"]\n'
    assert zs("show", "chat", "--last", "0", "--json")[1] == ""
    assert zs("show", "chat", "--last", "-1")[0] == 2


def test_ls_pages(zs):
    for name in "abc":
        zs.json("append", name, "{}")
    page = zs.json("ls", "--limit", "2")
    rest = zs.json("ls", "--limit", "2", "--cursor", page["cursor"])
    assert [row["thread"] for row in page["rows"] + rest["rows"]] == ["a", "b", "c"]
    assert "2 threads, more: --cursor" in zs("ls", "--limit", "2")[1]
    assert zs.json("ls", "--key", "other")["rows"] == []


def test_stat(zs, chat):
    found = zs.json("stat", "chat")
    assert found["archived_messages"] == 3
    assert found["hot"] is False
    assert "archived messages" not in zs("stat", "chat")[2]


def test_export_all_writes_a_file_for_each_thread(zs, chat, tmp_path, data):
    zs.json("append", "a b?%", "{}")
    code, out, err = zs("export", "--all", "-o", tmp_path / "out")
    assert (code, out) == (0, "")
    assert "2 threads exported" in err
    assert (tmp_path / "out" / "chat.jsonl").read_bytes() == data
    assert (tmp_path / "out" / "a b%3F%25.jsonl").read_bytes() == b"{}\n"
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("char", ["a", "%", "ü", "🚀"])
def test_export_all_shortens_names_that_are_too_long_for_a_file(zs, tmp_path, char):
    longest = char * (1024 // len(char.encode()))
    for name in (longest, longest[:-1]):
        zs.json("append", name, json.dumps({"n": len(name)}))
    code, _, err = zs("export", "--all", "-o", tmp_path / "out")
    assert (code, err.count("2 threads exported")) == (0, 1)
    found = list((tmp_path / "out").iterdir())
    assert {len(path.name) <= 255 for path in found} == {True}
    counts = sorted(json.loads(path.read_text())["n"] for path in found)
    assert counts == [len(longest) - 1, len(longest)]


def test_looking_makes_no_folder(zs, tmp_path):
    cold = ("--cold", f"file://{tmp_path}/none/here")
    assert zs("ls", *cold) == (0, "0 threads\n", "")
    assert zs("show", "t", *cold)[0] == 1
    assert zs("verify", "--all", *cold)[:2] == (0, "0 archives, 0 damaged\n")
    assert not (tmp_path / "none").exists()


def test_export_joins_a_message_of_several_lines(zs):
    zs.json("append", "t", '{"a":\n1}')
    assert zs("export", "t")[1] == '{"a": 1}\n'


@pytest.mark.parametrize("args", [[], ["t", "--all"], ["--all"]])
def test_export_wants_a_thread_or_all_and_a_folder(zs, args):
    assert zs("export", *args)[0] == 2


def test_doctor_leaves_nothing_behind(zs, tmp_path):
    found = zs.json("doctor")
    assert found["ok"]
    files = [path for path in (tmp_path / "cold").rglob("*") if path.is_file()]
    assert [path for path in files if path.parent.name != ".locks"] == []
    assert "conditional writes" in zs("doctor")[1]
    assert "hot only" in zs("doctor", "--cold", "none")[1]


def test_doctor_fails_where_a_tier_does_not_answer(zs, tmp_path):
    (tmp_path / "file").write_text("")
    tiers = ("--hot", "redis://127.0.0.1:1/0", "--cold", "file://file/x")
    found = zs.json("doctor", *tiers, code=1)
    failed = [(row["tier"], row["check"]) for row in found["rows"] if row["result"] == "failed"]
    assert (found["ok"], failed) == (False, [("hot", "connect"), ("cold", "connect")])


def test_codecs_and_backends(zs):
    codecs = {row["codec"]: row["suffix"] for row in zs.json("codecs")}
    assert codecs == {"json": ".json", "gzip": ".json.gz", "zstd": ".json.zst"}
    assert {"s3://", "redis://"} <= {row["scheme"] for row in zs.json("backends")}


def test_backends_lists_what_a_url_may_be_and_the_extra_of_every_library_that_is_missing(
    zs, monkeypatch
):
    rows = {row["scheme"]: row for row in zs.json("backends") if row["tier"] == "cold"}
    assert {"ftp://", "none"} <= set(rows)
    monkeypatch.setattr(catalog, "find_spec", lambda _: None)
    hints = {row["scheme"]: row["install"] for row in zs.json("backends") if row["tier"] == "cold"}
    extras = {f"{entry.name}://": entry.extra for entry in registry.backends("cold")}
    for scheme, extra in {**extras, "none": None}.items():
        assert hints[scheme] == (f'pip install "zeitlich-store[{extra}]"' if extra else "")


def test_demo_compares_every_transcript(zs, monkeypatch, tmp_path):
    monkeypatch.setenv("ZEITLICH_COLD_URL", "s3://never-used")
    code, out, err = zs("demo", "--dir", tmp_path / "kept")
    assert (code, err) == (0, "")
    assert "11 of 11 transcripts came back byte for byte" in out
    assert len(list((tmp_path / "kept").rglob("head.zt2"))) == 11
    again = zs.json("demo", "--dir", tmp_path / "kept")
    assert (again["ok"], again["threads"]) == (11, 11)


def test_demo_fails_where_something_else_comes_back(zs, monkeypatch):
    from zeitlich_store.thread import Thread

    async def other(self, last=None):
        return ["{}"]

    monkeypatch.setattr(Thread, "load", other)
    code, out, _ = zs("demo")
    assert code == 1
    assert "0 of 11" in out


@pytest.mark.parametrize("codec", ["json", "gzip"])
def test_demo_with_other_tiers(zs, redis_server, codec):
    args = ["--hot", redis_server.url, "--cold", f"memory://demo-{codec}", "--codec", codec]
    assert zs.json("demo", *args, "--key", f"demo-{codec}")["ok"] == 11
