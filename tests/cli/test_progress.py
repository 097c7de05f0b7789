"""Long work shows on a terminal how far it is; a pipe gets the output and nothing else."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zeitlich_store

KEY = "progress"
LONG = {
    "verify": (["verify"], r"verifying .* 3 "),
    "verify --all": (["verify", "--all"], r"verifying .* 3 "),
    "convert": (["convert", "--format", "v2", "--codec", "gzip"], r"converting .* 3 "),
    "convert --all": (["convert", "--all", "--format", "v1"], r"converting .* 3 "),
    "import": (["import", "t0.jsonl", "t1.jsonl"], r"importing .* 2 "),
    "export --all": (["export", "--all", "-o", "out"], r"exporting .* 3 "),
    "demo": (["demo", "--dir", "demo"], r"transcripts .* 11 "),
    "conformance": (["conformance", "--codec", "gzip"], r"contracts .* \d\d "),
}
SAID = {"export --all": "3 threads exported to out\n"}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def threads(zs, tmp_path):
    """Three archived threads."""
    names = [f"t{n}.jsonl" for n in range(3)]
    for name in names:
        (tmp_path / name).write_text('{"id":"a"}\n')
    zs.json("--key", KEY, "import", *names)


@pytest.fixture
def environment(monkeypatch):
    """A usual terminal, and this checkout in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(zeitlich_store.__file__).parents[1]))
    monkeypatch.setenv("TERM", "xterm")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def command(args):
    return [sys.executable, "-m", "zeitlich_store.cli", "--json", "--key", KEY, *args]


def on_a_terminal(args, folder):
    """The exit code, what went to stdout, a file, and what the terminal at stderr was sent."""
    ours, theirs = pty.openpty()
    with (folder / "stdout").open("w+b") as out:
        with subprocess.Popen(command(args), stdout=out, stderr=theirs) as process:
            os.close(theirs)
            shown = b"".join(iter(lambda: piece(ours), b""))
        os.close(ours)
        out.seek(0)
        return process.returncode, out.read(), ESCAPES.sub("", shown.decode())


def piece(terminal):
    """What comes next, nothing at the end, which Linux tells by an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def in_a_pipe(args):
    done = subprocess.run(command(args), capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("name", LONG)
def test_long_work_shows_on_a_terminal_how_far_it_is(name, threads, environment, tmp_path):
    args, progress = LONG[name]
    code, out, shown = on_a_terminal(args, tmp_path)
    assert code == 0, shown
    assert re.search(progress, shown)
    json.loads(out or "null")


@pytest.mark.parametrize("name", LONG)
def test_in_a_pipe_there_is_the_output_and_nothing_else(name, threads, environment, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # colours were asked for, but no moving bars
    code, out, shown = in_a_pipe(LONG[name][0])
    assert (code, shown) == (0, SAID.get(name, ""))
    json.loads(out or "null")


def test_flushing_all_shows_on_a_terminal_alone_how_far_it_is(
    zs, redis_server, environment, monkeypatch, tmp_path
):
    monkeypatch.setenv("ZEITLICH_HOT_URL", redis_server.url)
    for name in ("one", "two"):
        zs.json("--key", KEY, "append", name, "{}")
    code, out, shown = on_a_terminal(["flush", "--all", "--keep"], tmp_path)
    assert (code, len(json.loads(out))) == (0, 2), shown
    assert re.search(r"flushing .* 2 ", shown)
    code, out, shown = in_a_pipe(["flush", "--all"])
    assert (code, len(json.loads(out)), shown) == (0, 2, "")


def test_a_row_of_a_table_in_a_pipe_is_one_line_also_with_colours(zs, chat, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    zs.json("--key", KEY, "append", "t" * 90, "{}")
    _, out, _ = zs("--key", KEY, "ls")
    assert "t" * 90 in out
