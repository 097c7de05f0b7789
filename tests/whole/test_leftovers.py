"""A closed store leaves nothing open, and the interpreter has nothing to say at exit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..backends import tiers_of

BACKENDS = [
    *("memory+memory", "memory+file", "redis+file", "cluster+file", "sentinel+file"),
    *("redis+s3", "memory+r2", "memory+gs", "memory+az", "memory+ftp"),
    *("memory+webdav", "memory+sftp"),
]
PAIR = 2
"""Sockets of an event loop that lives as long as the process, each in one thread of its own."""
UPSTREAM = {"memory+az": PAIR}
"""What stays with a library: adlfs' client lives on fsspec's loop."""
PROGRAM = Path(__file__).with_name("leftovers.py")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are counted in /proc")


@pytest.mark.parametrize("name", BACKENDS)
def test_nothing_is_open_after_aclose_and_nothing_is_said_at_exit(name, request, tmp_path):
    tiers = tiers_of(name, request, tmp_path / "threads")
    strict = [sys.executable, "-W", "error", "-X", "dev", str(PROGRAM)]
    command = [*strict, tiers.hot, tiers.cold, json.dumps(tiers.options)]
    options = {"capture_output": True, "text": True, "cwd": tmp_path, "timeout": 300}
    done = subprocess.run(command, check=False, **options)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    print(f"{name}: sockets {found}")
    first, then, again = found["async"], *found["sync"]
    assert first["after"] - first["before"] == UPSTREAM.get(name, 0)
    assert then["after"] - then["before"] == PAIR  # the loop of all blocking stores
    assert again["after"] == again["before"]
    assert [each["sessions"] for each in (first, then, again)] == [0, 0, 0]
    if name not in ("memory+memory", "memory+file"):
        assert first["during"] > first["before"]  # they are counted at all
