"""Who may import whom: reads the imports of every module, those inside functions and for types too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_loadtest

ROOT = Path(pytest_loadtest.__file__).parent
PACKAGE = "pytest_loadtest"
TOP = "the package itself"  # pytest_loadtest/__init__.py: the public names

# Each part and what it may import of ours, beside itself.
# core <- http, auth, results <- engine, report <- plugin
ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "core": frozenset({"errors"}),
    "http": frozenset({"core", "errors"}),
    "auth": frozenset({"core", "errors"}),
    "results": frozenset({"core", "errors"}),
    "engine": frozenset({"core", "errors"}),
    "report": frozenset({"core", "errors", "results"}),
    "export": frozenset({"core", "errors"}),
    "plugin": frozenset({"core", "errors", "http", "auth", "results", "engine", "report", "export", TOP}),
    "__main__": frozenset({"plugin"}),
    TOP: frozenset({"core", "errors", "http", "auth", "results", "engine", "report"}),
}

# What the core must not touch: clocks, files, sockets, threads, processes, the outside world.
IMPURE = frozenset(
    {"asyncio", "concurrent", "contextvars", "ctypes", "datetime", "fileinput", "gc", "getpass", "glob"}
    | {"http", "importlib", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "pickle", "platform"}
    | {"queue", "resource", "sched", "select", "selectors", "shelve", "shutil", "signal", "socket"}
    | {"socketserver", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib"}
    | {"warnings", "_thread"}
)
PURE_NAMES = frozenset({"datetime.timedelta"})  # a length of time is a value; the clock beside it is not
PURE_LIBRARIES = frozenset({"numpy", "scipy"})
PYTEST = frozenset({"pytest", "_pytest", "pluggy", "xdist", "execnet", "pytest_html", "pytest_asyncio"})


def imports_of(source: str, module: str, *, is_package: bool = False) -> Iterator[str]:
    """Every imported thing of a module's source, as absolute dotted names."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base_of(node, package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base_of(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    kept = parents[: len(parents) - (node.level - 1)]
    return ".".join([*kept, node.module] if node.module else kept)


def part_of(name: str) -> str:
    """The part of the project that a dotted name of ours belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ALLOWED else TOP


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module imports though it must not, one sentence each."""
    part = part_of(module)
    return [
        f"{module} ({part}) imports {name}: {reason}"
        for name in imports_of(source, module, is_package=is_package)
        if (reason := _reason_against(part, name))
    ]


def _reason_against(part: str, name: str) -> str:
    top = name.split(".")[0]
    if top == PACKAGE:
        target = part_of(name)
        return "" if target == part or target in ALLOWED[part] else f"{part} must not know {target}"
    if top in PYTEST:
        return "" if part == "plugin" else "only the plugin knows pytest"
    if part == "core":
        return _reason_against_in_core(top, name)
    return ""


def _reason_against_in_core(top: str, name: str) -> str:
    if name in PURE_NAMES or top in PURE_LIBRARIES:
        return ""
    if top not in sys.stdlib_module_names:
        return "the core knows the standard library and numpy, nothing else"
    return "the core is pure" if top in IMPURE else ""


def modules() -> list[tuple[Path, str]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found.append((path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)))
    return found


@pytest.mark.parametrize(("path", "module"), [pytest.param(p, m, id=m) for p, m in modules()])
def test_a_module_imports_only_what_its_layer_may_know(path: Path, module: str) -> None:
    assert violations(path.read_text("utf-8"), module, is_package=path.name == "__init__.py") == []


def test_every_part_of_the_project_has_its_rule() -> None:
    parts = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} <= set(ALLOWED), "a new part: say in ALLOWED what it may import"


def test_no_rule_goes_round_in_a_circle() -> None:
    """Taking away what only imports what is taken away already leaves nothing."""
    left = dict(ALLOWED)
    while free := [part for part, below in left.items() if not below & left.keys()]:
        for part in free:
            del left[part]
    assert left == {}


# -- the checker itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        pytest.param("core.shape", "import asyncio", "the core is pure", id="core and the event loop"),
        pytest.param("core.shape", "import os.path", "the core is pure", id="core and a part of a module"),
        pytest.param("core.shape", "from time import monotonic", "the core is pure", id="core and a clock"),
        pytest.param("core.shape", "from datetime import datetime", "the core is pure", id="core and today"),
        pytest.param("core.shape", "import httpx", "and numpy, nothing else", id="core and a library"),
        pytest.param("core.shape", "import pytest", "only the plugin knows pytest", id="core and pytest"),
        pytest.param("core.shape", "def f():\n    import socket", "the core is pure", id="inside a function"),
        pytest.param(
            "core.shape",
            "if TYPE_CHECKING:\n    from pytest_loadtest.http import client",
            "core must not know http",
            id="for types only",
        ),
        pytest.param("core.shape", "from ..http import client", "core must not know http", id="relative"),
        pytest.param(
            "core.shape", "from .. import engine", "core must not know engine", id="relative, of all"
        ),
        pytest.param(
            "core.shape", "from pytest_loadtest import engine", "core must not know engine", id="by name"
        ),
        pytest.param(
            "core.shape", "import pytest_loadtest", "must not know the package itself", id="everything"
        ),
        pytest.param(
            "core.shape", "from pytest_loadtest import load", "must not know the package", id="public name"
        ),
        pytest.param(
            "http.client", "import pytest_loadtest.engine.runner", "must not know engine", id="http, engine"
        ),
        pytest.param(
            "engine.runner", "from pytest_loadtest.http import x", "must not know http", id="engine, http"
        ),
        pytest.param(
            "engine.runner", "from _pytest import nodes", "only the plugin knows", id="engine, _pytest"
        ),
        pytest.param(
            "report.table", "from pytest_loadtest.engine import x", "not know engine", id="report, engine"
        ),
        pytest.param("report.table", "import xdist", "only the plugin knows pytest", id="report, xdist"),
        pytest.param("engine.runner", "from ..plugin import x", "must not know plugin", id="engine, plugin"),
        pytest.param("auth.pool", "from ..http import x", "must not know http", id="auth, http"),
        pytest.param("errors", "from pytest_loadtest.core import x", "must not know core", id="errors, core"),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str, reason: str) -> None:
    (found,) = violations(source, f"{PACKAGE}.{module}")
    assert reason in found
    assert found.startswith(f"{PACKAGE}.{module} ({module.split('.')[0]}) imports ")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.shape", "import math, random\nfrom datetime import timedelta\nimport numpy.typing as npt"),
        (
            "core.shape",
            "from .units import NS_PER_S\nfrom . import units\nfrom ..errors import LoadTestError",
        ),
        ("http.client", "import asyncio, httpx\nfrom pytest_loadtest.core import recorder"),
        ("engine.runner", "import uvloop\nfrom pytest_loadtest.core.shape import Shape"),
        ("report.table", "import rich\nfrom pytest_loadtest.results import run"),
        ("plugin.items", "import pytest, xdist\nfrom pytest_loadtest import engine, http, report"),
    ],
)
def test_a_right_import_is_not(module: str, source: str) -> None:
    assert violations(source, f"{PACKAGE}.{module}") == []


def test_relative_imports_of_a_package_start_at_itself() -> None:
    source = "from . import shape\nfrom .units import S\nfrom ..errors import E"
    found = imports_of(source, "pytest_loadtest.core", is_package=True)
    assert list(found) == [
        "pytest_loadtest.core.shape",
        "pytest_loadtest.core.units.S",
        "pytest_loadtest.errors.E",
    ]
