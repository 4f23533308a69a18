"""Executions: their way through time, with a clock that the test sets, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from perf_tests.demo_platform.account import AccountApi
from perf_tests.demo_platform.auth import Authenticator
from perf_tests.demo_platform.blocks_api import BlocksApi
from perf_tests.demo_platform.database import Database
from perf_tests.demo_platform.executions import ExecutionsApi
from perf_tests.demo_platform.graphs import GraphsApi
from perf_tests.demo_platform.responses import exception_handlers
from perf_tests.demo_platform.seed import USER_EMAILS, seed, user_id_of
from perf_tests.demo_platform.signing import TokenSigner

SIGNER = TokenSigner("a secret for this test, and long enough")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Desk:
    """One user's requests to the application in this process, at times that the test says."""

    def __init__(self, database: Database) -> None:
        authenticator = Authenticator(database, SIGNER)
        self.now = START
        apis = [
            GraphsApi(database, authenticator),
            ExecutionsApi(database, authenticator, clock=lambda: self.now),
            BlocksApi(database, authenticator),
            AccountApi(database, authenticator),
        ]
        routes = [route for api in apis for route in api.routes()]
        self._app = Starlette(routes=routes, exception_handlers=exception_handlers)
        user_id = user_id_of(USER_EMAILS[0])
        self._headers = {"Authorization": f"Bearer {SIGNER.access_token(user_id, USER_EMAILS[0], 's', 'i')}"}

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://platform") as client:
                return await client.request(method, path, json=body, headers=self._headers)

        return asyncio.run(send())

    def graph_named(self, name: str) -> str:
        return next(
            str(graph["id"]) for graph in self.ask("GET", "/api/graphs").json() if graph["name"] == name
        )

    def execute(self, name: str, **inputs: Any) -> tuple[httpx.Response, str]:
        """The answer, and where the graph's executions are."""
        graph_id = self.graph_named(name)
        answer = self.ask("POST", f"/api/graphs/{graph_id}/execute/1", {"inputs": inputs})
        return answer, f"/api/graphs/{graph_id}/executions"

    def credits(self) -> int:
        return int(self.ask("GET", "/api/credits").json()["credits"])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "platform.sqlite3")
    seed(database, initial_credits=5)
    yield database
    database.close()


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


@pytest.mark.parametrize(
    ("after_ms", "status", "outputs", "has_started", "has_ended"),
    [
        (0, "QUEUED", {}, False, False),
        (49, "QUEUED", {}, False, False),
        (50, "RUNNING", {}, True, False),
        (349, "RUNNING", {}, True, False),
        (350, "COMPLETED", {"result": ["Hello, Ada!"]}, True, True),
        (10**9, "COMPLETED", {"result": ["Hello, Ada!"]}, True, True),
    ],
)
def test_an_execution_goes_on_as_time_passes(
    desk: Desk, after_ms: int, status: str, outputs: dict[str, Any], has_started: bool, has_ended: bool
) -> None:
    answer, path = desk.execute("Greeting", message="Ada")
    started = answer.json()
    assert (answer.status_code, started["status"], started["graph_version"]) == (200, "QUEUED", 1)
    assert started["id"] == started["graph_exec_id"]
    desk.now = START + timedelta(milliseconds=after_ms)
    seen = desk.ask("GET", f"{path}/{started['id']}").json()
    assert (seen["status"], seen["outputs"], seen["inputs"]) == (status, outputs, {"message": "Ada"})
    assert (seen["started_at"] is not None, seen["ended_at"] is not None) == (has_started, has_ended)
    meta = {key: value for key, value in seen.items() if key not in ("inputs", "outputs")}
    assert desk.ask("GET", "/api/executions").json()[0] == meta
    assert desk.ask("GET", path).json()["executions"][0] == meta


def test_a_failing_block_fails_the_execution_when_its_time_has_come(desk: Desk) -> None:
    answer, path = desk.execute("Division", a=1, b=0)
    assert (answer.status_code, answer.json()["status"], answer.json()["stats"]["error"]) == (
        200,
        "QUEUED",
        None,
    )
    desk.now = START + timedelta(minutes=1)
    seen = desk.ask("GET", f"{path}/{answer.json()['id']}").json()
    assert (seen["status"], seen["outputs"]) == ("FAILED", {})
    assert seen["stats"]["error"] == "Node divide (CalculatorBlock): cannot calculate: float division by zero"


def test_executions_cost_credits_until_there_are_none(desk: Desk) -> None:
    path = desk.execute("Greeting")[1]
    assert desk.credits() == 3
    desk.execute("Greeting")
    assert desk.credits() == 1
    answer = desk.execute("Greeting")[0]
    assert answer.status_code == 402
    assert answer.json()["detail"].startswith("Insufficient balance: this costs 2 credits")
    assert desk.credits() == 1
    assert desk.ask("GET", path).json()["pagination"]["total_items"] == 2 + 2  # two from the seed


def test_an_unknown_version_costs_nothing(desk: Desk) -> None:
    answer = desk.ask("POST", f"/api/graphs/{desk.graph_named('Greeting')}/execute/2", {})
    assert (answer.status_code, desk.credits()) == (404, 5)


@pytest.mark.parametrize(
    ("body", "status", "answer", "left"),
    [
        ({"operation": "Add", "a": 1, "b": 2}, 200, {"result": [3]}, 4),
        ({"operation": "Divide", "a": 1, "b": 0}, 400, {"detail": "CalculatorBlock: cannot calculate: "}, 4),
        ({"operation": "Add", "a": 1}, 422, "missing", 5),
        ({"operation": "Add", "a": 1, "b": "2"}, 422, "number_type", 5),
    ],
)
def test_a_block_is_executed_alone(desk: Desk, body: Any, status: int, answer: Any, left: int) -> None:
    response = desk.ask("POST", "/api/blocks/b1ab9b19-67a6-406d-abf5-2dba76d00c79/execute", body)
    assert (response.status_code, desk.credits()) == (status, left)
    if status == 422:
        assert response.json()["detail"][0]["type"] == answer
        assert response.json()["detail"][0]["loc"] == ["body", "b"]
    elif status == 400:
        assert response.json()["detail"].startswith(answer["detail"])
    else:
        assert response.json() == answer


def test_a_block_is_not_executed_without_credits(desk: Desk, database: Database) -> None:
    database.execute("UPDATE users SET credits = 0")
    calculator = "/api/blocks/b1ab9b19-67a6-406d-abf5-2dba76d00c79/execute"
    assert desk.ask("POST", calculator, {"operation": "Add", "a": 1, "b": 2}).status_code == 402
    free = "/api/blocks/1ff065e9-88e8-4358-9d82-8dc91f622ba9/execute"
    assert desk.ask("POST", free, {"input": "x"}).json() == {"output": ["x"]}


def test_an_unknown_block(desk: Desk) -> None:
    assert desk.ask("POST", "/api/blocks/x/execute", {}).status_code == 404


def test_the_list_of_blocks_has_those_of_the_graphs(desk: Desk) -> None:
    blocks = {block["id"] for block in desk.ask("GET", "/api/blocks").json()}
    graph = desk.ask("GET", f"/api/graphs/{desk.graph_named('Division')}").json()
    assert {node["block_id"] for node in graph["nodes"]} <= blocks
