"""`verify` from a terminal: what it names, what it counts, how it exits."""


def objects(tmp_path):
    return {path: path.read_bytes() for path in (tmp_path / "cold").rglob("*") if path.is_file()}


def test_a_named_thread_without_an_archive_is_told(zs, chat):
    assert zs("verify", "chat", "typo") == (
        1,
        "1 archive, 0 damaged\n",
        "thread 'typo' has no archive\n",
    )


def test_threads_and_all_exclude_each_other(zs, chat):
    assert zs("verify", "chat", "--all")[0] == 2


def test_all_reads_every_key(zs, chat):
    zs.json("append", "x", "{}", "--key", "other")
    assert zs.json("verify")["archives"] == 1
    assert zs.json("verify", "--all")["archives"] == 2


def test_swapped_truncated_and_doubled_archives_are_each_named_and_stay(zs, chat, tmp_path):
    for name in ("one", "two", "short", "double"):
        zs.json("append", name, '{"id":"m"}')
    heads = {path.parent.name: path for path in (tmp_path / "cold").rglob("head.zt2")}
    one, two = heads["one"].read_bytes(), heads["two"].read_bytes()
    heads["one"].write_bytes(two)
    heads["two"].write_bytes(one)
    heads["short"].write_bytes(heads["short"].read_bytes()[:-1])
    older = tmp_path / "cold/threads/messages"
    older.mkdir(parents=True)
    (older / "double.json").write_text('{"v":1,"messages":[],"state":null,"dedupIds":[]}')
    before = objects(tmp_path)
    found = zs.json("verify", code=1)
    assert (found["archives"], found["damaged"]) == (6, 4)
    assert [row["thread"] for row in found["rows"]] == ["one", "short", "two", "double"]
    assert zs("verify")[1].endswith("6 archives, 4 damaged\n")
    assert objects(tmp_path) == before
