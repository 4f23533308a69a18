"""What the load tests of the platform share: the suite's options, and the demo platform as default target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from perf_tests.demo_platform import Faults, running_platform
from perf_tests.options import SuiteOptions, add_options, read_options
from pytest_loadtest import Environment

DEMO = "DEMO"
# The accounts made for load tests, the same in every environment.
USERS = "loadtest{4..50}@example.com"

_suite_key = pytest.StashKey[SuiteOptions]()


@dataclass(frozen=True, slots=True)
class SupabaseProject:
    """Where Supabase is, and the key that lets anybody in."""

    url: str
    anon_key: str = field(repr=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options now: a wrong one ends the run before any load."""
    config.stash[_suite_key] = read_options(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --endpoint, only the tests of these endpoints, of those that are about one."""
    wanted = config.stash[_suite_key].endpoint
    left_out = [item for item in items if wanted and endpoint_of(item) not in (None, *wanted)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def endpoint_of(item: pytest.Item) -> str | None:
    """The endpoint that a test of a single one is about."""
    if not isinstance(item, pytest.Function) or item.originalname != "test_single_endpoint":
        return None
    return str(item.callspec.params["endpoint"])


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config) -> SuiteOptions:
    """The suite's own options."""
    return pytestconfig.stash[_suite_key]


@pytest.fixture(scope="session")
def load_env(load_env: Environment, suite: SuiteOptions) -> Iterator[Environment]:
    """The environment that --load-env chose. DEMO, the default, is the embedded platform, started here."""
    if load_env.name != DEMO:
        if suite.is_demo_ailing:
            pytest.fail(f"--demo-... is for environment {DEMO}, not for {load_env.name}", pytrace=False)
        yield load_env
        return
    faults = Faults(
        suite.demo_latency, suite.demo_error_rate, suite.demo_freeze, freeze_every_s=suite.demo_freeze_every
    )
    with running_platform(faults=faults) as platform:
        tokens = {
            "url": platform.supabase_url,
            "anon_key": platform.supabase_anon_key,
            "users": USERS,
            "password": platform.user_password,
            "cache": False,  # the next platform's secret is another
        }
        yield load_env.replace(api=platform.api, websocket_url=platform.websocket_url, tokens=tokens)


@pytest.fixture(scope="session")
def supabase_project(load_env: Environment) -> SupabaseProject:
    """The Supabase project that the environment's tokens come from."""
    tokens = load_env.tokens
    if not {"url", "anon_key"} <= tokens.keys():
        pytest.fail(f"environment {load_env.name}: its tokens are not those of Supabase", pytrace=False)
    return SupabaseProject(tokens["url"].rstrip("/"), tokens["anon_key"])


@pytest.fixture(scope="session")
def updates_url(load_env: Environment) -> str:
    """Where the platform's WebSocket is."""
    return websocket_address(load_env)


def websocket_address(environment: Environment) -> str:
    """At the API's own address when the environment names no other."""
    origin: str = environment.get("websocket_url") or environment.api.replace("http", "ws", 1)
    return f"{origin.rstrip('/')}/ws"
