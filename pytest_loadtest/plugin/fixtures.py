"""The fixtures that load tests ask for, such as ``vu``, ``http``, ``load_env`` and ``token``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_loadtest.auth import Token, TokenPool
    from pytest_loadtest.core.environment import Environment
    from pytest_loadtest.engine.virtual_user import VirtualUser
    from pytest_loadtest.http.client import Client
    from pytest_loadtest.http.httpx_client.client import LoadAsyncClient
    from pytest_loadtest.http.httpx_client.setup import HttpxSetup
    from pytest_loadtest.http.transport import SharedTransport
    from pytest_loadtest.plugin.own_loads import Load


USER_HEADER = "X-Load-Test-User"


@pytest.fixture
def vu(request: pytest.FixtureRequest) -> Any:
    """This virtual user: `id`, `iteration`, `random`, `state`, `check`, `count`, `trend`, `rate`, `measure`,
    `think`, `abort`."""
    from pytest_loadtest.plugin.collection import runs_load
    from pytest_loadtest.plugin.per_vu import PerVU

    if not runs_load(request.node):
        pytest.fail(
            "the fixture 'vu' (and 'http', which uses it) needs a load test: @pytest.mark.load(...)",
            pytrace=False,
        )
    return PerVU("vu", None, {})


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Load:
    """Runs loads within an ordinary test: ``result = load(scenario, vus=10, duration="10s")``."""
    from pytest_loadtest.plugin.collection import runs_load

    if not runs_load(request.node):  # it was asked for by name; what loads need was not prepared
        pytest.fail(
            "the fixture 'load' must be an argument of the test or of a fixture that it uses; "
            "request.getfixturevalue('load') comes too late",
            pytrace=False,
        )
    from pytest_loadtest.plugin.hooks import session_plan
    from pytest_loadtest.plugin.item import LoadFunction
    from pytest_loadtest.plugin.own_loads import Load

    if isinstance(request.node, LoadFunction):
        pytest.fail(
            "the fixture 'load' runs loads in an ordinary test; this one is a load itself", pytrace=False
        )
    return Load(request, session_plan(request.config))


@pytest.fixture(scope="session")
def load_env(request: pytest.FixtureRequest) -> Environment:
    """The chosen environment (--load-env): its configured values are its attributes."""
    from pytest_loadtest.errors import ConfigurationError
    from pytest_loadtest.plugin.hooks import session_plan

    try:
        return session_plan(request.config).environment
    except ConfigurationError as error:  # in a session without load tests: they would not have been started
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def _http_transport(request: pytest.FixtureRequest, load_env: Environment) -> SharedTransport:
    """What all clients of one load test share: name look-ups, the TLS context."""
    from pytest_loadtest.http.transport import SharedTransport
    from pytest_loadtest.plugin.hooks import session_plan

    return SharedTransport(session_plan(request.config).client_settings(load_env))


@pytest.fixture
async def _http_client(vu: VirtualUser, _http_transport: SharedTransport) -> AsyncIterator[Client]:
    """The client that has this virtual user's connections, however `http` is overridden."""
    from pytest_loadtest.http.client import Client

    client = Client(vu, _http_transport)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
async def http(_http_client: Client) -> Client:
    """This virtual user's HTTP client, with httpx's interface; `name=` and `expect=` besides."""
    return _http_client


@pytest.fixture(scope="session")
def token_pool(load_env: Environment) -> TokenPool:
    """The tokens of the environment's users. To be overridden by a fixture that returns a TokenPool."""
    from pytest_loadtest.plugin.tokens import configured_pool

    return configured_pool(load_env)


@pytest.fixture
def token(vu: VirtualUser, token_pool: TokenPool) -> Token:
    """This virtual user's token: number n has that of place (n - 1) modulo the number of tokens."""
    return token_pool.token(vu.id)


@pytest.fixture
def signed_in_http(http: Client, token: Token, load_env: Environment) -> Iterator[Client]:
    """This virtual user's `http`, which from now on says who it is; also after the token was renewed."""
    from pytest_loadtest.plugin.client_settings import has_run_headers

    with token.authorizing(http.headers):
        if has_run_headers(load_env):
            http.headers[USER_HEADER] = token.user
        yield http


@pytest.fixture
def httpx_client_options() -> dict[str, Any]:
    """To be overridden: arguments of httpx.AsyncClient, laid over the settings of the environment."""
    return {}


@pytest.fixture
def _httpx_options(httpx_client_options: object, load_env: Environment) -> Mapping[str, Any]:
    """Checked before any load, unless they are made for each virtual user."""
    from pytest_loadtest.http.httpx_client.setup import check_options
    from pytest_loadtest.plugin.client_settings import client_settings

    return check_options(httpx_client_options, http2=client_settings(load_env).http2)


@pytest.fixture
def _httpx_setup(_http_transport: SharedTransport) -> HttpxSetup:
    """What the httpx clients of one load test share."""
    from pytest_loadtest.http.httpx_client.setup import HttpxSetup

    return HttpxSetup(_http_transport)


@pytest.fixture
async def httpx_client(
    vu: VirtualUser, _http_client: Client, _httpx_setup: HttpxSetup, _httpx_options: Mapping[str, Any]
) -> AsyncIterator[LoadAsyncClient]:
    """A real httpx.AsyncClient (httpx.Client in plain functions) on this virtual user's connections."""
    client = _httpx_setup.client(vu, _http_client.exchanger, _httpx_options)
    try:
        yield client
    finally:
        await client.aclose()
