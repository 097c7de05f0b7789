"""docs/contracts.md tells what the suites really ask of each backend."""

from pathlib import Path

from tests import contract_table

TESTS = Path(__file__).parents[1]


def holds_all(session):
    """Whether a run has all tests: no file is left out and none is deselected."""
    options = session.config.option
    narrowed = options.keyword or options.markexpr or options.deselect or getattr(options, "lf", 0)
    files = {path for path in TESTS.rglob("test_*.py") if "Suite" in path.read_text("utf-8")}
    return not narrowed and files <= {item.path for item in session.items}


def test_the_page_tells_what_is_collected(request):
    told = contract_table.documented(contract_table.PAGE.read_text("utf-8"))
    found = contract_table.counted(request.session.items)
    advice = "run `make contracts`"
    if holds_all(request.session):
        assert found == told, advice
    else:
        assert set(found) <= set(told), advice
        assert all(number <= told[place] for place, number in found.items()), advice


def test_a_page_is_read_as_it_is_written():
    counts = {("a, b", "CodecSuite"): 1200, ("a, b", "HotTierSuite"): 3, ("c", "CodecSuite"): 5}
    table = contract_table.markdown(contract_table.Counter(counts))
    assert table.splitlines() == [
        "| backend | Codec | HotTier | all |",
        "| --- | ---: | ---: | ---: |",
        "| a, b | 1,200 | 3 | 1,203 |",
        "| c | 5 | - | 5 |",
        "| 2 in all | 1,205 | 3 | 1,208 |",
    ]
    page = f"# Page\n\n<!-- contracts -->\n\n{table}\n\n<!-- end -->\n"
    assert contract_table.documented(page) == counts
