"""The files of real sessions against docs/run.schema.json, and read and written again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from pytest_loadtest.results.run import Run
from tests.plugin.conftest import Project
from tests.results.test_schema import validator


class Case(NamedTuple):
    """A session: a sentence on it, its test, the states of its results."""

    sentence: str
    source: str
    states: tuple[str, ...]


CASES = [
    Case(
        "a closed model that passes, with checks, metrics, budgets with windows",
        """
        @pytest.mark.load(vus=2, duration=1.2)
        @pytest.mark.budget(p95="5s", window="1s")
        async def test_load(http, vu):
            with vu.measure("visit"):
                vu.check("fine", (await http.get("/")).is_success)
            vu.count("visits")
            vu.rate("lucky", vu.random.random() < 0.5)
        """,
        ("passed",),
    ),
    Case(
        "a failed load: errors of every kind, failed iterations, budgets of what never was",
        """
        @pytest.mark.load(vus=2, duration=0.3)
        @pytest.mark.budget(p99="1us", rps="9000/s")
        @pytest.mark.budget(request="GET /never", p50="1s")
        @pytest.mark.budget(metric="never", max_count=1)
        async def test_load(http, vu):
            await http.get("/status/500")
            try:
                await http.get("/close", timeout=0.1)
            except Exception:
                pass
            assert False
        """,
        ("failed",),
    ),
    Case(
        "an open model that drops what it cannot start",
        """
        @pytest.mark.load(rate="50/s", duration=0.3, max_vus=1, graceful_stop=0)
        @pytest.mark.budget(p95="5s", dropped=99, error_rate="100%")
        async def test_load(http):
            await http.get("/delay/0.2")
        """,
        ("failed",),
    ),
    Case(
        "an interrupted load",
        """
        import os, signal

        @pytest.mark.load(vus=1, duration="1h")
        async def test_load(http, vu):
            await http.get("/")
            if vu.iteration == 3:
                os.kill(os.getpid(), signal.SIGINT)
        """,
        ("interrupted",),
    ),
    Case(
        "a load that the test aborts before it has sent anything, and one that is not answered",
        """
        @pytest.mark.load(vus=1, duration="1h")
        async def test_aborts(vu):
            vu.abort("enough")

        @pytest.mark.load(vus=1, iterations=1)
        async def test_nothing(vu):
            pass
        """,
        ("aborted", "passed"),
    ),
    Case(
        "loads that a test runs by itself",
        """
        async def scenario(http):
            await http.get("/")

        def test_own(load):
            load(scenario, vus=1, iterations=3, name="first")
            load(scenario, stages=[(0.1, 2), (0.1, 2), (0.1, 0)])
        """,
        ("passed", "passed"),
    ),
    Case(
        "users with tokens",
        """
        from pytest_loadtest import SignedTokens

        @pytest.fixture(scope="session")
        def token_pool():
            return SignedTokens(jwt_secret="a-secret-that-is-long-enough-for-hs256", users=["ann", "bob"])

        @pytest.mark.load(vus=2, iterations=4)
        async def test_load(http, token):
            await http.get("/", headers={"Authorization": f"Bearer {token}"})
        """,
        ("passed",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_the_file_of_a_session_keeps_the_schema(project: Project, case: Case) -> None:
    project.write(case.source)
    run = project.run_subprocess if "interrupted" in case.states else project.run
    run("--load-json=run.json")
    check(project.pytester.path / "run.json", case.states)


def check(path: Path, states: tuple[str, ...]) -> None:
    """It keeps the schema, has these results, and is the same when it is written again."""
    document = json.loads(path.read_text("utf-8"))
    assert [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)] == []
    run = Run.read(path)
    assert tuple(result.state for result in run.results) == states
    again = path.with_name("again.json")
    run.write(again)
    assert again.read_bytes() == path.read_bytes()


@pytest.fixture
def echo_url() -> Iterator[str]:
    """A WebSocket server that says what it hears."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    server: Server
    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_the_file_of_a_load_on_a_websocket_keeps_the_schema(project: Project, echo_url: str) -> None:
    project.write(
        f"""
        @pytest.mark.load(vus=2, iterations=4)
        async def test_load(http):
            async with http.websocket("{echo_url}", name="echo") as socket:
                await socket.send("hello")
                await socket.recv()
        """
    )
    project.run("--load-json=run.json")
    check(project.pytester.path / "run.json", ("passed",))
