"""Load tests beside other plugins: pytest-timeout, pytest-asyncio, anyio, randomly, rerunfailures, xdist."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.results import KEEP_RESULTS, results_of

TIMEOUT = ("pytest_timeout",)
ASYNCIO = ("pytest_asyncio.plugin",)
ANYIO = ("anyio.pytest_plugin",)
RERUNS = ("pytest_rerunfailures",)
RANDOMLY = ("pytest_randomly",)
XDIST = ("xdist.plugin",)

LONG_LOAD = """
@pytest.mark.load(vus=2, duration="1h")
async def test_load(http):
    await http.get("/shop")
"""

# -- pytest-timeout -----------------------------------------------------------------------------------


def test_a_time_limit_stops_the_load_and_shows_what_was_measured(project: Project) -> None:
    project.write("@pytest.mark.timeout(2)" + LONG_LOAD)
    result = project.run("-W", "error", plugins=TIMEOUT)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Timeout (>2s) from pytest-timeout: the load was stopped*",
            "GET /shop * [1-9]*",
            "test_load * timed out * [1-9]*",
        ]
    )


@pytest.mark.parametrize(
    ("source", "ini", "arguments"),
    [
        pytest.param("@pytest.mark.timeout(1, func_only=True)" + LONG_LOAD, "", [], id="function only"),
        pytest.param("@pytest.mark.timeout(3, method='thread')" + LONG_LOAD, "", [], id="thread"),
        pytest.param(LONG_LOAD, "timeout = '1'", [], id="ini file"),
        pytest.param(LONG_LOAD, "", ["--timeout=1"], id="option"),
    ],
)
def test_a_time_limit_holds_however_it_is_given(
    project: Project, source: str, ini: str, arguments: list[str]
) -> None:
    project.configure(ini=ini)
    project.write(source)
    # pytest-timeout's other method ends the whole process, if we let it.
    run = project.run_subprocess if "thread" in source else project.run
    result = run("-W", "error", *arguments, plugins=TIMEOUT)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["Timeout (>*s) from pytest-timeout: the load was stopped*", "test_load * timed out *"]
    )


SLOW_FIXTURES = {
    "a shared sync fixture": """
import time

@pytest.fixture
def slow():
    time.sleep(3600)
""",
    "a shared async fixture": """
import asyncio

@pytest.fixture
async def slow():
    await asyncio.sleep(3600)
""",
    "a user's fixture": """
import asyncio

@pytest.fixture
async def slow(vu):
    await asyncio.sleep(3600)
""",
    "a shared async fixture's tear-down": """
import asyncio

@pytest.fixture
async def slow():
    yield
    await asyncio.sleep(3600)
""",
}


@pytest.mark.parametrize("fixture", SLOW_FIXTURES.values(), ids=SLOW_FIXTURES.keys())
def test_a_time_limit_holds_for_fixtures_of_load_tests(project: Project, fixture: str) -> None:
    project.write(
        fixture
        + """
@pytest.mark.timeout(0.5)
@pytest.mark.load(vus=1, iterations=1)
async def test_load(http, slow):
    await http.get("/shop")
"""
    )
    result = project.run(plugins=TIMEOUT)
    outcomes = result.parseoutcomes()
    # On a machine that stands still, the load before a slow tear-down reaches the limit, too.
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) in (1, 1 + ("yield" in fixture))
    result.stdout.fnmatch_lines(["*Timeout (>0.5s) from pytest-timeout*"])


def test_a_time_limit_that_is_not_reached_changes_nothing(project: Project) -> None:
    project.write(
        """
        import time

        @pytest.mark.load(vus=1, duration=0.2)
        async def test_load(http):
            await http.get("/")

        @pytest.mark.timeout(0.3, func_only=True)
        def test_ordinary():
            time.sleep(3600)
        """
    )
    result = project.run("-W", "error", "--timeout=20", plugins=TIMEOUT)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Failed: Timeout (>0.3s) from pytest-timeout*"])


# -- pytest-asyncio and anyio ---------------------------------------------------------------------------

ASYNC_TESTS = """
import asyncio

RUNS = []

@pytest.fixture
async def loop():
    return asyncio.get_running_loop()

@pytest.fixture
async def user(vu):
    yield f"user {vu.id}"

@pytest.mark.load(vus=3, iterations_per_vu=2)
async def test_load(http, vu, loop, user):
    assert loop is asyncio.get_running_loop()
    assert user == f"user {vu.id}"
    assert (await http.get("/")).status_code == 200
    RUNS.append(vu.id)

@pytest.mark.load(vus=3, iterations_per_vu=2)
class TestShop:
    async def test_load(self, user, vu):
        RUNS.append(vu.id)

def test_after():
    assert sorted(RUNS) == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
"""
ORDINARY_ASYNC_TEST = """
async def test_ordinary():
    await asyncio.sleep(0)
"""


@pytest.mark.parametrize(
    ("plugins", "ini", "mark"),
    [
        pytest.param(ASYNCIO, "asyncio_mode = 'strict'", "@pytest.mark.asyncio", id="pytest-asyncio strict"),
        pytest.param(ASYNCIO, "asyncio_mode = 'auto'", "", id="pytest-asyncio auto"),
        pytest.param(ANYIO, "", "@pytest.mark.anyio", id="anyio"),
        pytest.param(ANYIO, "anyio_mode = 'auto'", "", id="anyio auto"),
        pytest.param((*ASYNCIO, *ANYIO), "", "@pytest.mark.asyncio", id="both"),
    ],
)
def test_load_tests_are_ours_and_other_async_tests_are_theirs(
    project: Project, plugins: tuple[str, ...], ini: str, mark: str
) -> None:
    if plugins[0] == ASYNCIO[0]:
        ini += "\nasyncio_default_fixture_loop_scope = 'function'"
    project.configure(ini=ini)
    backend = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n\n" if ANYIO[0] in plugins else ""
    project.write(f"{backend}{ASYNC_TESTS}\n{mark}{ORDINARY_ASYNC_TEST}")
    project.run("-W", "error", plugins=plugins).assert_outcomes(passed=4)


def test_a_wider_async_fixture_is_set_up_again_for_each_loop_that_needs_it(project: Project) -> None:
    project.configure(ini="asyncio_default_fixture_loop_scope = 'session'")
    project.write(
        """
        import asyncio
        import pytest_asyncio

        LOG = []

        @pytest_asyncio.fixture(scope="session", loop_scope="session")
        async def database():
            loop = asyncio.get_running_loop()
            LOG.append("up")
            yield loop
            assert asyncio.get_running_loop() is loop
            LOG.append("down")

        @pytest.mark.asyncio(loop_scope="session")
        async def test_theirs(database):
            assert database is asyncio.get_running_loop()

        @pytest.mark.load(vus=2, iterations=2)
        async def test_ours(database):
            assert database is asyncio.get_running_loop()

        @pytest.mark.load(vus=2, iterations=2)
        def test_ours_again(database):
            assert database is asyncio.get_running_loop()
            assert LOG == ["up", "down", "up"]

        @pytest.mark.asyncio(loop_scope="session")
        async def test_theirs_again(database):
            assert database is asyncio.get_running_loop()

        def test_after():
            assert LOG == ["up", "down", "up", "down", "up"]
        """
    )
    project.run("-W", "error", plugins=ASYNCIO).assert_outcomes(passed=5)


# -- reruns and order -------------------------------------------------------------------------------------

FLAKY = """
RUNS = []

@pytest.fixture(autouse=True)
def runs():
    RUNS.append(1)

@pytest.mark.flaky(reruns=2)
@pytest.mark.load(vus=1, iterations=4)
async def test_load(http, vu):
    await http.get("/status/503" if len(RUNS) < 3 else "/shop")
"""


def test_a_load_test_that_failed_is_run_again_and_its_last_result_is_shown(project: Project) -> None:
    project.write(FLAKY)
    result = project.run("-W", "error", plugins=RERUNS)
    assert result.parseoutcomes() == {"passed": 1, "rerun": 2}
    assert len(project.target.requests) == 12
    result.stdout.fnmatch_lines(["test_load * passed * 4 * 0% *"])
    result.stdout.no_fnmatch_line("test_load * failed *")


def test_a_rerun_that_is_skipped_shows_no_result_of_the_run_before(project: Project) -> None:
    project.write(
        """
        RUNS = []

        @pytest.mark.flaky(reruns=1)
        @pytest.mark.load(vus=1, iterations=1)
        async def test_load(http):
            RUNS.append(1)
            if len(RUNS) > 1:
                pytest.skip("no more")
            await http.get("/status/503")
        """
    )
    result = project.run(plugins=RERUNS)
    assert result.parseoutcomes() == {"skipped": 1, "rerun": 1}


def test_each_rerun_has_the_whole_time_limit(project: Project) -> None:
    project.write(
        """
        RUNS = []

        @pytest.mark.timeout(1.5)
        @pytest.mark.flaky(reruns=1)
        @pytest.mark.load(vus=1, duration="1h")
        async def test_load(http, vu):
            if not vu.iteration:
                RUNS.append(1)
            await http.get("/")
            if len(RUNS) > 1:
                vu.abort("seen enough")
        """
    )
    result = project.run(plugins=(*TIMEOUT, *RERUNS))
    result.stdout.fnmatch_lines(["*the test aborted the load: seen enough"])


def test_load_tests_in_random_order_stay_reproducible(project: Project) -> None:
    project.write(
        """
        import random

        @pytest.mark.load(vus=2, iterations_per_vu=2)
        @pytest.mark.parametrize("n", range(3))
        async def test_load(http, vu, n):
            await http.get(f"/{n}", params={"user": vu.id, "draw": vu.random.random()})
        """
    )
    draws = []
    for seed in ("1", "2"):
        project.target.forget()
        project.run(f"--randomly-seed={seed}", plugins=RANDOMLY).assert_outcomes(passed=3)
        draws.append(sorted(seen.target for seen in project.target.requests))
    assert draws[0] == draws[1]


# -- xdist ------------------------------------------------------------------------------------------------


def test_results_of_workers_reach_the_controllers_reports_and_summary(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        """
        @pytest.mark.load(vus=2, iterations=10)
        async def test_good(http, vu):
            with vu.measure("buying"):
                vu.check("is fine", (await http.get("/shop")).status_code == 200)
            vu.count("items", 2)
            vu.rate("bought", True)

        @pytest.mark.load(vus=2, iterations=10)
        @pytest.mark.budget(p95=1e-6)
        async def test_slow(http):
            await http.get("/shop")

        @pytest.mark.load(vus=2, iterations=10)
        async def test_broken(vu):
            assert vu.iteration < 0, "broken"

        def test_ordinary():
            pass
        """
    )
    result = project.run_subprocess("-n2", plugins=XDIST)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "1 of 3 budgets broken: p95 * > 1 us",
            "E   AssertionError: broken",
            "test_good * passed * 10 * 0% * 100%",
            "test_slow * failed * 10 *",
            "test_broken * failed * 0 *",
            "FAILED test_load.py::test_slow - 1 of 3 budgets broken*",
        ]
    )
    results = results_of(project)
    assert set(results) == {"test_good", "test_slow", "test_broken"}
    good = results["test_good"]
    assert (good.state, good.count, good.iterations, good.check_share) == ("passed", 10, 10, 1)
    assert good.counters == {"items": 20}
    assert good.trends["buying"].n == 10
    assert good.rates[0].yes == 10
    assert results["test_broken"].failures[0].traceback.startswith("test_load.py:17: in test_broken")
    assert len(project.target.requests) == 20
