"""The examples of docs/plug-ins.md do what they say, copied as they stand."""

import re
import subprocess
import sys

from zeitlich_store import testing

from .conftest import ROOT

PACKAGE = """
import uuid

from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore as MyObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier as MyHotTier
from zeitlich_store.codecs import GzipCodec as MyCodec


def MyColdTier():
    return ObjectArchive(MyObjectStore(uuid.uuid4().hex), MyCodec())
"""


def test_the_examples_run(tmp_path):
    text = (ROOT / "docs" / "plug-ins.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    (tmp_path / "mypackage.py").write_text(PACKAGE)
    for n, block in enumerate(blocks):
        (tmp_path / f"test_{n}.py").write_text(block)
    settings = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(f"{settings}pythonpath = {tmp_path} {ROOT}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 200


def test_the_page_names_every_suite():
    text = (ROOT / "docs" / "plug-ins.md").read_text()
    assert [name for name in testing.__all__ if name not in text] == []
