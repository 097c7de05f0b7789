"""docs/backends.md has a section for every cold backend, with its extra."""

from pathlib import Path

import pytest

from zeitlich_store import registry

TEXT = (Path(__file__).parents[2] / "docs" / "backends.md").read_text("utf-8")
SECTIONS = TEXT.split("\n## ")[1:]
COLD = [entry for entry in registry.backends("cold") if not entry.description.startswith("plug-in")]


@pytest.mark.parametrize("entry", COLD, ids=lambda entry: entry.name)
def test_a_backend_has_its_section_with_example_and_install_command(entry):
    named = [section for section in SECTIONS if f"{entry.name}://" in section.partition("\n")[0]]
    aliases = [section for section in SECTIONS if f"{entry.name}://" in section]
    section = (named or aliases or [""])[0]
    if entry.name == "gcs":
        section = next(section for section in SECTIONS if "`gs://`" in section.partition("\n")[0])
    assert "open_store(" in section
    assert entry.extra is None or f'pip install "zeitlich-store[{entry.extra}]"' in section
