"""The command line, run in this process on a memory hot tier and a folder."""

import io
import json
import logging
import sys

import pytest

from zeitlich_store.cli import main

LINES = [
    b'{"id": "m1",  "role": "user", "content": "h\xc3\xa9llo \xe2\x80\xa8 \\ud800"}',
    b'{"role":"assistant","n":123456789012345678901234567890,"id":"m2"}\r',
    b'["no id"]',
]


@pytest.fixture
def data():
    """A JSONL file with everything that re-dumping would change."""
    return b"\n".join(LINES) + b"\n"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.delenv("ZEITLICH_HOT_URL", raising=False)
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold")
    monkeypatch.chdir(tmp_path)
    level = logging.getLogger("zeitlich_store").level
    yield
    logging.getLogger("zeitlich_store").setLevel(level)


class CommandLine:
    """Runs commands: exit code, stdout and stderr; or the document printed with --json."""

    def __init__(self, capsys, monkeypatch):
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *args, stdin=b""):
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(arg) for arg in args])
        out = self._capsys.readouterr()
        return code, out.out, out.err

    def json(self, *args, code=0, stdin=b""):
        got, out, err = self("--json", *args, stdin=stdin)
        assert (got, err) == (code, "")
        return json.loads(out)


@pytest.fixture
def zs(capsys, monkeypatch):
    return CommandLine(capsys, monkeypatch)


@pytest.fixture
def chat(zs, tmp_path, data):
    """A thread `chat`, archived."""
    path = tmp_path / "chat.jsonl"
    path.write_bytes(data)
    zs.json("import", path)
    return path
