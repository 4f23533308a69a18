"""What is measured is what happened, and nothing else is measured."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin import known_latency_server
from tests.plugin.conftest import Project
from tests.plugin.results import KEEP_RESULTS, results_of

ROOT = Path(__file__).parents[2]
REQUESTS = 400
RELATIVE_ERROR = 1 / 257  # of the histogram, at most


@pytest.fixture(scope="module")
def known_latency_url() -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", known_latency_server.__name__], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def nearest_rank(values: list[int], share: float) -> int:
    return sorted(values)[math.ceil(round(share * len(values), 6)) - 1]


def test_percentiles_lie_between_what_the_server_and_what_the_caller_timed(
    project: Project, known_latency_url: str
) -> None:
    """The latency that a user sees begins before the server reads and ends after it writes; so the time by
    the server's clock is a lower bound of it for every single request, and of its percentiles. A stopwatch
    around the call is an upper bound. On an idle machine they are half a millisecond apart; on a busy
    one the bounds move apart with what really happened, and the test does not become a matter of luck.
    """
    project.configure(f'environments.KNOWN = {{api = "{known_latency_url}"}}')
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        f"""
        import json, pathlib
        from time import perf_counter_ns

        TIMES = []

        @pytest.mark.load(vus=20, iterations={REQUESTS})
        async def test_load(http):
            started_ns = perf_counter_ns()
            answer = await http.get("/")
            TIMES.append((answer.json(), perf_counter_ns() - started_ns))

        def test_after():
            pathlib.Path("times").write_text(json.dumps(TIMES))
        """
    )
    project.run().assert_outcomes(passed=2)
    by_server, by_caller = zip(*json.loads((project.pytester.path / "times").read_text()), strict=True)
    latency = results_of(project)["test_load"].latency
    assert latency.n == len(by_server) == REQUESTS
    known_ns = {0.5: 20e6, 0.95: 60e6, 0.99: 150e6}
    for share, measured_ns in ((0.5, latency.p50), (0.95, latency.p95), (0.99, latency.p99)):
        at_least, at_most = nearest_rank(by_server, share), nearest_rank(by_caller, share)
        assert at_least * (1 - RELATIVE_ERROR) <= measured_ns <= at_most * (1 + RELATIVE_ERROR)
        assert at_least >= known_ns[share] - 1e6  # the server kept to its pattern: timers tick in ms
    assert min(by_server) * (1 - RELATIVE_ERROR) <= latency.mean <= max(by_caller)
    assert latency.max <= max(by_caller)


def test_requests_of_set_up_and_tear_down_are_not_measured(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        """
        @pytest.fixture
        async def signed_in(http, vu):
            await http.post("/status/500", name="sign in")
            vu.check("signed in", False)
            yield
            await http.post("/close", name="sign out")

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        async def test_load(http, signed_in):
            await http.get("/shop")
        """
    )
    result = project.run()
    result.stdout.fnmatch_lines(["tear-down failed for 3 virtual users*"])
    load = results_of(project)["test_load"]
    assert [row.name for row in load.requests] == ["GET /shop"]
    assert (load.count, load.failed_requests, load.checks) == (6, 0, ())


def test_an_open_model_measures_from_when_an_iteration_should_have_started(project: Project) -> None:
    """One user, 20 arrivals a second, 0.1 s for each: the n-th of them starts (n - 1) x 0.05 s late."""
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        """
        @pytest.mark.load(rate="20/s", duration=0.5, max_vus=1)
        @pytest.mark.budget(dropped=20)
        async def test_load(http):
            await http.get("/delay/0.1")
        """
    )
    project.run().assert_outcomes(passed=1)
    load = results_of(project)["test_load"]
    assert load.open_model
    assert load.dropped + load.iterations == 10
    assert load.latency.max >= (load.iterations - 1) * 50e6 + 99e6
    mean_delay_ns = load.latency.mean - load.requests[0].phases["waiting"].mean
    assert mean_delay_ns >= (load.iterations - 1) / 2 * 49e6


def test_a_failed_request_without_an_answer_is_an_error_and_no_latency(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        """
        import httpx

        @pytest.mark.load(vus=1, iterations=4)
        @pytest.mark.budget(error_rate="50%")
        async def test_load(http, vu):
            if vu.iteration % 2:
                with pytest.raises(httpx.RemoteProtocolError):
                    await http.get("/close", name="shop")
            else:
                await http.get("/shop", name="shop")
        """
    )
    project.run().assert_outcomes(passed=1)
    (row,) = results_of(project)["test_load"].requests
    assert (row.count, row.failed, row.latency.n) == (4, 2, 2)


def test_a_time_out_counts_with_its_whole_wait(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        """
        import httpx

        @pytest.mark.load(vus=1, iterations=2)
        @pytest.mark.budget(error_rate="100%")
        async def test_load(http):
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/hang", timeout=httpx.Timeout(0.2, connect=60))
        """
    )
    project.run().assert_outcomes(passed=1)
    (row,) = results_of(project)["test_load"].requests
    assert (row.count, row.failed, row.latency.n) == (2, 2, 2)
    assert row.latency.p50 >= 0.2e9 * (1 - RELATIVE_ERROR)
