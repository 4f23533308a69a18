"""What is decided while a load runs, and what is judged piece by piece: abort, extend, windows, warm-up."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from pytest_loadtest.engine.runner import LoadRun
from tests.plugin.conftest import Project
from tests.plugin.made_up_probe import MadeUpProbe
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


def test_a_budget_that_stays_broken_stops_the_load(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a machine that stands still for a moment the generator may have been why it was broken.
    monkeypatch.setattr("pytest_loadtest.plugin.running.GeneratorProbe", lambda: MadeUpProbe(0.2, 0.1))
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
    assert row.count > 10


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


@pytest.fixture
def early_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-way through the hold: there is time for a look even if the machine stands still for a moment."""
    monkeypatch.setattr("pytest_loadtest.plugin.watching.LOOK_SHARE", 2)


@pytest.mark.usefixtures("early_looks")
def test_a_load_that_is_too_close_to_call_is_lengthened_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer_ns: list[int] = []
    extend = LoadRun.extend

    def counted(run: LoadRun, extra_ns: int) -> bool:
        longer_ns.append(extra_ns)
        return extend(run, extra_ns)

    monkeypatch.setattr(LoadRun, "extend", counted)
    write_test(project, "load(vus=1, duration=1, ramp_up=0.2); budget(check_rate='50.01%')", UNDECIDABLE)
    project.run("--load-undecided=extend", "-v")
    row = results_of(project)["test_it"]
    assert len(longer_ns) == 2
    assert all(0.3 * S <= extra_ns <= 2 * S for extra_ns in longer_ns)  # as long again as it was by then
    assert row.configuration["duration"] == pytest.approx(1.2 + sum(longer_ns) / S)
    assert row.ran_ns / S >= row.configuration["duration"]
    assert any(remark.startswith("lengthened from 1.2s to ") for remark in row.remarks), row.remarks
    assert row.confidence == pytest.approx(0.9833, abs=1e-4)


SLOW_IMPORT = """
import time
import pytest_loadtest.plugin.watching as watching

load_formulas = watching.load_formulas

def load_slowly():
    time.sleep(1)
    load_formulas()

watching.load_formulas = load_slowly
watching.LOOK_SHARE = 2
"""


def test_a_short_load_is_lengthened_by_a_pytest_that_has_drawn_no_interval_yet(project: Project) -> None:
    """What they are computed with may be imported for longer than the load runs: none of that is its time."""
    body = f"import sys\nassert 'scipy.special' in sys.modules\n{UNDECIDABLE}"
    write_test(project, "load(vus=1, duration=1); budget(check_rate='50.01%', failure_rate=0)", body)
    path = project.pytester.path / "conftest.py"
    path.write_text(path.read_text("utf-8") + SLOW_IMPORT, "utf-8")
    result = project.run_subprocess("--load-undecided=extend")
    result.stdout.fnmatch_lines(["*lengthened from 1s to *"])


ITERATIONS_MAY_TAKE_S = 600  # where no duration says how long


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
    assert row.configuration["duration"] in (0.5, ITERATIONS_MAY_TAKE_S)
    assert not any(remark.startswith("lengthened") for remark in row.remarks)


@pytest.mark.usefixtures("early_looks")
def test_an_open_model_is_lengthened_too(project: Project) -> None:
    markers = "load(rate='60/s', duration=1, max_vus=5); budget(check_rate='50.01%')"
    write_test(project, markers, UNDECIDABLE)
    project.run("--load-undecided=extend")
    row = results_of(project)["test_it"]
    duration_s = row.configuration["duration"]
    assert row.ran_ns / S >= duration_s > 1.2
    assert row.iterations + row.dropped == pytest.approx(60 * duration_s, abs=1)


# -- windows ----------------------------------------------------------------------------------------

# After 1 s every request fails for 1.3 s: a window of whole slices lies inside, wherever they begin.
BAD_SECOND = """\
now, times = asyncio.get_running_loop().time(), vu.state.__dict__
begun = times.setdefault("begun", now)
bad_since = times.setdefault("bad_since", now) if now - begun >= 1 else now + 1
await http.get("/status/500" if 0 <= now - bad_since < 1.3 else "/")"""


@pytest.mark.parametrize(
    ("budget", "outcome"),
    [
        pytest.param("error_rate='85%'", "passed", id="over all of it the errors are few enough"),
        pytest.param("error_rate='85%', window='1s'", "failed", id="in their worst second they are not"),
        pytest.param("error_rate='85%', window='3s'", "passed", id="in a window as long as the load"),
    ],
)
def test_windows(project: Project, budget: str, outcome: str) -> None:
    write_test(project, f"load(vus=1, duration=3); budget({budget})", f"import asyncio\n{BAD_SECOND}")
    result = project.run()
    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*error_rate in every 1s * (from *s to *s) > 85%*"])


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
    write_test(project, "load(vus=1, duration='2s', warm_up='1.5s'); budget(error_rate='0.1%')", body)
    project.run().assert_outcomes(passed=1)
    write_test(project, "load(vus=1, duration='1s'); budget(error_rate='0.1%')", body)
    project.run().assert_outcomes(failed=1)


def test_a_warm_up_is_found_and_said(project: Project) -> None:
    """The first two of twelve seconds are slow: 5 % of all requests. They take so long that what a busy
    machine adds to them is little.
    """
    body = (
        "now = asyncio.get_running_loop().time()\n"
        "begun = vu.state.__dict__.setdefault('begun', now)\n"
        "await http.get('/delay/0.8' if now - begun < 2 else '/delay/0.2')"
    )
    write_test(project, "load(vus=4, duration='12s'); budget(p97='750ms')", f"import asyncio\n{body}")
    project.run().assert_outcomes(passed=1)
    row = results_of(project)["test_it"]
    (note,) = (remark for remark in row.remarks if "warm-up" in remark)
    assert re.match(r"the first \d+s at the level were a warm-up \(median [89]\d\d ms at first", note), note


# -- what else is said --------------------------------------------------------------------------------


def test_too_few_users_for_a_rate_are_told_how_many_it_takes(project: Project) -> None:
    """50 iterations a second that take 0.11 s need 6 users."""
    write_test(
        project, "load(rate='50/s', duration=1, max_vus=2); budget(p95='9s')", "await http.get('/delay/0.1')"
    )
    project.run().assert_outcomes(failed=1)
    (note,) = (remark for remark in results_of(project)["test_it"].remarks if "max_vus" in remark)
    told = re.match(
        r"all 2 users were busy and arrivals had to wait: iterations took (\d+) ms on average, "
        r"at up to 50/s, which takes about (\d+); a larger max_vus=",
        note,
    )
    assert told is not None, note
    mean_ms, users = map(int, told.groups())
    assert mean_ms >= 109
    assert users == pytest.approx(50 * mean_ms / 1000 + 0.5, abs=0.6)  # rounded up


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
