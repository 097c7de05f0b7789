"""`zeitlich_store.testing`: its names, its libraries, and the table of contracts."""

import sys
from types import SimpleNamespace

import pytest

import zeitlich_store.testing as kit
from tests import contracts, points
from zeitlich_store import ConfigurationError
from zeitlich_store.testing.contracts import suite_of


@pytest.mark.parametrize("name", kit.__all__)
def test_every_suite_is_imported_from_the_package(name):
    assert getattr(kit, name).__name__ == name
    assert name in dir(kit)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NoSuite"):
        kit.NoSuite  # noqa: B018  # asking for it is the test


def test_a_missing_library_is_told_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    monkeypatch.delitem(sys.modules, "zeitlich_store.testing.codec_suite", raising=False)
    with pytest.raises(ConfigurationError, match=r"zeitlich-store\[testing\].*pytest"):
        kit.CodecSuite  # noqa: B018  # as above


def test_a_contract_belongs_to_the_suite_that_brings_it():
    class TestMine(kit.ConditionalStoreSuite):
        def test_of_its_own(self):
            """Nobody's contract."""

    assert suite_of(TestMine, "test_a_listing_of_nothing_is_empty") == "ObjectStoreSuite"
    conditional = "test_a_conditional_put_creates_once"
    assert suite_of(TestMine, conditional) == "ConditionalStoreSuite"
    assert suite_of(TestMine, "test_of_its_own") is None
    assert suite_of(None, "test") is None


def test_the_table_counts_a_contract_once_and_by_its_worst_outcome():
    def report(node, backend, suite):
        return SimpleNamespace(nodeid=node, user_properties=[("contract", [backend, suite])])

    counts = contracts.outcomes(
        [
            ("passed", report("a", "folder", "ColdTierSuite")),
            ("failed", report("a", "folder", "ColdTierSuite")),  # in its teardown
            ("passed", report("b", "folder", "ColdTierSuite")),
            ("passed", report("c", "folder", "CodecSuite")),
            ("skipped", report("d", "cloud", "CodecSuite")),
            ("passed", SimpleNamespace(nodeid="e", user_properties=[])),
        ]
    )
    rows = [" ".join(line.split()) for line in contracts.table(counts)]
    assert rows == [
        "backend Codec ColdTier all",
        "cloud 0/0 (1 skipped) - 0/0 (1 skipped)",
        "folder 1/1 1/2 2/3",
    ]


def test_points_of_the_crash_matrix_are_added_up_by_backend():
    def report(backend, tried, when="call"):
        return SimpleNamespace(when=when, user_properties=[(points.NAME, [backend, tried])])

    passed = [report("s3", 3), report("memory", 1000), report("s3", 6), report("s3", 6, "teardown")]
    passed.append(SimpleNamespace(when="call", user_properties=[("contract", ["a", "b"])]))
    assert points.line(passed) == "crash matrix: 1,009 points (memory 1,000, s3 9)"
    assert points.line([]) == ""


def test_the_tests_of_the_store_are_counted_by_the_kind_of_store():
    def report(node, kind):
        return SimpleNamespace(nodeid=node, user_properties=[("store", kind)])

    counts = contracts.on_each_store(
        [
            ("passed", report("a", "asynchronous")),
            ("passed", report("b", "blocking")),
            ("passed", report("c", "blocking")),
            ("failed", report("d", "blocking")),
            ("passed", SimpleNamespace(nodeid="e")),
        ]
    )
    assert counts == {"asynchronous": 1, "blocking": 2}
