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
        import asyncio, time

        @pytest.fixture
        async def slow_to_leave(vu):
            yield
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                await asyncio.sleep(0)

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


def test_nobody_is_thrown_out_of_a_debugger(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_timeout.is_debugging", lambda: True)
    project.write(
        """
        import time

        @pytest.mark.timeout(1)
        @pytest.mark.load(vus=1, duration="1h")
        async def test_load(http):
            await http.get("/")
            time.sleep(4)  # at its prompt
        """
    )
    result = project.run("-W", "error", plugins=TIMEOUT)
    result.stdout.no_fnmatch_line("*Failed at*")
    result.stdout.fnmatch_lines(["test_load * timed out *"])


def test_the_alarm_of_somebody_else_stays(project: Project) -> None:
    project.write(
        """
        import signal

        @pytest.fixture(autouse=True)
        def watchdog():
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.setitimer(signal.ITIMER_REAL, 600)
            yield
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 300
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

        @pytest.mark.timeout(60, method="thread")
        @pytest.mark.load(vus=1, iterations=2)
        async def test_load(http):
            await http.get("/")
        """
    )
    project.run("-W", "error", plugins=TIMEOUT).assert_outcomes(passed=1)
