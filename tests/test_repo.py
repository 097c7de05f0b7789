"""What the repository promises about itself: pins, texts, sizes, links."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAX_LINES = 300


def names():
    """Every file git knows or would add; where there is no git, those of the folders of ours."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        folders = [ROOT / name for name in ("zeitlich_store", "tests", "docs", "benchmarks")]
        paths = [*ROOT.glob("*.*"), *(path for each in folders for path in each.rglob("*.*"))]
        return [path.relative_to(ROOT) for path in paths if path.suffix != ".pyc"]
    return found.stdout.splitlines()


def tracked(*suffixes):
    """The repository's own files, new ones included, without data."""
    paths = [ROOT / name for name in names()]
    return [p for p in paths if p.is_file() and (not suffixes or p.suffix in suffixes)]


def test_without_git_the_same_sources_are_checked(monkeypatch):
    with_git = set(tracked(".py", ".lua", ".md"))
    monkeypatch.setenv("PATH", "")
    assert set(tracked(".py", ".lua", ".md")) == with_git


def normal(requirement):
    """The name a requirement asks for, as indexes compare names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


def pins():
    return [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]


def test_constraints_are_names_and_versions_alone():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line
    names = [normal(name) for name, _ in pins()]
    assert len(names) == len(set(names))


def test_every_dependency_is_pinned():
    project = PROJECT["project"]
    extras = [r for rows in project["optional-dependencies"].values() for r in rows]
    wanted = {normal(r) for r in [*project["dependencies"], *extras]} - {"zeitlich-store"}
    wanted |= {normal(r) for r in PROJECT["dependency-groups"]["dev"]}
    assert wanted <= {normal(name) for name, _ in pins()}


def test_requirements_dev_is_the_dependency_group():
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert named == PROJECT["dependency-groups"]["dev"]


def test_no_file_names_a_package_registry_or_a_machine_path():
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "npmjs" + ".com"]
    paths = ["/wor" + "k/", "/hom" + "e/", "/roo" + "t/", "/op" + "t/", "/Use" + "rs/"]
    pattern = re.compile("|".join(map(re.escape, hosts + paths)))
    allowed = {"tests/unit/test_factory.py"}  # the data directories of other platforms
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        data = "tests/data/" in name or "transcripts/" in name
        if not data and name not in allowed:
            found = pattern.search(path.read_text(encoding="utf-8", errors="ignore"))
            assert not found, f"{name}: {found}"


def test_files_stay_small():
    sizes = {p: len(p.read_text().splitlines()) for p in tracked(".py", ".lua")}
    ours = {
        p: n for p, n in sizes.items() if "zeitlich_store" in p.parts or "benchmarks" in p.parts
    }
    assert ours
    assert {p.name: n for p, n in ours.items() if n > MAX_LINES} == {}


def test_every_relative_link_leads_somewhere():
    for path in tracked(".md"):
        if "tests/data" in path.as_posix():
            continue
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_example_prints_what_it_says(monkeypatch, tmp_path, capsys):
    text = (ROOT / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    promised = re.search(r"This prints `(.*?)`", text, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == promised.split()


def test_the_notice_tells_the_transcripts_as_they_are():
    folder = ROOT / "zeitlich_store" / "cli" / "transcripts"
    rows = re.findall(r"\| (\S+\.jsonl) \| (\d+) \| (\d+) \|", (folder / "NOTICE.md").read_text())
    assert len(rows) == len(list(folder.glob("*.jsonl"))) == 11
    for name, messages, size in rows:
        data = (folder / name).read_bytes()
        assert (data.count(b"\n"), len(data)) == (int(messages), int(size))


def test_the_lists_of_parameters_are_in_the_documentation():
    from zeitlich_store import registry, urls

    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "operations.md").read_text()
    theirs = registry.find_backend("hot", "rediss+sentinel").parameters
    for name in [*urls.HOT_PARAMETERS, *urls.COLD_PARAMETERS, *theirs]:
        assert f"`{name}`" in text, name


def test_the_version_is_told_once():
    import tomllib

    import zeitlich_store

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == zeitlich_store.__version__
