"""Which suite a contract belongs to, and the sentence it is called by."""

from __future__ import annotations


def suite_of(cls: type | None, test: str) -> str | None:
    """The name of the suite that brings a test to a class; None: it is the class's own.

    A suite is a class whose name ends with ``Suite``; where one builds upon another, the lower one
    that has the test counts.
    """
    for base in reversed(cls.__mro__[1:] if cls else ()):
        if base.__name__.endswith("Suite") and hasattr(base, test):
            return base.__name__
    return None


def sentence(name: str) -> str:
    """A contract's name in words.

    >>> sentence("test_an_odd_name_addresses_exactly_its_object[a b]")
    'an odd name addresses exactly its object [a b]'
    """
    words, bracket, rest = name.removeprefix("test_").partition("[")
    return words.replace("_", " ") + (f" [{rest}" if bracket else "")
