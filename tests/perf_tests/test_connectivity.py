"""The connectivity test's body, run once by hand."""

from __future__ import annotations

import asyncio
import base64
from types import SimpleNamespace

import pytest

from perf_tests import test_connectivity as connectivity
from perf_tests.conftest import SupabaseProject
from perf_tests.demo_platform import Platform
from pytest_loadtest import Client, VirtualUser
from tests.perf_tests.bodies import Body, answer, run, run_against
from tests.ports import refusing_port

CHECKS = [
    "supabase: status is not 500",
    "supabase: answered within 5 s",
    "health: responds",
    "health: answered within 5 s",
    "token: exists",
    "token: has three parts of base64",
]


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


GOOD_TOKEN = ".".join(part(text) for text in ('{"alg":"HS256"}', '{"sub":"somebody"}', "signature~~?~"))


def connect(project: SupabaseProject, token: str = GOOD_TOKEN) -> Body:
    async def body(http: Client, vu: VirtualUser) -> None:
        await connectivity.test_connectivity(http, vu, SimpleNamespace(access_token=token), project)

    return body


def test_supabase_api_and_token_are_there(platform: Platform, user: dict[str, str]) -> None:
    project = SupabaseProject(platform.supabase_url, platform.supabase_anon_key)
    token = user["Authorization"].removeprefix("Bearer ")
    notes = asyncio.run(run(connect(project, token), platform.api))
    assert sorted(notes.requests) == ["health", "supabase"]
    assert sorted(notes.checks) == sorted((name, True) for name in CHECKS)
    assert notes.failed_requests == []


def test_nobody_listens_and_the_iteration_goes_on() -> None:
    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}"
        notes = asyncio.run(run(connect(SupabaseProject(url, "key")), url))
    assert sorted(notes.failed_checks) == sorted(CHECKS[:4])


@pytest.mark.parametrize(
    ("status", "failed_checks", "failed_requests"),
    [
        ("200 OK", [], []),
        ("401 Unauthorized", [], []),
        ("503 Service Unavailable", [], ["supabase"]),
        ("500 Internal Server Error", ["supabase: status is not 500"], ["supabase"]),
    ],
)
def test_supabase_may_answer_anything_but_its_own_failure(
    status: str, failed_checks: list[str], failed_requests: list[str]
) -> None:
    async def body(http: Client, vu: VirtualUser) -> None:
        project = SupabaseProject(str(http.base_url).rstrip("/"), "key")
        await connectivity.check_supabase(http, vu, project)

    notes = asyncio.run(run_against(answer(status), body))
    assert notes.failed_checks == failed_checks
    assert notes.failed_requests == failed_requests


@pytest.mark.parametrize(
    ("sentence", "token", "is_one"),
    [
        ("three parts of base64", GOOD_TOKEN, True),
        ("nothing", "", False),
        ("two parts", GOOD_TOKEN.rpartition(".")[0], False),
        ("four parts", f"{GOOD_TOKEN}.{part('signature2')}", False),
        ("an empty part", f"{GOOD_TOKEN.rpartition('.')[0]}.", False),
        ("a part too short to be one", f"{GOOD_TOKEN.rpartition('.')[0]}.{part('short')}", False),
        ("a part that is no base64", f"{GOOD_TOKEN.rpartition('.')[0]}.***not*base64***", False),
        ("base64 of an impossible length", f"{GOOD_TOKEN.rpartition('.')[0]}.abcdefghijklm", False),
        ("characters outside of ASCII", f"{GOOD_TOKEN.rpartition('.')[0]}.äöüäöüäöüäöü", False),
    ],
)
def test_what_is_a_token(sentence: str, token: str, is_one: bool) -> None:
    assert connectivity.is_token(token) is is_one, sentence
