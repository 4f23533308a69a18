"""pytest-timeout's limit on code that blocks the event loop, which nothing within the loop can end."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

TIMEOUT = ("pytest_timeout",)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that has not moved for a little more than a beat is blocked."""
    monkeypatch.setattr("pytest_loadtest.plugin.unblocking.BLOCKED_S", 0.6)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("async def test_load(http, vu):\n    await http.get('/')", id="a coroutine"),
        pytest.param("def test_load(http, vu):\n    http.get('/')", id="a sync body"),
    ],
)
def test_code_that_blocks_the_loop_is_interrupted_beyond_the_limit(project: Project, body: str) -> None:
    project.write(
        f"""
import time

@pytest.mark.timeout(2)
@pytest.mark.load(vus=2, duration="1h")
{body}
    try:
        if vu.iteration == 1:
            time.sleep(3600)
    except Exception:
        time.sleep(3600)
"""
    )
    result = project.run("-W", "error", plugins=TIMEOUT)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Timeout (>2s) from pytest-timeout: the load was stopped*",
            "  [12] x Failed at test_load.py:*",
            "      Timeout (>2s) from pytest-timeout: this line blocked the event loop",
            "test_load * timed out *",
        ]
    )


def test_a_loop_that_moves_is_not_interrupted_beyond_the_limit(project: Project) -> None:
    project.write(
        """
        import asyncio

        @pytest.fixture
        async def slow_to_leave(vu):
            yield
            await asyncio.sleep(1.5)

        @pytest.mark.timeout(1)
        @pytest.mark.load(vus=2, duration="1h")
        async def test_load(http, slow_to_leave):
            await http.get("/")
        """
    )
    result = project.run("-W", "error", plugins=TIMEOUT)
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*blocked the event loop")
    result.stdout.fnmatch_lines(["test_load * timed out *"])
