"""`resolve` from a terminal: it asks, like `rm`, and says what it did."""

import json

import pytest


@pytest.fixture
def conflict(zs, redis_server, tmp_path):
    """The options of a hot tier whose copy of `t` is in conflict with the archive."""
    key = ["--key", tmp_path.name]
    hots = [f"redis://{redis_server.host}:{redis_server.port}/{db}" for db in (5, 6)]
    for hot, name in zip(hots, "ab", strict=True):
        zs.json("append", "t", json.dumps({"id": name}), "--hot", hot, *key)
    assert zs.json("flush", "t", "--hot", hots[0], *key)[0]["status"] == "archived"
    assert zs("flush", "t", "--hot", hots[1], *key)[0] == 1
    return ["--hot", hots[1], *key]


def ids(zs, options):
    return [json.loads(line)["id"] for line in zs("show", "t", "--json", *options)[1].splitlines()]


def test_nobody_to_ask_is_bad_input_and_both_versions_stay(zs, conflict):
    code, _, err = zs("resolve", "t", "--keep", "archive", *conflict)
    assert (code, "--yes" in err) == (2, True)
    assert ids(zs, conflict) == ["b"]
    assert ids(zs, ["--hot", "memory://", *conflict[2:]]) == ["a"]


@pytest.mark.parametrize(
    ("keep", "left", "status"),
    [
        ("hot", ["b"], "archived"),
        ("archive", ["a"], "dropped"),
    ],
)
def test_the_version_named_stays(zs, conflict, keep, left, status):
    done = zs.json("resolve", "t", "--keep", keep, "--yes", *conflict)
    assert done["status"] == status
    assert ids(zs, conflict) == left
    assert not zs.json("stat", "t", *conflict)["hot"]


def test_a_conflict_names_the_command_that_ends_it(zs, conflict):
    (row,) = zs.json("flush", "t", *conflict, code=1)
    _, out, _ = zs("flush", "t", *conflict)
    for text in (row["detail"], " ".join(out.split())):
        assert "zeitlich-store resolve THREAD --keep hot" in text
        assert "resolve('hot')" not in text


def test_a_thread_in_neither_tier_is_a_failure_and_an_archived_one_is_not(zs, chat):
    code, out, err = zs("resolve", "typo", "--keep", "hot", "--yes")
    assert (code, out) == (1, "")
    assert "'messages/typo' is in neither tier" in err
    assert zs.json("resolve", "chat", "--keep", "hot", "--yes")["status"] == "nothing"


def test_it_has_to_be_told_which(zs, chat):
    assert zs("resolve", "chat", "--yes")[0] == 2
    assert zs("resolve", "chat", "--keep", "mine", "--yes")[0] == 2
