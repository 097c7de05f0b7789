"""Distinct threads never share a Redis key or an object path, whatever their names are."""

import posixpath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from redis.crc import key_slot

from zeitlich_store import keys
from zeitlich_store.backends import redis_wire as wire
from zeitlich_store.models import ThreadRef

NASTY = st.text(alphabet=":{}%/\\.?*[]^-a3A \0\n~_é\u0301", min_size=1, max_size=8)
REFS = st.builds(ThreadRef, NASTY | st.text(min_size=1), NASTY | st.text(min_size=1))
SUFFIXES = ("", ".gz", ".zst")


def redis_keys(ref: ThreadRef) -> set[str]:
    parts = {keys.list_key, keys.meta_key, keys.state_key, keys.ids_key}
    return {part(ref.key, ref.id) for part in parts} | {
        keys.gate_key(ref),
        keys.stage_key(ref, "0123"),
        keys.stage_key(ref, "0123:ids"),
    }


@given(REFS, REFS)
def test_distinct_threads_share_no_redis_key(first, second):
    assume(first != second)
    assert not redis_keys(first) & redis_keys(second)


@given(REFS)
def test_the_keys_of_a_thread_are_distinct_and_on_one_cluster_slot(ref):
    names = redis_keys(ref)
    assert len(names) == 7
    assert len({key_slot(name.encode()) for name in names}) == 1
    assert set(wire.thread_keys(ref)) | set(wire.stage_keys(ref)) >= set(wire.thread_keys(ref))


@given(REFS)
def test_the_thread_is_read_back_from_its_meta_key(ref):
    assert keys.ref_of_meta_key(keys.meta_key(ref.key, ref.id)) == ref


@given(REFS)
def test_only_meta_keys_name_a_thread(ref):
    for name in redis_keys(ref) - {keys.meta_key(ref.key, ref.id)}:
        with pytest.raises(ValueError, match="meta key"):
            keys.ref_of_meta_key(name)


def v1_names(ref: ThreadRef) -> set[str]:
    try:
        path = keys.v1_path("threads", ref)
    except ValueError:
        return set()
    return {path + suffix for suffix in SUFFIXES}


@given(REFS, REFS)
def test_distinct_threads_share_no_object_path(first, second):
    assume(first != second)
    assert not v1_names(first) & v1_names(second)


@given(REFS)
def test_an_object_path_stays_below_its_prefix_and_means_itself(ref):
    for path in v1_names(ref):
        assert path.startswith("threads/")
        assert path.count("/") == 2
        assert posixpath.normpath(path) == path


@pytest.mark.parametrize("name", ["a", "t-42", "é", "a b", "a:b", "{a}", "a%2Fb", "a?b", "a*b"])
def test_plain_names_have_an_object_path_as_they_are(name):
    assert keys.v1_path("threads", ThreadRef("k", name)) == f"threads/k/{name}.json"
