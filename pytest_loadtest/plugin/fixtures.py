"""The fixtures that load tests ask for: ``vu``, ``http``, ``load_env``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_loadtest.core.environment import Environment
    from pytest_loadtest.engine.virtual_user import VirtualUser
    from pytest_loadtest.http.client import Client
    from pytest_loadtest.http.transport import SharedTransport


@pytest.fixture
def vu(request: pytest.FixtureRequest) -> Any:
    """This virtual user: `id`, `iteration`, `random`, `state`, `check`, `count`, `trend`, `rate`, `measure`,
    `think`, `abort`."""
    from pytest_loadtest.plugin.item import LoadFunction
    from pytest_loadtest.plugin.per_vu import PerVU

    if not isinstance(request.node, LoadFunction):
        pytest.fail(
            "the fixture 'vu' (and 'http', which uses it) needs a load test: @pytest.mark.load(...)",
            pytrace=False,
        )
    return PerVU("vu", None, {})


@pytest.fixture(scope="session")
def load_env(request: pytest.FixtureRequest) -> Environment:
    """The chosen environment (--load-env): its configured values are its attributes."""
    from pytest_loadtest.plugin.hooks import session_plan

    return session_plan(request.config).environment


@pytest.fixture
def _http_transport(load_env: Environment) -> SharedTransport:
    """What all clients of one load test share: name look-ups, the TLS context."""
    from pytest_loadtest.http.transport import SharedTransport
    from pytest_loadtest.plugin.client_settings import client_settings

    return SharedTransport(client_settings(load_env))


@pytest.fixture
async def http(vu: VirtualUser, _http_transport: SharedTransport) -> AsyncIterator[Client]:
    """This virtual user's HTTP client, with httpx's interface; `name=` and `expect=` besides."""
    from pytest_loadtest.http.client import Client

    client = Client(vu, _http_transport)
    try:
        yield client
    finally:
        await client.aclose()
