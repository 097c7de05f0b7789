"""The example plug-in, built and installed as a user would, into a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "sqlite_cold"
HERMETIC = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")


@pytest.fixture(scope="session")
def plug_in(tmp_path_factory):
    """The environment of a process that has this package and the plug-in."""
    if shutil.which("pip", path=str(Path(sys.executable).parent)) is None:
        services.unavailable("there is no pip beside this Python")
    folder = tmp_path_factory.mktemp("plug-in")
    shutil.copytree(EXAMPLE, folder / "source")  # a build writes beside its sources
    target = folder / "installed"
    command = [sys.executable, "-m", "pip", "install", "-q", *HERMETIC, "--target", str(target)]
    done = subprocess.run(
        [*command, str(folder / "source")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}


@pytest.fixture
def in_process(plug_in, tmp_path):
    """Runs Python with the plug-in installed; its stdout."""

    def run(*args, code=0):
        done = subprocess.run(
            [sys.executable, *args],
            env=plug_in,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run
