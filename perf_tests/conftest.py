"""What the load tests of the platform share: the demo platform as default target, and the users' tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from perf_tests.demo_platform import running_platform
from pytest_loadtest import Environment, VirtualUser

if TYPE_CHECKING:
    from perf_tests.tokens import Token, TokenPool

# The accounts made for load tests, the same in every environment.
USERS = tuple(f"loadtest{number}@example.com" for number in range(4, 51))


@pytest.fixture(scope="session")
def load_env(load_env: Environment) -> Iterator[Environment]:
    """The environment that --load-env chose. DEMO, the default, is the embedded platform, started here."""
    if load_env.name != "DEMO":
        yield load_env
        return
    with running_platform() as platform:
        yield load_env.replace(
            api=platform.api,
            websocket_url=platform.websocket_url,
            supabase_url=platform.supabase_url,
            supabase_anon_key=platform.supabase_anon_key,
            user_password=platform.user_password,
        )


@pytest.fixture(scope="session")
async def token_pool(load_env: Environment) -> AsyncIterator[TokenPool]:
    """The users of the load tests; each is signed in when a virtual user first needs it."""
    # supabase takes 0.8 s to import: only for tests that sign in, and before their load begins.
    from perf_tests.tokens import SupabaseProject, TokenPool

    project = SupabaseProject(load_env.supabase_url, load_env.supabase_anon_key, load_env.user_password)
    async with httpx.AsyncClient() as connections:
        yield TokenPool(project, USERS, connections)


@pytest.fixture
async def token(vu: VirtualUser, token_pool: TokenPool) -> Token:
    """This virtual user's token."""
    return await token_pool.token(vu.id)


@pytest.fixture(scope="session")
def updates_url(load_env: Environment) -> str:
    """Where the platform's WebSocket is."""
    return f"{load_env.websocket_url}/ws"
