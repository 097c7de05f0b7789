"""The layers of docs/design.md, kept: imports point down, no circles, small files."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "zeitlich_store"
LAYERS = [
    {"models", "results", "errors", "_json", "_cpu", "_home", "_version", "_secrets"},
    {"protocols", "abilities", "keys", "snapshot"},
    {"codecs", "backends", "encryption", "archive", "tiering", "flush"},
    {
        *(
            "messages",
            "thread",
            "session",
            "store",
            "transfers",
            "reading",
            "upkeep",
            "listing",
            "helpers",
            "sync",
            "background",
            "inheritance",
        ),
        *("urls", "redaction", "registry", "builders", "factory", "__init__"),
    },
    {"cli", "testing", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
OPTIONAL = {"s3fs", "gcsfs", "adlfs", "orjson", "typer", "rich", "cryptography"}
SUITES = {"pytest", "hypothesis", "zeitlich_store.testing.conformance"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def top(module: str) -> str:
    """The file or folder below the package a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@cache
def imports(module: str) -> frozenset[tuple[str, bool]]:
    """Modules a module imports, absolute, each with whether that is when it is loaded."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    lazy = {
        id(node)
        for func in ast.walk(tree)
        if isinstance(func, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(func)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, id(node) not in lazy) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for name in _names(module, node):
                found.add((name, id(node) not in lazy))
    return frozenset(found)


def _names(module: str, node: ast.ImportFrom) -> list[str]:
    base = node.module or ""
    if node.level:
        package = module.split(".")[:-1]  # also of a package's own __init__
        package = package[: len(package) - node.level + 1]
        base = ".".join([*package, *([node.module] if node.module else [])])
    base = base.removesuffix(".__init__")
    inside = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in MODULES else base for name in inside]


def ours(module: str) -> set[tuple[str, bool]]:
    result = set()
    for name, eager in imports(module):
        if name.split(".")[0] == "zeitlich_store":
            known = name if name in MODULES else f"{name}.__init__"
            assert known in MODULES, f"{module} imports {name}, which is no module"
            result.add((known, eager))
    return result


def test_every_module_has_a_layer():
    assert {top(module) for module in MODULES} <= set(LEVEL)
    assert set(LEVEL) <= {top(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    for name, _ in ours(module):
        if top(name) != top(module):
            assert LEVEL[top(name)] <= LEVEL[top(module)], f"{module} imports {name}"


def test_there_is_no_import_circle():
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for name, eager in ours(module):
                if eager and name != module:
                    visit(name, (*trail, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


def test_only_the_command_that_runs_them_imports_the_suites():
    users = {
        m for m in MODULES if top(m) != "testing" and any(top(n) == "testing" for n, _ in ours(m))
    }
    assert users == {"zeitlich_store.cli.conformance"}


def third_party(module: str, *, eager_only: bool = False) -> set[str]:
    names = {n.split(".")[0] for n, eager in imports(module) if eager or not eager_only}
    return names - set(sys.stdlib_module_names) - {"zeitlich_store", "__future__"}


@pytest.mark.parametrize("module", [m for m in MODULES if LEVEL[top(m)] <= 1])
def test_the_lowest_layers_use_the_standard_library_alone(module):
    assert third_party(module) == set()


@pytest.mark.parametrize("module", [m for m in MODULES if top(m) in {"backends", "codecs"}])
def test_an_adapter_imports_one_third_party_library(module):
    assert len(third_party(module)) <= 1


def test_only_encryption_knows_cryptography():
    assert {m for m in MODULES if "cryptography" in third_party(m)} == {
        "zeitlich_store.encryption.aead"
    }


def test_only_the_cli_knows_typer_and_rich():
    users = {top(m) for m in MODULES if third_party(m) & {"typer", "rich"}}
    assert users == {"cli"}


def test_only_factory_and_builders_know_the_backends():
    users = {
        top(m)
        for m in MODULES
        if top(m) not in {"backends", "testing"} and any(top(n) == "backends" for n, _ in ours(m))
    }
    assert users <= {"factory", "builders"}


def sources() -> list[Path]:
    folders = ("zeitlich_store", "tests", "benchmarks")
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("zeitlich_store", OPTIONAL),
        ("zeitlich_store.testing", OPTIONAL | SUITES),
        ("zeitlich_store.cli.app", SUITES),
    ],
)
def test_importing_a_package_loads_no_optional_library(module, unwanted):
    code = f"import sys, {module}; print(sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
