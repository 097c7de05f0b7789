"""Where services are required nothing is skipped in silence, also in the workers of xdist."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import redis_services, skips

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_that_runs(): ...

def test_without_its_server(): pytest.skip("no server")

@pytest.fixture
def server(): pytest.skip("no server for a fixture")

def test_of_a_fixture(server): ...

@pytest.mark.skipif(True, reason="another platform")
def test_that_is_marked(): ...

@pytest.mark.xfail(reason="known", strict=True)
def test_that_fails_as_it_should(): assert not "this is no skip"
"""
MODULE = 'import pytest\npytest.importorskip("no_such_library")\n'
WORKER = ("-p", "xdist", "-n", "1")
QUICK = ("-q", "-p", "tests.skips", "-p", "no:cacheprovider")


def run(folder, required, *options):
    """Exit code and output of a run."""
    env = {**os.environ, "ZS_REQUIRE_SERVICES": required, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    (folder / "pytest.ini").write_text("[pytest]\n")
    where = ["-c", str(folder / "pytest.ini"), str(folder)]
    command = [sys.executable, "-m", "pytest", *QUICK, *options, *where]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_run_that_skips_fails_and_names_each_test_and_its_reason(tmp_path):
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_module.py").write_text(MODULE)
    code, out = run(tmp_path, "1", *WORKER)
    assert (code, "1 passed, 4 skipped, 1 xfailed" in out) == (1, True), out
    told = out.partition("skipped, and ZS_REQUIRE_SERVICES=1")[2]
    for line in (
        "test_some.py::test_without_its_server: no server",
        "test_some.py::test_of_a_fixture: no server for a fixture",
        "test_some.py::test_that_is_marked: another platform",
        "test_module.py: could not import 'no_such_library'",
    ):
        assert line in told, out
    assert "as_it_should" not in told


def test_on_a_laptop_a_skip_is_a_skip(tmp_path):
    (tmp_path / "test_some.py").write_text(TESTS)
    code, out = run(tmp_path, "0")
    assert (code, "ZS_REQUIRE_SERVICES" in out) == (0, False), out


def skipped(reason):
    return SimpleNamespace(nodeid="t", longrepr=("test_t.py", 1, f"Skipped: {reason}"))


def test_only_a_wheel_this_python_cannot_have_may_be_missing(monkeypatch):
    monkeypatch.setattr(skips, "INHERENT", {skips.NO_WHEEL})
    assert skips.forbidden([skipped(skips.NO_WHEEL), skipped("no server")]) == ["t: no server"]
    monkeypatch.setattr(skips, "INHERENT", set())
    assert skips.forbidden([skipped(skips.NO_WHEEL)]) == [f"t: {skips.NO_WHEEL}"]


@pytest.mark.parametrize(("inherent", "error"), [(True, "Skipped"), (False, "Failed")])
def test_redis_6_is_required_wherever_its_wheel_exists(monkeypatch, inherent, error):
    monkeypatch.setenv("ZS_REQUIRE_SERVICES", "1")
    monkeypatch.setattr(skips, "INHERENT", {skips.NO_WHEEL} if inherent else set())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # pytest's are no Exception
        redis_services.redis_6()
    assert type(caught.value).__name__ == error
