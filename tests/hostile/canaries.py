"""Secrets that are looked for wherever the package could show one."""

import logging
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import zeitlich_store

PACKAGE = str(Path(zeitlich_store.__file__).parent)
CANARIES = {
    "password": "canary-pass/word%1",
    "user": "canary-user-1",
    "parameter": "canary-parameter-1",
    "access key id": "CANARYACCESSKEYID001",
    "secret key": "canary-secret-key-0001",
    "session token": "canary-session-token-0001",
    "account key": "Y2FuYXJ5LWFjY291bnQta2V5LTAwMDE=",
    "SAS signature": "canarysig%2Bnature0001",
    "endpoint password": "canary-endpoint-pw",
    "private key": "canary-private-key-0001",
    "sentinel password": "canary-sentinel/pw%1",
}


def hits(text):
    """The kinds of canaries a text contains, as they are or percent-encoded."""
    shapes = {kind: (secret, quote(secret, safe="")) for kind, secret in CANARIES.items()}
    return {kind for kind, (plain, encoded) in shapes.items() if plain in text or encoded in text}


def chain(exc):
    """An exception and everything it came from."""
    seen, left = [], [exc]
    while left:
        link = left.pop()
        if link is not None and link not in seen:
            seen.append(link)
            left += [link.__cause__, link.__context__]
    return seen


def ours(link):
    return type(link).__module__.startswith("zeitlich_store")


def shown_by(exc):
    """Everything of ours that an exception shows: texts of our errors, locals of our frames."""
    for link in chain(exc):
        if ours(link):
            yield f"error {type(link).__name__}", f"{link!s} {link!r} {link.args!r}"
            yield "notes", repr(getattr(link, "__notes__", ()))
        for frame, line in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename.startswith(PACKAGE):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}:{line} local {name}", repr(value)


class Watch(logging.Handler):
    """Collects what is logged, warned and raised, and tells which canaries that shows."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.texts, self.theirs = [], set()

    def emit(self, record):
        text = f"{record.getMessage()} {record.args!r} {record.exc_text or ''}"
        if record.exc_info and record.exc_info[1] is not None:
            self.raised(record.exc_info[1])
            text += "".join(traceback.format_exception(*record.exc_info))
        if record.name.startswith("zeitlich_store"):
            self.texts.append((f"log {record.name}", text))
        else:
            self.theirs |= {(record.name, kind) for kind in hits(text)}

    def raised(self, exc):
        self.texts += shown_by(exc)

    def saw(self, what, value):
        self.texts += [(what, str(value)), (what, repr(value))]

    def found(self):
        """Where of ours a canary was shown."""
        return sorted({(where, kind) for where, text in self.texts for kind in hits(text)})


@contextmanager
def watching():
    """Everything at DEBUG, and every warning, while the block runs."""
    watch, root = Watch(), logging.getLogger()
    level, named = root.level, logging.getLogger("zeitlich_store").level
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    logging.getLogger("zeitlich_store").setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield watch
        for each in caught:
            watch.saw(f"warning {each.category.__name__}", each.message)
    finally:
        root.removeHandler(watch)
        root.setLevel(level)
        logging.getLogger("zeitlich_store").setLevel(named)
