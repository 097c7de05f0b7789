"""Errors: one line, the right exit code, no secret."""

import subprocess
import sys
from pathlib import Path

import pytest

import zeitlich_store


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["bogus"], 2, "No such command"),
        (["show"], 2, "Missing argument"),
        (["--nonsense", "ls"], 2, "No such option"),
        (["ls", "--hot", "redis://:hunter2?@h"], 2, "'@' behind its '?'"),
        (["ls", "--cold", "s3://k:hunter2@b"], 2, "userinfo"),
        (["ls", "--codec", "zst"], 2, "did you mean 'zstd'"),
        (["ls", "--key", ""], 2, "--key is empty"),
        (["ls", "--key="], 2, "--key is empty"),
        (["ls", "--cold", "ftp://"], 2, "ftp://host:port/folder"),
        (["ls", "--cursor", "x"], 2, "no cursor"),
        (["ls", "--hot", "redis://127.0.0.1:1/0"], 1, "127.0.0.1"),
        (["show", "absent"], 1, "in neither tier"),
        (["append", "t", "{broken"], 2, "not JSON"),
        (["demo", "--dir", "x", "--cold", "memory://y"], 2, "not both"),
    ],
)
def test_errors_are_one_line_with_the_right_exit_code(zs, args, code, message):
    got, out, err = zs(*args)
    assert (got, out) == (code, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert "hunter2" not in err


def test_v_shows_the_traceback(zs):
    code, _, err = zs("show", "absent", "-v")
    assert code == 1
    assert "Traceback" in err


def test_without_arguments_it_shows_the_help(zs):
    code, out, _ = zs()
    assert code == 0
    assert "demo" in out


def test_without_the_extra_it_names_the_pip_command(zs, monkeypatch):
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "zeitlich_store.cli.app", raising=False)
    assert zs("ls") == (2, "", 'error: the command line needs pip install "zeitlich-store[cli]"\n')


def test_as_a_process(chat, data, command):
    shown = subprocess.run([*command, "export", "chat"], capture_output=True, check=False)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, data, b"")
    missing = subprocess.run([*command, "show", "absent"], capture_output=True, check=False)
    assert missing.returncode == 1
    assert missing.stderr.count(b"\n") == 1


def test_a_reader_that_goes_away_is_no_traceback(tmp_path, zs, command):
    line = '{"content": "' + "x" * 900 + '"}\n'
    (tmp_path / "long.jsonl").write_text(line * 2000)
    zs.json("import", "long.jsonl")
    with subprocess.Popen(
        [*command, "export", "long"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(10)
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (1, b"")


@pytest.fixture
def command(monkeypatch):
    """The command line as a process of its own, on this checkout."""
    monkeypatch.setenv("PYTHONPATH", str(Path(zeitlich_store.__file__).parents[1]))
    return [sys.executable, "-m", "zeitlich_store.cli"]
