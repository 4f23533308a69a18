"""Ctrl-C beside a load: before its report, while it is told, in a tear-down. It is in every report, once."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.kept import CONTROLLER_KNOWS, REPORTS, Kept, begun, controller_knows
from tests.plugin.session import wait_until

ONE_LOAD = """
import time
from conftest import note

@pytest.fixture
def slow_to_leave():
    yield
    note("leaving")
    time.sleep(3600)

@pytest.mark.load(vus=1, iterations=2)
async def test_load(http):
    await http.get("/shop")

@pytest.mark.load(vus=1, iterations=2)
async def test_after(http):
    await http.get("/after")
"""
OWN_LOADS = """
import asyncio, time
from conftest import note

async def browse(http):
    await http.get("/shop")
    note("browses")

async def wait():
    note("waits")
    await asyncio.sleep(0.01)

@pytest.fixture
def measured_after(load):
    yield
    load(wait, vus=1, duration="1h")
"""
ROW = ("Passed", "test_load.py::test_load")


# -- workers ------------------------------------------------------------------------------------------------

# The controller's word comes while the report is being made.
WORD_COMES = """
import threading
from pytest_loadtest.plugin import last_reports

is_reporting, has_come, told = threading.Event(), threading.Event(), last_reports.ToController._told

def tell(self, word):
    assert is_reporting.wait(100)
    told(self, word)
    has_come.set()

last_reports.ToController._told = tell

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call):
    if call.when == "call":
        is_reporting.set()
        assert has_come.wait(100)
    return (yield)
"""


def test_a_worker_that_is_interrupted_twice_still_sends_its_reports(project: Project) -> None:
    """By the terminal, and by the controller."""
    project.write(
        OWN_LOADS
        + """
def test_own(load):
    load(browse, vus=1, iterations=1)
    note("between loads")
    time.sleep(3600)
"""
    )
    with begun(project, "-n1", *REPORTS, conftest=CONTROLLER_KNOWS + WORD_COMES) as session:
        wait_until(lambda: "between loads" in session.notes() and controller_knows(session))
        session.interrupt_all()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["passed"]
    assert kept.failures == ["Failed: interrupted"]
    assert kept.rows == [("Failed", "test_load.py::test_own")]


def test_reports_that_wait_for_the_controller_are_read(project: Project) -> None:
    """It is busy with the outputs of one load test when another's report comes, and is interrupted then."""
    project.write(ONE_LOAD.replace("(http)", "(noted, http)"))
    busy = """
import os, signal, time
from pytest_loadtest.plugin.keeping import RunFile

write = RunFile.write

def interrupt_after(self, run, path):
    write(self, run, path)
    if run.exit_status is None and len(run.results) == 1:
        notes, deadline = pathlib.Path("notes"), time.monotonic() + 100
        notes.touch()  # their first one may be still to come
        while notes.read_text().count("reported") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

RunFile.write = interrupt_after

@pytest.fixture
def noted():
    yield
    note("reported")
"""
    with begun(project, "-n2", *REPORTS, conftest=busy) as session:
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["passed"] * 2
    assert kept.rows == [("Passed", "test_load.py::test_after"), ROW]


def test_what_xdist_has_read_is_not_read_again(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=2)
        async def test_load(http):
            await http.get("/shop")
            pytest.exit("the shop is closed")
        """
    )
    with begun(project, "-n1", *REPORTS) as session:
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    kept = Kept.at(project.pytester.path)
    assert [str(each) for each in kept.failures] == ["the load was stopped: the shop is closed"]
    assert len(kept.verdicts) == len(kept.states) == len(kept.rows) == 1


def test_a_worker_that_does_not_answer_is_named(project: Project) -> None:
    project.write(
        """
        import time
        from conftest import note

        @pytest.mark.load(vus=1, duration="1h")
        async def test_that_blocks_its_event_loop(http):
            note("blocks")
            time.sleep(3600)
        """
    )
    impatient = (
        "from pytest_loadtest.plugin import last_reports, unblocking\n"
        "last_reports.PATIENCE_S, unblocking.BLOCKED_S = 0.1, 3600\n"
    )
    with begun(project, "-n1", conftest=impatient + CONTROLLER_KNOWS) as session:
        wait_until(lambda: "blocks" in session.notes() and controller_knows(session))
        session.interrupt()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "no report of the load tests of gw0 within 0.1 s" in output


def test_what_was_measured_outlasts_a_signal_handler_that_leaves_in_the_midst_of_the_loop(
    project: Project,
) -> None:
    project.write(
        """
        import asyncio, os, signal, sys

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

        def strike():
            os.kill(os.getpid(), signal.SIGTERM)
            return "the handler comes before this"

        @pytest.mark.load(vus=2, duration="1h")
        async def test_load(http, vu):
            await http.get("/shop")
            if vu.iteration == 3:
                asyncio.get_running_loop().call_soon(strike)

        def test_next():
            pass
        """
    )
    with begun(project, *REPORTS) as session:
        status, output = session.end()
    assert status == pytest.ExitCode.TESTS_FAILED, output
    kept = Kept.at(project.pytester.path)
    assert kept.states == ["interrupted"]
    assert kept.failures == ["SystemExit: 143"]


# -- while outputs are written ------------------------------------------------------------------------------

# After each load test, or at the end of the session.
INTERRUPTED_WRITING = """
import os, signal
from pytest_loadtest.plugin.keeping import RunFile

write = RunFile.write

def interrupt_after(self, run, path):
    write(self, run, path)
    if (run.exit_status is not None) is {at_the_end}:
        os.kill(os.getpid(), signal.SIGINT)
        {fail}

RunFile.write = interrupt_after

@pytest.fixture(scope="session", autouse=True)
def platform():
    yield
    note("platform down")
"""


@pytest.mark.parametrize(
    "fail", [pytest.param("pass", id="written"), pytest.param("raise OSError('no')", id="not written")]
)
def test_while_its_result_is_written(project: Project, fail: str) -> None:
    project.write(ONE_LOAD)
    conftest = INTERRUPTED_WRITING.format(at_the_end=False, fail=fail)
    with begun(project, *REPORTS, conftest=conftest) as session:
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert " 1 passed in " in output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["passed"]
    assert kept.rows == [ROW]


def test_while_everything_is_written_at_the_end(project: Project) -> None:
    project.write(ONE_LOAD)
    conftest = INTERRUPTED_WRITING.format(at_the_end=True, fail="pass")
    with begun(project, *REPORTS, conftest=conftest) as session:
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert session.notes() == ["platform down"]
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["passed"] * 2
    assert len(kept.rows) == 2


# -- tear-downs ---------------------------------------------------------------------------------------------


def test_the_load_of_a_tear_down_is_an_error_of_the_tear_down(project: Project) -> None:
    project.write(OWN_LOADS + "\ndef test_load(measured_after):\n    pass\n")
    with begun(project, *REPORTS) as session:
        wait_until(session.notes)
        session.interrupt()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert " 1 passed, 1 error in " in output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["interrupted"]
    assert kept.rows == [("Error", "test_load.py::test_load::teardown"), ROW]


def test_reports_that_are_held_back_until_the_tear_down_are_made_again(project: Project) -> None:
    """As pytest-rerunfailures does it."""
    project.write(ONE_LOAD.replace("test_load(http", "test_load(slow_to_leave, http"))
    args = ("-p", "pytest_rerunfailures", "--reruns=1")
    with begun(project, *REPORTS, *args) as session:
        wait_until(session.notes)
        session.interrupt()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["passed"]
    assert kept.failures == ["interrupted"]


def test_the_time_of_the_set_up_is_not_counted_twice(project: Project) -> None:
    project.write(ONE_LOAD.replace("iterations=2", 'duration="1h"'))
    times = """
def pytest_runtest_logreport(report):
    note(f"{report.when} {report.start} {report.stop}")
"""
    with begun(project, conftest=times) as session:
        wait_until(lambda: project.target.requests)
        session.interrupt()
        session.end()
    setup, call, teardown = (line.split() for line in session.notes())
    assert [setup[0], call[0], teardown[0]] == ["setup", "call", "teardown"]
    assert float(setup[2]) <= float(call[1]) <= float(call[2]) <= float(teardown[1])
