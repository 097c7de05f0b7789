"""Names of threads: each works in both tiers and stays distinct, or is refused before any I/O."""

import pytest

NAME = "thread (id|key)"
ODD_IDS = [
    "a b",
    "a:b",
    "{a}",
    "}:list",
    "*",
    "?",
    "[x]",
    "%41",
    "a%b",
    "ü",
    "u\u0308",
    "A",
    "a",
    "-",
    "a/b",
    "..",
    ".a",
    "a\0b",
    "a\nb",
    "a::b",
    "con",
    "y" * 201,
    "é" * 400,
]


async def test_odd_ids_stay_distinct_through_both_tiers(bench):
    names = [f"{bench.id}{name}" for name in ODD_IDS]
    for name in names:
        async with bench.store.session(name) as thread:
            await thread.append({"id": "m", "name": name})
    for name in names:
        assert (await bench.store.read(name)).messages == [{"id": "m", "name": name}]


@pytest.mark.parametrize(
    "name",
    ["", "x" * 1025, "é" * 513, "\ud800", "a/b", "..", ".a", "a\0b", "a\nb", "a::b", "y" * 201],
)
async def test_an_id_either_tier_has_no_place_for_is_a_value_error_before_any_io(v1_bench, name):
    bench = v1_bench
    for call in (bench.store.thread, bench.store.session):
        with pytest.raises(ValueError, match=NAME):
            call(name)
        with pytest.raises(ValueError, match=NAME):
            call("t", key=name)
    for call in (bench.store.read, bench.store.stat, bench.store.delete):
        with pytest.raises(ValueError, match=NAME):
            await call(name)
    thread = bench.store.thread(bench.id)
    await thread.initialize()
    bench.calls.clear()
    with pytest.raises(ValueError, match=NAME):
        await thread.fork(name)
    assert bench.calls == []


@pytest.mark.parametrize("name", [None, 7, b"t"])
async def test_an_id_that_is_no_str_is_a_type_error(bench, name):
    with pytest.raises(TypeError, match="is a str"):
        bench.store.thread(name)
