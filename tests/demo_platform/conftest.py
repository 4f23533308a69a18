"""One running platform for each module that asks for it, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from perf_tests.demo_platform import Platform, running_platform


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with running_platform() as platform:
        yield platform


@pytest.fixture(scope="module")
def api(platform: Platform) -> Iterator[httpx.Client]:
    """A client that is nobody."""
    with httpx.Client(base_url=platform.api) as client:
        yield client


@pytest.fixture(scope="module")
def sign_in(platform: Platform, api: httpx.Client) -> Callable[[int], dict[str, str]]:
    """The headers of the user with this index, newly signed in."""

    def headers(index: int) -> dict[str, str]:
        response = api.post(
            "/auth/v1/token",
            params={"grant_type": "password"},
            headers={"apikey": platform.supabase_anon_key},
            json={"email": platform.user_emails[index], "password": platform.user_password},
        )
        return {"Authorization": f"Bearer {response.json()['access_token']}"}

    return headers


@pytest.fixture(scope="module")
def user(sign_in: Callable[[int], dict[str, str]]) -> dict[str, str]:
    return sign_in(0)
