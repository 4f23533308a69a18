"""What is decided while a load runs, and what is judged piece by piece: abort, extend, windows, warm-up."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests.plugin.conftest import Project
from tests.plugin.results import KEEP_RESULTS, results_of

S = 1_000_000_000


def write_test(project: Project, markers: str, body: str = "await http.get('/')") -> None:
    """One load test whose users pause a little."""
    project.write(KEEP_RESULTS, "conftest.py")
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    marks = "".join(f"@pytest.mark.{marker}\n" for marker in markers.split("; "))
    (project.pytester.path / "test_load.py").write_text(
        f"import pytest\n\n{marks}async def test_it(http, vu):\n{lines}\n    await vu.think(0.01)\n", "utf-8"
    )


# -- abort ------------------------------------------------------------------------------------------


def test_a_budget_that_stays_broken_stops_the_load(project: Project) -> None:
    markers = "load(vus=4, duration='50s'); budget(p95='5ms', abort='1s'); budget(iterations=100000)"
    write_test(project, markers, "await http.get('/delay/0.05')")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["stopped after *s, as its abort= says: p95: * ms > 5 ms for 1s; 1 of * broken: p95 * > 5 ms"]
    )
    row = results_of(project)["test_it"]
    assert row.state == "failed"
    assert 1.5 * S <= row.ran_ns < 20 * S
    assert "iterations" not in [budget.label for budget in row.budgets]  # it had not the time to count so far
    assert row.count > 50


def test_a_budget_that_is_kept_does_not(project: Project) -> None:
    write_test(project, "load(vus=1, duration='2.5s'); budget(p95='9s', abort='1s')")
    project.run().assert_outcomes(passed=1)
    assert results_of(project)["test_it"].ran_ns >= 2.5 * S


def test_a_load_whose_budgets_cannot_be_watched_does_not_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*_: object) -> None:
        raise ZeroDivisionError("in the watch")

    monkeypatch.setattr("pytest_loadtest.plugin.watching.AbortWatch.look", look)
    write_test(project, "load(vus=1, duration='30s'); budget(p95='9s', abort='1s')")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *ZeroDivisionError: in the watch"])
    assert results_of(project)["test_it"].state == "stopped"


# -- extend -----------------------------------------------------------------------------------------

# Every second check holds: a limit of half of them can never be decided.
UNDECIDABLE = "await http.get('/')\nvu.check('even', vu.iteration % 2 == 0)"


def test_a_load_that_is_too_close_to_call_is_lengthened_twice(project: Project) -> None:
    write_test(project, "load(vus=1, duration=1, ramp_up=0.2); budget(check_rate='50.01%')", UNDECIDABLE)
    project.run("--load-undecided=extend", "-v")
    row = results_of(project)["test_it"]
    assert 3.5 * S < row.ran_ns < 6 * S  # the hold was about doubled each time
    assert any(remark.startswith("lengthened from 1.2s to ") for remark in row.remarks), row.remarks
    assert row.confidence == pytest.approx(0.9833, abs=1e-4)


def test_a_short_load_is_lengthened_by_a_pytest_that_has_drawn_no_interval_yet(project: Project) -> None:
    """What they are computed with takes long to be imported: it is, before any user comes."""
    project.write(
        """
        import sys

        @pytest.fixture
        async def user(vu):
            assert "scipy.special" in sys.modules

        @pytest.mark.load(vus=1, duration=2)
        @pytest.mark.budget(check_rate="50.01%")
        async def test_it(http, vu, user):
            await http.get("/")
            vu.check("even", vu.iteration % 2 == 0)
        """
    )
    result = project.run_subprocess("--load-undecided=extend")
    result.stdout.fnmatch_lines(["*lengthened from 2s to *"])


class Kept(NamedTuple):
    """A load that is not lengthened: a sentence on it, its markers, the option."""

    sentence: str
    markers: str
    undecided: str


KEPT = [
    Kept("one that is decided", "load(vus=1, duration=0.5); budget(check_rate='1%')", "extend"),
    Kept("one whose estimate decides", "load(vus=1, duration=0.5); budget(check_rate='50.01%')", "estimate"),
    Kept(
        "one that is limited by iterations",
        "load(vus=1, iterations=50); budget(check_rate='50.01%')",
        "extend",
    ),
    Kept(
        "one that is broken beyond doubt elsewhere",
        "load(vus=1, duration=0.5); budget(check_rate='50.01%', p50='1us')",
        "extend",
    ),
]


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.sentence)
def test_what_is_not_lengthened(project: Project, case: Kept) -> None:
    write_test(project, case.markers, UNDECIDABLE)
    project.run(f"--load-undecided={case.undecided}")
    row = results_of(project)["test_it"]
    assert row.ran_ns < 3 * S
    assert not any(remark.startswith("lengthened") for remark in row.remarks)


def test_an_open_model_is_lengthened_too(project: Project) -> None:
    write_test(
        project,
        "load(rate='60/s', duration=1, max_vus=5); budget(check_rate='50.01%')",
        "await http.get('/')\nvu.check('heads', vu.random.random() < 0.5)",
    )
    project.run("--load-undecided=extend")
    row = results_of(project)["test_it"]
    assert row.ran_ns > 1.2 * S
    assert row.iterations == pytest.approx(60 * row.ran_ns / S, abs=3)


# -- windows ----------------------------------------------------------------------------------------

# Between 1 s and 2.3 s every request fails: a window of whole slices lies inside, wherever they begin.
BAD_SECOND = """\
now = asyncio.get_running_loop().time()
begun = vu.state.__dict__.setdefault("begun", now)
await http.get("/status/500" if 1 <= now - begun < 2.3 else "/")"""


@pytest.mark.parametrize(
    ("budget", "outcome"),
    [
        pytest.param("error_rate='60%'", "passed", id="over all of it the errors are few enough"),
        pytest.param("error_rate='60%', window='1s'", "failed", id="in their worst second they are not"),
        pytest.param("error_rate='60%', window='3s'", "passed", id="in a window as long as the load"),
    ],
)
def test_windows(project: Project, budget: str, outcome: str) -> None:
    write_test(project, f"load(vus=1, duration=3); budget({budget})", f"import asyncio\n{BAD_SECOND}")
    result = project.run()
    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*error_rate in every 1s 100% (from *s to *s) > 60%*"])


def test_a_window_that_does_not_fit_is_a_usage_error(project: Project) -> None:
    write_test(project, "load(vus=1, duration='5s'); budget(p95='1s', window='10s')")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*test_it: budget p95 in every 10s: the judged part holds one level for 5s at a time: no window*"]
    )


def test_a_window_that_fits_no_longer_because_of_an_option_is_left_out_and_said(project: Project) -> None:
    write_test(project, "load(vus=1, duration='1m'); budget(p95='1us', window='10s')")
    result = project.run("--load-duration=0.3")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*budget p95 in every 10s left out, the load is too short for it*"])


# -- warm-up ----------------------------------------------------------------------------------------


def test_a_declared_warm_up_is_not_judged(project: Project) -> None:
    body = "begun = vu.state.__dict__.setdefault('n', 0)\nvu.state.n += 1\n"
    body += "await http.get('/status/500' if vu.state.n < 3 else '/')"
    write_test(project, "load(vus=1, duration='1s', warm_up='0.5s'); budget(error_rate='0.1%')", body)
    project.run().assert_outcomes(passed=1)
    write_test(project, "load(vus=1, duration='1s'); budget(error_rate='0.1%')", body)
    project.run().assert_outcomes(failed=1)


def test_a_warm_up_is_found_and_said(project: Project) -> None:
    """The first two of twelve seconds are slow: 4 % of all requests."""
    body = (
        "now = asyncio.get_running_loop().time()\n"
        "begun = vu.state.__dict__.setdefault('begun', now)\n"
        "await http.get('/delay/0.12' if now - begun < 2 else '/delay/0.02')"
    )
    write_test(project, "load(vus=1, duration='12s'); budget(p97='90ms')", f"import asyncio\n{body}")
    project.run().assert_outcomes(passed=1)
    row = results_of(project)["test_it"]
    (note,) = (remark for remark in row.remarks if "warm-up" in remark)
    assert re.match(r"the first \d+s at the level were a warm-up \(median 1\d\d ms at first", note), note


# -- what else is said --------------------------------------------------------------------------------


def test_too_few_users_for_a_rate_are_told_how_many_it_takes(project: Project) -> None:
    """50 iterations a second that take 0.11 s need 6 users."""
    write_test(
        project, "load(rate='50/s', duration=1, max_vus=2); budget(p95='9s')", "await http.get('/delay/0.1')"
    )
    project.run().assert_outcomes(failed=1)
    (note,) = (remark for remark in results_of(project)["test_it"].remarks if "max_vus" in remark)
    assert re.match(
        r"all 2 users were busy and arrivals had to wait: iterations took 1\d\d ms on average", note
    )
    assert re.search(r"at up to 50/s, which takes about [67]; a larger max_vus=", note), note


def test_a_declared_warm_up_is_said(project: Project) -> None:
    write_test(project, "load(vus=1, duration='1s', warm_up='0.5s')")
    project.run().assert_outcomes(passed=1)
    remarks = results_of(project)["test_it"].remarks
    assert "the first 0.5s at the level are its warm-up (warm_up=): not judged" in remarks


def test_a_load_that_sends_no_requests_runs_to_its_end(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=2, duration="3.5s")
        async def test_a(vu):
            await vu.think("100ms")
        """
    )
    project.run().assert_outcomes(passed=1)
