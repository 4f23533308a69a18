"""Properties of load tests in pytest's JUnit file: names, figures, several loads, reruns, workers."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from pytest_loadtest.report.junit import properties_of
from pytest_loadtest.results.rows import Latency, ShareRow
from tests.plugin.conftest import Project
from tests.report.samples import budget, load_result

JUNIT = "--junitxml=junit.xml"
TWO = """
@pytest.mark.load(vus=2, iterations=10)
@pytest.mark.budget(p95="30s")
async def test_fine(http, vu):
    await http.get("/")
    vu.check("odd or even", True)

@pytest.mark.load(vus=1, iterations=4)
async def test_broken(http, vu):
    await http.get("/status/500" if vu.iteration == 1 else "/")

def test_ordinary():
    pass
"""


def cases(project: Project) -> list[tuple[str, dict[str, str]]]:
    """Name and properties of each case; no name of a property occurs twice in one."""
    found = []
    for case in ElementTree.parse(project.pytester.path / "junit.xml").iter("testcase"):
        pairs = [(each.attrib["name"], each.attrib["value"]) for each in case.iter("property")]
        assert len(dict(pairs)) == len(pairs)
        found.append((case.attrib["name"], dict(pairs)))
    return found


def properties(project: Project) -> dict[str, dict[str, str]]:
    """Of each test, which has one case."""
    found = cases(project)
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.mark.parametrize("arguments", [[], ["-n1"]], ids=["one process", "xdist"])
def test_each_load_test_is_one_case_with_its_figures(project: Project, arguments: list[str]) -> None:
    project.write(TWO)
    plugins = ("xdist.plugin",) if arguments else ()
    run = project.run_subprocess if arguments else project.run
    run(JUNIT, *arguments, plugins=plugins).assert_outcomes(passed=2, failed=1)
    found = properties(project)
    assert found.keys() == {"test_fine", "test_broken", "test_ordinary"}
    fine, broken = found["test_fine"], found["test_broken"]
    assert (fine["load_verdict"], broken["load_verdict"]) == ("passed", "failed")
    assert (fine["load_requests"], fine["load_error_rate_percent"]) == ("10", "0")
    assert (broken["load_failed_requests"], broken["load_error_rate_percent"]) == ("1", "25")
    assert (fine["load_checks_percent"], fine["load_vus"]) == ("100", "2")
    assert "load_checks_percent" not in broken
    assert 0 < float(fine["load_p50_ms"]) <= float(fine["load_p95_ms"]) <= float(fine["load_p99_ms"]) < 30_000
    assert float(fine["load_rps"]) > 0
    assert fine["load_run_id"] == broken["load_run_id"] != ""
    assert found["test_ordinary"] == {}


def test_the_loads_of_one_test_are_numbered(project: Project) -> None:
    project.write(
        """
        async def browse(http):
            await http.get("/")

        def test_one(load):
            load(browse, vus=1, iterations=2)

        def test_two(load):
            load(browse, vus=1, iterations=3)
            load(browse, vus=2, iterations=4)
        """
    )
    project.run(JUNIT).assert_outcomes(passed=2)
    found = properties(project)
    assert (found["test_one"]["load_name"], found["test_one"]["load_requests"]) == ("browse, 1 VU", "2")
    two = found["test_two"]
    assert (two["load_1_name"], two["load_1_requests"]) == ("browse, 1 VU", "3")
    assert (two["load_2_name"], two["load_2_requests"]) == ("browse, 2 VUs", "4")
    assert "load_requests" not in two


def test_each_run_of_a_test_that_is_rerun_has_its_own_figures(project: Project) -> None:
    project.write(
        """
        runs = []

        @pytest.mark.flaky(reruns=1)
        @pytest.mark.load(vus=1, iterations=4)
        async def test_flaky(http, vu):
            if vu.iteration == 0:
                runs.append(1)
            await http.get("/status/500" if len(runs) == 1 else "/")
        """
    )
    result = project.run(JUNIT, plugins=("pytest_rerunfailures",))
    result.assert_outcomes(passed=1)
    figures = [(each["load_verdict"], each["load_failed_requests"]) for _, each in cases(project)]
    assert figures == [("failed", "4"), ("passed", "0")]  # pytest-rerunfailures makes a case of each


def test_a_load_in_a_tear_down_is_in_the_case_of_its_test(project: Project) -> None:
    project.write(
        """
        async def idle():
            pass

        @pytest.fixture
        def afterwards(load):
            yield
            load(idle, vus=1, iterations=2)

        def test_own(load, afterwards):
            load(idle, vus=1, iterations=3)
        """
    )
    project.run(JUNIT).assert_outcomes(passed=1)
    own = properties(project)["test_own"]
    assert (own["load_1_iterations"], own["load_2_iterations"]) == ("3", "2")


def test_properties_of_the_test_itself_stay(project: Project) -> None:
    project.write(
        """
        async def browse(http):
            await http.get("/")

        def test_own(load, record_property):
            record_property("load_of_bricks", 1)
            load(browse, vus=1, iterations=2)
        """
    )
    project.run(JUNIT, "-o", "junit_family=xunit1").assert_outcomes(passed=1)
    own = properties(project)["test_own"]
    assert (own["load_of_bricks"], own["load_requests"]) == ("1", "2")


def test_a_load_test_that_is_skipped_has_no_figures(project: Project) -> None:
    project.write(TWO)
    project.run(JUNIT, "--load-skip")
    assert properties(project)["test_fine"] == {}


# -- names and figures --------------------------------------------------------------------------------


def test_names_units_and_figures() -> None:
    result = replace(
        load_result(checks=(ShareRow("a", 1, 3),), budgets=(budget("p95", "", ""), budget("p99", "", ""))),
        nodeid="tests/test_a.py::TestStore::test_browse[new]",
        run_id="abc",
        latency=Latency(100, 1, 31_250, 1_250_000, 2_000_000_000, 3_000_000_000, p90=1_000_000),
    )
    assert dict(properties_of([result])) == {
        "load_verdict": "passed",
        "load_run_id": "abc",
        "load_p50_ms": "0.0312",
        "load_p90_ms": "1",
        "load_p95_ms": "1.25",
        "load_p99_ms": "2000",
        "load_max_ms": "3000",
        "load_rps": "50",
        "load_requests": "100",
        "load_failed_requests": "0",
        "load_error_rate_percent": "0",
        "load_iterations": "40",
        "load_failed_iterations": "0",
        "load_failure_rate_percent": "0",
        "load_dropped_iterations": "0",
        "load_checks_percent": "33.3333",
        "load_budgets": "2",
        "load_broken_budgets": "0",
        "load_vus": "5",
        "load_duration_s": "2",
    }


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_what_is_no_number_is_left_out(value: float) -> None:
    endless = load_result(latency=Latency(10, p50=1_000_000, p95=value))
    names = dict(properties_of([endless]))
    assert "load_p95_ms" not in names
    assert names["load_p50_ms"] == "1"


def test_without_any_request_there_are_no_latencies() -> None:
    names = dict(properties_of([load_result(latency=Latency(), requests=(), iterations=0)]))
    assert [name for name in names if name.endswith(("_ms", "_percent"))] == []
    assert names["load_requests"] == "0"
