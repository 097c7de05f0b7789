"""Places for message ids: what a v1 archive does not say is found in its messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeitlich_store.models import UNPLACED, Snapshot
from zeitlich_store.snapshot.ids import place_ids


def unplaced(*ids):
    return tuple((message_id, UNPLACED) for message_id in ids)


def id_field(raw):
    return json.loads(raw).get("id")


MESSAGES = ('{"id":"a"}', '{"id":"b"}', '{"id":"a"}', "not json", "{}")


def test_an_id_is_placed_on_the_first_message_that_has_it():
    snapshot = Snapshot(messages=MESSAGES, ids=unplaced("a", "b"))
    assert place_ids(snapshot, id_field).ids == (("a", 0), ("b", 1))


def test_ids_are_ordered_by_place_with_the_unplaced_first_as_read():
    snapshot = Snapshot(messages=MESSAGES, ids=unplaced("b", "y", "a", "x"))
    assert place_ids(snapshot, id_field).ids == (("y", -1), ("x", -1), ("a", 0), ("b", 1))


def test_an_id_without_a_message_stays_taken():
    snapshot = Snapshot(ids=unplaced("gone"))
    assert place_ids(snapshot, id_field) == snapshot


def test_an_id_that_stands_twice_is_kept_once():
    snapshot = Snapshot(messages=MESSAGES, ids=unplaced("a", "b", "a", "z", "z"))
    assert place_ids(snapshot, id_field).ids == (("z", -1), ("a", 0), ("b", 1))


@pytest.mark.parametrize("answer", [None, 7, ["a"]])
def test_a_message_whose_id_is_no_string_has_none(answer):
    snapshot = Snapshot(messages=MESSAGES, ids=unplaced("a"))
    assert place_ids(snapshot, lambda _: answer).ids == (("a", -1),)


def test_without_id_of_raw_equal_counts_are_paired_in_order():
    snapshot = Snapshot(messages=("x", "y"), ids=unplaced("i2", "i1"))
    assert place_ids(snapshot, None).ids == (("i2", 0), ("i1", 1))


def test_without_id_of_raw_an_id_that_stands_twice_keeps_its_first_place():
    snapshot = Snapshot(messages=("x", "y", "z"), ids=unplaced("a", "b", "a"))
    assert place_ids(snapshot, None).ids == (("a", 0), ("b", 1))


@pytest.mark.parametrize("ids", [("i",), ("i", "j", "k"), ()])
def test_without_id_of_raw_unequal_counts_are_left(ids):
    snapshot = Snapshot(messages=("x", "y"), ids=unplaced(*ids))
    assert place_ids(snapshot, None) == snapshot


def test_ids_that_have_their_place_keep_it():
    snapshot = Snapshot(messages=MESSAGES, ids=(("b", 4), ("a", UNPLACED)))
    assert place_ids(snapshot, id_field).ids == (("a", 0), ("b", 4))
    done = Snapshot(messages=MESSAGES, ids=(("b", 4), ("a", 3)))
    assert place_ids(done, id_field) is done


def test_placing_changes_nothing_but_ids():
    snapshot = Snapshot(
        messages=MESSAGES, state="{}", ids=unplaced("b"), generation=3, write_id="w"
    )
    placed = place_ids(snapshot, id_field)
    assert placed.same_content(snapshot)
    assert (placed.generation, placed.write_id) == (3, "w")


@given(st.lists(st.sampled_from("abcdef")), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_placed_ids_name_their_first_message(messages, ids):
    snapshot = Snapshot(messages=tuple(messages), ids=unplaced(*ids))
    placed = place_ids(snapshot, lambda raw: raw).ids
    assert dict(placed) == {i: messages.index(i) if i in messages else UNPLACED for i in ids}
    assert [index for _, index in placed] == sorted(index for _, index in placed)
