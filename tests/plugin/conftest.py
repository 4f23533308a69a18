"""What tests of the plugin share: a target on loopback, and a project of load tests to run pytest in."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator

import pytest
import scipy.special  # noqa: F401 - imported for the reason below

# An in-process run forgets what it imported; numpy and its like cannot be imported twice in one process.
import pytest_loadtest.http.client
import pytest_loadtest.plugin.hooks
import pytest_loadtest.plugin.running
import pytest_loadtest.report.failure  # noqa: F401 - imported for the reason above
from tests.plugin.target import Target
from tests.ports import refusing_port

# Far more than any run here takes, far less than the patience of who waits for a hung one.
SUBPROCESS_LIMIT_S = 180


class Project:
    """A project in a temporary folder: a pyproject.toml, test files, and pytest runs in it.

    Only pytest's own plugins, this project's and those asked for are loaded.
    """

    def __init__(self, pytester: pytest.Pytester, target: Target) -> None:
        self.pytester = pytester
        self.target = target
        self.configure()

    def configure(self, settings: str = "", *, ini: str = "") -> None:
        """Write pyproject.toml. Without settings, the only environment is the target."""
        settings = settings or f'environments.TEST = {{api = "{self.target.url}"}}'
        (self.pytester.path / "pyproject.toml").write_text(
            f"[tool.pytest.ini_options]\n{textwrap.dedent(ini)}\n"
            f"[tool.pytest-loadtest]\n{textwrap.dedent(settings)}\n",
            "utf-8",
        )

    def write(self, source: str, name: str = "test_load.py") -> None:
        """Write a file of the project; `import pytest` is on its first line."""
        path = self.pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import pytest\n" + textwrap.dedent(source), "utf-8")

    def run(self, *args: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        """pytest in this process: quick. `plugins` are modules to load, such as ``xdist.plugin``."""
        return self.pytester.runpytest_inprocess(*_plugin_options(plugins), *args)

    def run_subprocess(self, *args: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        """pytest in a process of its own: for signals, imports, crashes, other event loops."""
        return self.pytester.runpytest_subprocess(
            *_plugin_options(plugins), *args, timeout=SUBPROCESS_LIMIT_S
        )


def _plugin_options(plugins: tuple[str, ...]) -> list[str]:
    return [option for name in ("pytest_loadtest.plugin", *plugins) for option in ("-p", name)]


@pytest.fixture(scope="session")
def _server() -> Iterator[Target]:
    with Target() as server:
        yield server


@pytest.fixture
def target(_server: Target) -> Target:
    """The target, with its counts at zero."""
    _server.forget()
    return _server


@pytest.fixture
def project(pytester: pytest.Pytester, target: Target, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project whose only environment is the target."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in [name for name in os.environ if name.startswith("LOAD_")]:
        monkeypatch.delenv(name)
    return Project(pytester, target)


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """Where nobody listens, and nobody else can during the test."""
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"
