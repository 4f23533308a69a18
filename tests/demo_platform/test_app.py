"""The application in this process: what happens when something breaks underneath it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from perf_tests.demo_platform.app import create_app
from perf_tests.demo_platform.database import Database
from perf_tests.demo_platform.seed import seed
from perf_tests.demo_platform.settings import Settings
from perf_tests.demo_platform.signing import TokenSigner

SIGNER = TokenSigner("a secret for this test, and long enough")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "platform.sqlite3")
    seed(database)
    yield database
    database.close()


async def get(app: Starlette, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://platform") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/health", "/api/store/agents", "/api/store/creator/ada-bell"])
def test_a_broken_database_is_a_json_error(database: Database, path: str) -> None:
    app = create_app(database, SIGNER, Settings())
    database.close()
    response = asyncio.run(get(app, path))
    assert response.status_code == 500
    assert response.json() == {"detail": "Internal Server Error"}


def test_a_client_that_leaves_while_sending_is_no_error_of_the_server(database: Database) -> None:
    app = create_app(database, SIGNER, Settings())
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/auth/v1/token",
        "query_string": b"grant_type=password",
        "headers": [(b"apikey", SIGNER.api_key("anon").encode())],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400
