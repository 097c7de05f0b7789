"""JSON text: what `JSON.stringify` would write, what `json.loads` would read."""

import importlib.util
import json
import math
import subprocess
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store import _json
from zeitlich_store._json import dumps, escape_surrogates, loads

any_text = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)


def as_utf16(value):
    """`value` with surrogate pairs joined, which JSON cannot keep apart."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [as_utf16(item) for item in value]
    if isinstance(value, dict):
        return {as_utf16(name): as_utf16(item) for name, item in value.items()}
    return value


@pytest.fixture
def fast(monkeypatch):
    """A stand-in for orjson that says what it was asked."""
    asked = []

    def fake_loads(data):
        asked.append(data)
        if b"refuse" in data:
            raise ValueError("refused")
        if b"deep" in data:
            raise RecursionError
        return "from orjson"

    monkeypatch.setitem(sys.modules, "orjson", types.SimpleNamespace(loads=fake_loads))
    _json._fast_loads.cache_clear()
    yield asked
    _json._fast_loads.cache_clear()


@pytest.fixture
def slow(monkeypatch):
    """No orjson, installed or not."""
    monkeypatch.setitem(sys.modules, "orjson", None)
    _json._fast_loads.cache_clear()
    yield
    _json._fast_loads.cache_clear()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True], "b": 1.5}, '{"a":[1,null,true],"b":1.5}'),
        ("héllo 世界 🚀", '"héllo 世界 🚀"'),
        ("\ud800 broken \udfff", '"\\ud800 broken \\udfff"'),
        ("\u2028\x7f/", '"\u2028\x7f/"'),
        ('\0\t\b\n\f\r\x1f"\\', '"\\u0000\\t\\b\\n\\f\\r\\u001f\\"\\\\"'),
        ({"\ude00": 1}, '{"\\ude00":1}'),
        (10**30, "1" + "0" * 30),
    ],
)
def test_dumps_writes_what_json_stringify_writes(value, text):
    assert dumps(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf]])
def test_dumps_refuses_what_is_no_json_number(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(value)


def test_dumps_refuses_what_json_cannot_hold():
    with pytest.raises(TypeError):
        dumps({"a": object()})
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        dumps(circle)


def test_dumps_and_loads_refuse_deep_nesting_as_a_value_error(slow):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        dumps(deep)
    while deep:  # taken apart by hand: freeing it whole would recurse
        deep = deep[0]
    with pytest.raises(ValueError, match="nested too deeply"):
        loads("[" * 100_000 + "]" * 100_000)


@settings(deadline=None)
@given(values)
def test_any_value_comes_back_through_utf8(value):
    assert loads(dumps(value).encode().decode()) == as_utf16(value)


@given(any_text)
def test_escaped_surrogates_mean_the_same_json(text):
    raw = json.dumps(text, ensure_ascii=False)
    assert json.loads(escape_surrogates(raw)) == as_utf16(text)
    assert escape_surrogates(raw).encode()


def test_loads_asks_orjson_where_it_is_installed(fast):
    assert loads('{"n": 123456789012345678}') == "from orjson"
    assert fast == [b'{"n": 123456789012345678}']


@pytest.mark.parametrize("text", ["1234567890123456789", '["-9223372036854775809"]', f"[{10**25}]"])
def test_loads_never_shows_orjson_a_number_it_might_round(fast, text):
    assert loads(text) == json.loads(text)
    assert fast == []


@pytest.mark.parametrize("text", ['"refuse"', '"deep"', '"\ud800"'])
def test_loads_falls_back_to_json_where_orjson_refuses(fast, text):
    assert loads(text) == json.loads(text)


def test_loads_works_without_orjson(slow):
    assert loads('{"a": [1e400, "\\ud800"]}') == {"a": [math.inf, "\ud800"]}
    with pytest.raises(ValueError, match="Expecting"):
        loads("{")


def test_orjson_is_not_imported_before_the_first_use():
    code = "import sys, zeitlich_store._json as j; print('orjson' in sys.modules); j.loads('1')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


@pytest.mark.skipif(importlib.util.find_spec("orjson") is None, reason="orjson is not installed")
class TestWithOrjson:
    """The same answers, whichever parser is there."""

    @pytest.mark.parametrize(
        "text",
        [
            *("-0", "-0.0", "1e5", "1E400", "-1e400", "1e-400", "4.35", "5e-324", "1" * 18 + ".5"),
            *("9223372036854775807", "9223372036854775808", "18446744073709551616", "-" + "9" * 30),
            *('{"a":1,"b":2,"a":3}', '"\\ud83d\\ude00"', '"\\ud800"', '"\ud800"', " [1 ] ", "NaN"),
            *('"\\u0000\x7f\u2028"', "[" * 300 + "]" * 300, "Infinity"),
        ],
    )
    def test_loads_equals_json(self, text):
        assert repr(loads(text)) == repr(json.loads(text))

    @pytest.mark.parametrize(
        "text", ["", "\ufeff1", "01", "1.", "[1,]", "'a'", '"\n"', "{", "1 2", "9" * 5000]
    )
    def test_loads_refuses_what_json_refuses(self, text):
        with pytest.raises(ValueError, match=r"."):
            json.loads(text)
        with pytest.raises(ValueError, match=r"."):
            loads(text)

    @settings(deadline=None, max_examples=500)
    @given(values)
    def test_loads_equals_json_for_any_value(self, value):
        text = json.dumps(value)
        assert repr(loads(text)) == repr(json.loads(text))
        assert repr(loads(dumps(value))) == repr(json.loads(text))
