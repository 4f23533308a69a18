"""Load test of the way to the platform: is Supabase there, is the API there, does each user have a token?

    pytest perf_tests -m smoke

A request without any answer fails its checks here, and does not end the iteration.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import httpx
import pytest

from perf_tests.checks import all_of, is_within
from pytest_loadtest import Client, Response, VirtualUser

if TYPE_CHECKING:
    from perf_tests.conftest import SupabaseProject
    from pytest_loadtest import Token

pytestmark = [pytest.mark.smoke, pytest.mark.basic]

WITHIN_S = 5

# What any working gateway answers; only it failing itself is an error.
ANSWERS = range(200, 500)

TOKEN_PARTS = 3  # header, claims and signature
SHORTEST_PART = 8  # bytes; the header of the shortest token there is, {"alg":"none"}, has 14


@pytest.mark.load(vus=10, duration="1m")
@pytest.mark.budget(p95="30s", error_rate="60%", failure_rate="60%", check_rate="70%")
async def test_connectivity(
    http: Client, vu: VirtualUser, token: Token, supabase_project: SupabaseProject
) -> None:
    await all_of(check_supabase(http, vu, supabase_project), check_health(http, vu))
    vu.check("token: exists", bool(token.access_token))
    vu.check("token: has three parts of base64", is_token(token.access_token))


async def check_supabase(http: Client, vu: VirtualUser, project: SupabaseProject) -> None:
    address, headers = f"{project.url}/rest/v1/", {"apikey": project.anon_key}
    response = await answer_of(http.get(address, headers=headers, name="supabase", expect=ANSWERS))
    vu.check("supabase: status is not 500", response is not None and response.status_code != 500)
    check_time(vu, "supabase", response)


async def check_health(http: Client, vu: VirtualUser) -> None:
    response = await answer_of(http.get("/health", name="health"))
    vu.check("health: responds", response is not None)
    check_time(vu, "health", response)


def check_time(vu: VirtualUser, name: str, response: Response | None) -> None:
    vu.check(f"{name}: answered within {WITHIN_S} s", response is not None and is_within(response, WITHIN_S))


async def answer_of(request: Awaitable[Response]) -> Response | None:
    """The answer, or None when there was none; the results show why."""
    try:
        return await request
    except httpx.TransportError:
        return None


def is_token(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == TOKEN_PARTS and all(_decoded_length(part) >= SHORTEST_PART for part in parts)


def _decoded_length(part: str) -> int:
    """Bytes that a part in base64 (of URLs, without padding) stands for; 0 when it is none."""
    try:
        return len(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return 0
