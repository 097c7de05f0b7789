"""docs/backends.md has a section for every cold backend, with its extra, and its examples run."""

import re
import socket
from pathlib import Path

import pytest

from zeitlich_store import ConfigurationError, ThreadStore, open_store, registry

from .. import services

TEXT = (Path(__file__).parents[2] / "docs" / "backends.md").read_text("utf-8")
SECTIONS = TEXT.split("\n## ")[1:]
COLD = [entry for entry in registry.backends("cold") if not entry.description.startswith("plug-in")]
BLOCKS = [
    pytest.param(block, section, id=section.partition("\n")[0])
    for section in SECTIONS
    for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
]
VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`")


@pytest.mark.parametrize("entry", COLD, ids=lambda entry: entry.name)
def test_a_backend_has_its_section_with_example_and_install_command(entry):
    named = [section for section in SECTIONS if f"{entry.name}://" in section.partition("\n")[0]]
    aliases = [section for section in SECTIONS if f"{entry.name}://" in section]
    section = (named or aliases or [""])[0]
    if entry.name == "gcs":
        section = next(section for section in SECTIONS if "`gs://`" in section.partition("\n")[0])
    assert "open_store(" in section
    assert entry.extra is None or f'pip install "zeitlich-store[{entry.extra}]"' in section


@pytest.fixture(autouse=True)
def _unconnected(monkeypatch):
    """The examples' servers are nobody's: making a store must not look for one."""

    def refuse(_, address):
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def stores_of(block: str, section: str, monkeypatch: pytest.MonkeyPatch) -> list[ThreadStore]:
    """The stores a block makes, in a namespace of its own with the environment its section names.

    Skips (fails, where services are required) where a library is not installed.
    """
    made = []

    def opened(*args, **kwargs):
        made.append(open_store(*args, **kwargs))
        return made[-1]

    for name in VARIABLE.findall(section):
        monkeypatch.setenv(name, "dummy")
    try:
        exec(block, {"open_store": opened, "password": "dummy"})
    except ConfigurationError as exc:
        if isinstance(exc.__cause__, ImportError):
            services.unavailable(str(exc))
        raise
    return made


@pytest.mark.parametrize(("block", "section"), BLOCKS)
def test_every_example_makes_its_stores_without_connecting(block, section, monkeypatch):
    made = stores_of(block, section, monkeypatch)
    assert len(made) == block.count("open_store(") > 0
    assert all(isinstance(store, ThreadStore) for store in made)


def test_every_section_with_a_url_of_its_own_has_an_example():
    tested = {block.id for block in BLOCKS}
    titles = [section.partition("\n")[0] for section in SECTIONS]
    assert [title for title in titles if "://`" in title and title not in tested] == []


@pytest.mark.parametrize(
    ("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_an_example_is_skipped_only_for_its_library_and_not_where_services_are_required(
    required, outcome, monkeypatch
):
    def missing(protocol):
        raise ImportError(f"install a library for {protocol}")

    monkeypatch.setenv("ZS_REQUIRE_SERVICES", required)
    monkeypatch.setattr("fsspec.get_filesystem_class", missing)
    with pytest.raises(outcome, match="library"):
        stores_of('open_store("memory://", "s3://bucket")', "", monkeypatch)
    with pytest.raises(ConfigurationError, match="unknown cold scheme"):
        stores_of('open_store("memory://", "nosuch://x")', "", monkeypatch)
