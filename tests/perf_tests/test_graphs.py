"""The core API's, the single endpoints' and the graph tests' bodies, run by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from perf_tests import test_core_api as core_api
from perf_tests import test_graph_execution as graph_execution
from perf_tests import test_single_endpoint as single_endpoint
from perf_tests.demo_platform import Platform, running_platform
from perf_tests.graphs import create_graph, execute_graph
from perf_tests.options import ENDPOINTS
from pytest_loadtest import Client, VirtualUser
from tests.perf_tests.bodies import (
    Body,
    HastyUser,
    answer,
    run,
    run_against,
    run_against_nobody,
    suite_options,
)
from tests.perf_tests.conftest import sign_in

GRAPH = {"id": "g", "version": 1}
JSON = "200 OK"


@pytest.fixture(scope="module")
def poor_platform() -> Iterator[Platform]:
    """Whose users have credits for nearly nothing."""
    with running_platform(credits=0) as platform:
        yield platform


async def read_core_api(http: Client, vu: VirtualUser) -> None:
    await core_api.test_core_api(http, vu, "")


def execute(number: int | None) -> Body:
    async def body(http: Client, vu: VirtualUser) -> None:
        await graph_execution.test_graph_execution(http, vu, suite_options(requests_per_vu=number), "")

    return body


def read_endpoint(endpoint: str, at_once: int = 1) -> Body:
    async def body(http: Client, vu: VirtualUser) -> None:
        await single_endpoint.test_single_endpoint(
            http, vu, suite_options(concurrent_requests=at_once), endpoint
        )

    return body


def test_core_api(platform: Platform, user: dict[str, str]) -> None:
    notes = asyncio.run(run(read_core_api, platform.api, user))
    assert sorted(notes.requests) == ["blocks", "credits", "graphs"]
    assert sorted(notes.checks) == sorted(
        (name, True)
        for name in (
            "credits: status is 200", "credits: token is accepted",
            "credits: body is an object", "credits: credits are a number",
            "graphs: status is 200", "graphs: token is accepted", "graphs: body is an array",
            "blocks: status is 200", "blocks: token is accepted", "blocks: body is an array or an object",
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "credits_sent", "failed"),
    [
        ("a number", b'{"credits": 0}', []),
        ("a fraction", b'{"credits": 1.5}', []),
        ("a text", b'{"credits": "5"}', ["credits: credits are a number"]),
        ("true", b'{"credits": true}', ["credits: credits are a number"]),
        ("an array", b"[5]", ["credits: body is an object", "credits: credits are a number"]),
    ],
)
def test_what_credits_may_be(sentence: str, credits_sent: bytes, failed: list[str]) -> None:
    sent = {
        "GET /api/credits": answer(JSON, credits_sent),
        "GET /api/graphs": answer(JSON, b"[]"),
        "GET /api/blocks": answer(JSON, b"{}"),
    }
    assert asyncio.run(run_against(sent, read_core_api)).failed_checks == failed, sentence


def test_who_is_not_signed_in_is_told(platform: Platform) -> None:
    notes = asyncio.run(run(read_core_api, platform.api))
    assert {f"{name}: token is accepted" for name in ("credits", "graphs", "blocks")} < set(
        notes.failed_checks
    )
    assert len(notes.failed_requests) == 3


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_single_endpoint(platform: Platform, user: dict[str, str], endpoint: str) -> None:
    notes = asyncio.run(run(read_endpoint(endpoint), platform.api, user))
    assert notes.requests == [endpoint]
    assert notes.checks == [(f"{endpoint}: status is 200", True), (f"{endpoint}: answered within 3 s", True)]


def test_requests_at_once_have_more_time(platform: Platform, user: dict[str, str]) -> None:
    notes = asyncio.run(run(read_endpoint("credits", at_once=4), platform.api, user))
    assert notes.requests == ["credits"] * 4
    assert set(notes.checks) == {("credits: status is 200", True), ("credits: answered within 5 s", True)}


@pytest.mark.parametrize(("asked", "created", "executed"), [(None, 1, 1), (3, 3, 3), (5, 5, 5), (7, 7, 5)])
def test_graphs_are_created_and_up_to_five_executed(
    platform: Platform, user: dict[str, str], asked: int | None, created: int, executed: int
) -> None:
    vu = HastyUser()
    notes = asyncio.run(run(execute(asked), platform.api, user, user=vu))
    assert notes.requests == ["create graph"] * created + ["execute graph"] * executed
    assert notes.failed_checks == []
    assert notes.counts == {"graph creations": created, "graph executions": executed}
    assert notes.trends == {"graph creation": created, "graph execution": executed}
    assert notes.rates == [("execution errors", False)] * executed
    assert vu.thoughts == [("1s", "3s")]


def test_out_of_credits_is_counted_apart_and_no_error(poor_platform: Platform) -> None:
    notes = asyncio.run(run(execute(2), poor_platform.api, sign_in(poor_platform)))
    assert notes.requests == ["create graph"] * 2 + ["execute graph"] * 2
    assert (notes.failed_checks, notes.failed_requests) == ([], [])
    assert notes.counts == {"graph creations": 2, "out of credits": 2}
    assert notes.trends == {"graph creation": 2}
    assert notes.rates == [("execution errors", False)] * 2


@pytest.mark.parametrize(
    ("sentence", "sent", "failed"),
    [
        ("an error", answer("500 Oops"), 2),
        ("no id", answer(JSON, b"{}"), 1),
        ("no JSON", answer(JSON, b"<html>"), 1),
    ],
)
def test_a_failed_execution_is_an_execution_error(sentence: str, sent: bytes, failed: int) -> None:
    results: list[object] = []

    async def body(http: Client, vu: VirtualUser) -> None:
        results.append(await execute_graph(http, vu, GRAPH))

    notes = asyncio.run(run_against(sent, body))
    assert results == [None], sentence
    assert len(notes.failed_checks) == failed, sentence
    assert notes.rates == [("execution errors", True)], sentence
    assert not notes.counts, sentence


def test_an_execution_without_an_answer_is_an_execution_error() -> None:
    async def body(http: Client, vu: VirtualUser) -> None:
        with pytest.raises(httpx.ConnectError):
            await execute_graph(http, vu, GRAPH)

    notes = asyncio.run(run_against_nobody(body))
    assert notes.rates == [("execution errors", True)]


@pytest.mark.parametrize(
    ("sentence", "sent", "result"),
    [
        ("with id and version", answer(JSON, json.dumps(GRAPH).encode()), GRAPH),
        ("without a version", answer(JSON, b'{"id": "g"}'), None),
        ("refused", answer("422 No", json.dumps(GRAPH).encode()), None),
    ],
)
def test_what_counts_as_created(sentence: str, sent: bytes, result: object) -> None:
    results: list[object] = []

    async def body(http: Client, vu: VirtualUser) -> None:
        results.append(await create_graph(http, vu))

    notes = asyncio.run(run_against(sent, body))
    assert results == [result], sentence
    assert notes.counts["graph creations"] == (result is not None), sentence
