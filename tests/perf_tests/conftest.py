"""A running platform with a signed-in user, and pytest runs of the suite itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import scipy.special  # noqa: F401 - imported for the reason below

# An in-process run forgets what it imported; numpy and its like cannot be imported twice in one process.
import pytest_loadtest.http.client
import pytest_loadtest.plugin.hooks
import pytest_loadtest.plugin.running
import pytest_loadtest.report.failure  # noqa: F401 - imported for the reason above
from perf_tests.demo_platform import Platform, running_platform
from perf_tests.options import OPTIONS

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "perf_tests"

# Of this repository's settings, and without the plugins of the peers that benchmarks/ measures.
SETTINGS = (f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}", "-p", "no:cacheprovider")
PEERS = ("-p", "no:k9", "-p", "no:locust")


@pytest.fixture(scope="package")
def platform() -> Iterator[Platform]:
    with running_platform() as platform:
        yield platform


@pytest.fixture(scope="package")
def user(platform: Platform) -> dict[str, str]:
    """The headers of a user who has just signed in."""
    return sign_in(platform)


def sign_in(platform: Platform) -> dict[str, str]:
    response = httpx.post(
        f"{platform.supabase_url}/auth/v1/token",
        params={"grant_type": "password"},
        headers={"apikey": platform.supabase_anon_key},
        json={"email": platform.user_emails[0], "password": platform.user_password},
    )
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def without_settings(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a shell in which nobody has set any option by variable."""
    own = {option.variable for option in OPTIONS}
    return {
        name: value for name, value in environment.items() if not name.startswith("LOAD_") and name not in own
    }


class Suite:
    """Runs of pytest on perf_tests/, in this process, that collect and do not load."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.items: list[Any] = []  # selected in the last run

    def collect(self, *args: str, path: Path | str = SUITE) -> pytest.RunResult:
        self.items = []
        arguments = [*SETTINGS, *PEERS, "--collect-only", *args, str(path)]
        return self._pytester.runpytest_inprocess(*arguments, plugins=[self])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)

    @property
    def names(self) -> list[str]:
        return [item.name for item in self.items]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    for name in os.environ.keys() - without_settings(dict(os.environ)).keys():
        monkeypatch.delenv(name)
    return Suite(pytester)
