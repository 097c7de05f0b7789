"""JSON text in and out, the way JavaScript's `JSON.stringify` and Python's `json` agree on it.

orjson is picked up here alone, at the first use, and only where it cannot answer differently.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# orjson makes a float of an integer that does not fit 64 bits. The shortest of them has 19 digits,
# and mapping digits to one byte to look for that many in a row takes a fifth of a regex's time.
_DIGITS_ALIKE: Final = bytes(ord("0" if chr(byte).isdecimal() else " ") for byte in range(256))
_LONG_NUMBER: Final = b"0" * 19


def dumps(obj: object) -> str:
    r"""Compact JSON text of `obj`, unicode unescaped, always encodable as UTF-8.

    Lone surrogates are escaped as `JSON.stringify` does it. Raises `TypeError` for what JSON
    cannot hold and `ValueError` for NaN, infinities, circles and nesting that is too deep.

    >>> dumps({"text": "h\u00e9 \ud800"})
    '{"text":"hé \\ud800"}'
    """
    try:
        text = _ENCODER.encode(obj)
    except RecursionError as exc:
        raise ValueError("the value is nested too deeply for JSON") from exc
    return escape_surrogates(text)


def loads(text: str) -> Any:
    """The value of JSON text, as `json.loads` gives it: also lone surrogates, NaN and big integers.

    Raises `ValueError` for what `json` refuses and for nesting that is too deep.

    >>> loads('{"n": 1180591620717411303424}')
    {'n': 1180591620717411303424}
    """
    fast = _fast_loads()
    if fast is not None:
        try:
            data = text.encode()
            if _LONG_NUMBER not in data.translate(_DIGITS_ALIKE):
                return fast(data)
        except (ValueError, RecursionError):  # json may still read it, or names the fault better
            pass
    try:
        return json.loads(text)
    except RecursionError as exc:
        raise ValueError("the JSON text is nested too deeply") from exc


def escape_surrogates(text: str) -> str:
    r"""JSON text with every surrogate in it written as ``\udXXX``.

    Surrogates stand in JSON text only within strings, where the escape means the same character.
    """
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _fast_loads() -> Callable[[bytes], Any] | None:
    """`orjson.loads`, or None where orjson is not installed."""
    try:
        loads: Callable[[bytes], Any] = importlib.import_module("orjson").loads
    except ImportError:
        return None
    return loads
