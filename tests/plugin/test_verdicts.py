"""What makes a load test fail although no budget says so, and what the figures leave in and out."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.target import Target


def test_iterations_that_were_not_finished_in_time_fail_the_test(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=100, duration="0.3s")
        async def test_load(vu):
            await vu.think("100ms")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["only * of 100 iterations were finished within 300 ms*"])


def test_what_is_sent_in_the_graceful_stop_is_in_no_rate(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, duration="0.2s")
        @pytest.mark.budget(rps=50)
        async def test_load(http, vu):
            for _ in range(20):
                await http.get("/")
                await vu.think("50ms")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["1 of * budgets broken: rps * < 50/s"])


def test_a_test_that_survives_a_dead_target_is_stopped(
    project: Project, refusing_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_loadtest.plugin.watching.NO_TARGET_AFTER_NS", 300_000_000)
    project.write(
        f"""
        import httpx

        @pytest.mark.load(vus=2, duration="30s")
        async def test_load(http, vu):
            try:
                await http.get("{refusing_url}/x")
            except httpx.HTTPError:
                await vu.think("10ms")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [f"no request got an answer, the load was stopped: connection refused: *{refusing_url}/x"]
    )


def test_a_slow_answer_after_a_refusal_is_no_dead_target(
    project: Project, refusing_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused is recorded at once, what is still being answered is not: the load goes on."""
    monkeypatch.setattr("pytest_loadtest.plugin.watching.NO_TARGET_AFTER_NS", 100_000_000)
    project.write(
        f"""
        import httpx

        @pytest.mark.load(vus=10, iterations=10)
        @pytest.mark.budget(error_rate="100%", request="optional")
        async def test_slow(http, vu):
            try:
                await http.get("{refusing_url}/x", name="optional")
            except httpx.HTTPError:
                await http.get("/delay/0.5")

        @pytest.mark.load(vus=2, iterations=2)
        @pytest.mark.budget(error_rate="100%", request="optional")
        async def test_thinking(http, vu):
            try:
                await http.get("{refusing_url}/x", name="optional")
            except httpx.HTTPError:
                await vu.think("0.5s")
            await http.get("/")

        @pytest.mark.load(vus=10, iterations=10)
        @pytest.mark.budget(error_rate="10%", failure_rate="10%")
        async def test_one_fails(http, vu):
            if vu.id == 1:
                await http.get("{refusing_url}/x", name="optional")
            await http.get("/delay/0.5")
        """
    )
    project.run().assert_outcomes(passed=3)


def test_wrong_options_of_the_client_are_said_in_one_line(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        def httpx_client_options(vu):
            return {"verify": False}

        @pytest.mark.load(vus=2, iterations=2)
        async def test_load(httpx_client):
            await httpx_client.get("/")
        """
    )
    result = project.run()
    assert "httpx_client_options: 'verify' is not possible here" in result.stdout.str()
    assert len(result.stdout.lines) < 40


def test_a_request_in_a_task_that_the_body_forgot_is_censored(project: Project) -> None:
    project.write(
        """
        import asyncio

        @pytest.mark.load(vus=2, duration="0.2s", graceful_stop="0.1s")
        @pytest.mark.budget(p95="10s")
        async def test_load(http):
            asyncio.create_task(http.get("/hang"))
            await asyncio.sleep(30)
        """
    )
    result = project.run("-v")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*2 requests, 2 censored*"])


def test_a_check_belongs_to_the_start_of_its_iteration(project: Project) -> None:
    """The last iterations of the steady part end after it, and theirs is the check that fails."""
    project.write(
        """
        @pytest.mark.load(vus=2, duration="0.8s", ramp_down="0.1s")
        @pytest.mark.budget(check_rate="99%")
        async def test_load(vu):
            await vu.think("1s" if vu.iteration else "1ms")
            vu.check("is early", vu.iteration == 0)
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["1 of * budgets broken: check_rate 50% < 99%*"])


def test_the_header_shows_no_password_of_the_target(project: Project, target: Target) -> None:
    secret = "horse-battery-9"
    project.configure(
        f'environments.TEST = {{api = "{target.url.replace("http://", f"http://bob:{secret}@")}"}}'
    )
    project.write(
        """
        @pytest.mark.load(iterations=1)
        async def test_load(http):
            await http.get("/")
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    assert secret not in result.stdout.str()


def test_without_pytests_capture_all_works(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=1)
        async def test_load(http):
            await http.get("/")
        """
    )
    project.run_subprocess("-p", "no:capture").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('vu.check(False, "late")', "*MisuseError*vu.check(False, ...): its first argument is a name*"),
        ('await http.get("/", name=vu.id)', "*MisuseError*the name of a request is a text, not 1*"),
        (
            'vu.check("ok", http.get("/"))',
            "*MisuseError*vu.check('ok', ...) was given something that must be awaited*",
        ),
        ('vu.trend("x", "5ms")', "*MisuseError*vu.trend('x', '5ms'): a duration is zero or more seconds*"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_wrong_argument_is_said_and_nothing_measured_is_lost(
    project: Project, body: str, message: str
) -> None:
    project.write(
        f"""
        @pytest.mark.load(vus=1, iterations=3)
        async def test_load(http, vu):
            await http.get("/")
            if vu.iteration:
                {body}
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message, "test_load *"])


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_test_that_takes_http_and_sends_nothing_is_told_so(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=3)
        @pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
        async def test_load(http):
            http.get("/")
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["note: *: the test takes http, but no request was made; is an await missing?"]
    )


def test_a_budget_without_a_load_is_a_usage_error(project: Project) -> None:
    project.write(
        """
        @pytest.mark.budget(p95="1s")
        def test_plain():
            pass
        """
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_plain: the budget marker has no effect without a load marker"])


def test_reconnects_are_told_in_a_note(project: Project) -> None:
    project.write(
        """
        import httpx

        @pytest.mark.load(vus=1, iterations=2)
        @pytest.mark.budget(error_rate="100%", request="GET /close")
        async def test_load(http):
            await http.get("/")
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get("/close")
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["note: *2 requests were sent once more on a new connection: the server had closed the kept one"]
    )
