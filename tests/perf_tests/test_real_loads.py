"""The suite run for real, in processes of its own, on the platform that it starts: short loads of few users.

What their results hold is what the reports of the system that the suite replaces name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.results.result import LoadResult
from tests.perf_tests.conftest import PEERS, ROOT, without_settings
from tests.perf_tests.keeper import FILE_VARIABLE
from tests.perf_tests.test_marketplace import LIBRARY_STEPS, STORE_STEPS
from tests.perf_tests.test_platform_journey import ALWAYS
from tests.perf_tests.test_scenarios import OTHERS, TWELVE

# Far more than any run here takes.
LIMIT_S = 120

STORE, LIBRARY, CORE, GRAPHS, CREDITS, JOURNEY = (TWELVE[number] for number in (0, 1, 2, 3, 4, 8))
CONNECTIVITY, UPDATES = OTHERS
EACH = (CONNECTIVITY, UPDATES, STORE, LIBRARY, CORE, GRAPHS, CREDITS, JOURNEY)


@dataclass(frozen=True, slots=True)
class Run:
    status: int
    output: str
    results: dict[str, LoadResult]  # by the test's name


RunSuite = Callable[..., Run]


@pytest.fixture(scope="module")
def run_suite(tmp_path_factory: pytest.TempPathFactory) -> RunSuite:
    def run(*args: str) -> Run:
        path = tmp_path_factory.mktemp("results") / "results"
        path.touch()
        command = [sys.executable, "-m", "pytest", "perf_tests", "-p", "tests.perf_tests.keeper"]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", *PEERS, *args],
            cwd=ROOT,
            env={**without_settings(dict(os.environ)), FILE_VARIABLE: str(path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return Run(done.returncode, done.stdout, results_in(path))

    return run


def results_in(path: Path) -> dict[str, LoadResult]:
    results = [LoadResult.from_plain(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return {result.test.rpartition("::")[2]: result for result in results}


@pytest.fixture(scope="module")
def healthy(run_suite: RunSuite) -> Run:
    """Each test in one of its scenarios, as a short load."""
    selected = " or ".join(name.rpartition("[")[2].rstrip("]") for name in EACH)
    return run_suite("-k", selected, "--load-vus=3", "--load-duration=0.4s", "--concurrent-requests=2")


@pytest.fixture(scope="module")
def once(run_suite: RunSuite) -> Run:
    """Every test once, on two workers."""
    return run_suite("--load-once", "-n2", "--requests-per-vu=6")


def test_every_test_once(once: Run) -> None:
    assert once.status == 0, once.output
    assert sorted(once.results) == sorted([*TWELVE, *OTHERS])
    assert all(result.iterations == 1 for result in once.results.values())


def test_requests_per_vu_reach_every_worker(once: Run) -> None:
    assert [row.count for row in once.results[GRAPHS].requests] == [6, 5]
    assert once.results[LIBRARY].counters["library requests"] == 6 * len(LIBRARY_STEPS)


def test_every_test_passes_under_load_and_nothing_fails(healthy: Run) -> None:
    assert healthy.status == 0, healthy.output
    assert sorted(healthy.results) == sorted(EACH)
    for name, result in healthy.results.items():
        assert (result.state, result.errors, result.failures) == ("passed", (), ()), name
        assert result.check_share == 1, name
        assert result.iterations > 0, name


@pytest.mark.parametrize(
    ("test", "requests"),
    [
        (CONNECTIVITY, ["supabase", "health"]),
        (CREDITS, ["credits"]),
        (CORE, ["credits", "graphs", "blocks"]),
        (GRAPHS, ["create graph", "execute graph"]),
        (STORE, STORE_STEPS),
        (LIBRARY, LIBRARY_STEPS),
        (UPDATES, ["library agents", "updates"]),
    ],
)
def test_requests_have_the_names_of_their_steps(healthy: Run, test: str, requests: list[str]) -> None:
    assert {row.name for row in healthy.results[test].requests} == set(requests)


def test_the_journey_takes_the_steps_that_every_visit_has(healthy: Run) -> None:
    assert set(ALWAYS) < {row.name for row in healthy.results[JOURNEY].requests}


@pytest.mark.parametrize(
    ("test", "some_checks"),
    [
        (
            CONNECTIVITY,
            ["supabase: status is not 500", "health: responds", "token: has three parts of base64"],
        ),
        (CREDITS, ["credits: status is 200", "credits: answered within 5 s"]),
        (CORE, ["credits: credits are a number", "graphs: body is an array", "blocks: token is accepted"]),
        (GRAPHS, ["create graph: has an id and a version", "execute graph: status is 200 or 402"]),
        (STORE, ["all agents: lists at least one agent", "agent details: has id, name and description"]),
        (LIBRARY, ["fork library agent: has an id of its own", "add agent: answered within 15 s"]),
        (JOURNEY, ["onboarding: lists completed steps", "executions: status is 200"]),
    ],
)
def test_checks_can_be_read(healthy: Run, test: str, some_checks: list[str]) -> None:
    assert set(some_checks) <= {row.name for row in healthy.results[test].checks}


def test_counters_trends_and_rates(healthy: Run) -> None:
    graphs, library = healthy.results[GRAPHS], healthy.results[LIBRARY]
    created, executed = graphs.counters["graph creations"], graphs.counters["graph executions"]
    assert created >= executed > 0
    assert graphs.trends["graph creation"].n >= created
    assert graphs.trends["graph execution"].n == executed
    (errors,) = graphs.rates
    assert (errors.name, errors.yes, errors.total) == ("execution errors", 0, executed)
    assert library.counters["library requests"] == library.counters["successful requests"] > 0
    assert "failed requests" not in library.counters


def test_authentication_is_told_apart_from_the_load(healthy: Run) -> None:
    library, store = healthy.results[LIBRARY], healthy.results[STORE]
    assert library.authentication is not None
    assert library.authentication.attempts == library.authentication.successes
    assert store.authentication is None


def test_what_ails_the_demo_platform_shows_and_breaks_budgets(run_suite: RunSuite) -> None:
    """Answers take 50 ms longer, half of them are errors, half of the time the platform stands still."""
    ailments = (
        "--demo-latency=50ms",
        "--demo-error-rate=50%",
        "--demo-freeze=0.3s",
        "--demo-freeze-every=0.6s",
    )
    run = run_suite("-k", "Core_API_Max_Load", "--load-vus=2", "--load-duration=1.5s", *ailments)
    assert run.status == pytest.ExitCode.TESTS_FAILED, run.output
    result = run.results[CORE]
    assert {"error_rate", "check_rate"} <= {row.label for row in result.broken}
    assert result.latency.p50 >= 0.050 * NS_PER_S
    assert result.latency.max >= 0.25 * NS_PER_S
    assert result.failed_requests == pytest.approx(0.5 * result.count, rel=0.5)


def test_a_freeze_breaks_the_longest_and_hardly_the_percentiles(run_suite: RunSuite) -> None:
    freezing = ("--demo-freeze=1s", "--demo-freeze-every=1.5s", "--load-budget=max=0.5s")
    run = run_suite("-k", "Core_API_Max_Load", "--load-vus=2", "--load-duration=3s", *freezing)
    assert run.status == pytest.ExitCode.TESTS_FAILED, run.output
    assert [row.label for row in run.results[CORE].broken] == ["max"]
    assert "stalls: users spent" in run.output


def test_what_ails_the_demo_platform_is_refused_elsewhere(run_suite: RunSuite) -> None:
    run = run_suite("-k", "public and Max", "--load-env=LOCAL", "--demo-latency=1s")
    assert run.status == pytest.ExitCode.TESTS_FAILED
    assert "--demo-... is for environment DEMO, not for LOCAL" in run.output
    assert not run.results
