"""Ctrl-C or SIGTERM in the midst of a load: the test is in every report, also that of a worker."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from pytest_loadtest.results.run import Run
from tests.plugin.conftest import Project
from tests.plugin.kept import CONTROLLER_KNOWS, REPORTS, Kept, begun, controller_knows
from tests.plugin.session import Session, wait_until

TWO_LOADS = """
from conftest import note

pytestmark = pytest.mark.load(vus=3, duration="1h")

@pytest.fixture
async def shopper(vu):
    note("here")
    yield
    note("gone")

async def test_browse(http, shopper):
    await http.get("/shop")

async def test_buy(http, shopper):
    await http.get("/cart")
"""


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(Session.interrupt, id="Ctrl-C"),
        pytest.param(Session.terminate, id="SIGTERM, of a CI system"),
    ],
)
def test_the_test_is_in_every_report(project: Project, end: Callable[[Session], None]) -> None:
    project.write(TWO_LOADS)
    with begun(project, *REPORTS) as session:
        wait_until(lambda: len(project.target.requests) > 5)
        end(session)
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["interrupted"]
    assert [str(message)[:17] for message in kept.failures] == ["interrupted after"]
    assert kept.rows == [("Failed", "test_load.py::test_browse")]


HOW = [
    pytest.param(Session.interrupt_all, id="as on a terminal, which interrupts the workers, too"),
    pytest.param(Session.interrupt, id="as a script does, which knows the controller only"),
    pytest.param(Session.terminate_all, id="SIGTERM to every process of a job"),
    pytest.param(Session.terminate, id="SIGTERM to the controller"),
]


@pytest.mark.parametrize("interrupt", HOW)
def test_the_tests_of_workers_are_in_every_report(
    project: Project, interrupt: Callable[[Session], None]
) -> None:
    project.write(TWO_LOADS)
    with begun(project, "-n2", *REPORTS, conftest=CONTROLLER_KNOWS) as session:
        wait_until(lambda: {"/shop", "/cart"} <= {each.path for each in project.target.requests})
        wait_until(lambda: controller_knows(session, 2))
        interrupt(session)
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert session.notes().count("here") == session.notes().count("gone") == 6
    assert "waiting for the load tests of gw0, gw1; " in output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["interrupted"] * 2
    assert [str(message)[:17] for message in kept.failures] == ["interrupted after"] * 2
    assert kept.rows == [("Failed", "test_load.py::test_browse"), ("Failed", "test_load.py::test_buy")]
    assert kept.exit_status == pytest.ExitCode.INTERRUPTED


def test_sigterm_ends_a_controller_without_load_tests_as_ever(project: Project) -> None:
    project.write(
        """
        import time
        from conftest import note

        def test_that_takes_long():
            note("begun")
            time.sleep(3600)
        """
    )
    with begun(project, "-n1") as session:
        wait_until(session.notes)
        session.terminate()
        status, output = session.end()
    assert status == -signal.SIGTERM, output


def test_twice_does_not_wait_for_workers(project: Project) -> None:
    project.write(
        """
        import time
        from conftest import note
        from pytest_loadtest.plugin import unblocking

        unblocking.BLOCKED_S = 3600  # the first Ctrl-C does not get through

        @pytest.mark.load(vus=1, duration="1h")
        async def test_that_blocks_its_event_loop(http):
            await http.get("/shop")
            note("blocks")
            time.sleep(3600)
        """
    )
    with begun(project, "-n1", conftest=CONTROLLER_KNOWS) as session:
        wait_until(lambda: "blocks" in session.notes() and controller_knows(session))
        session.interrupt()
        session.wait_for("waiting for the load tests of gw0")
        session.interrupt()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output


def test_workers_without_load_tests_are_not_waited_for(project: Project) -> None:
    project.write(
        """
        import time
        from conftest import note

        def test_that_takes_long():
            note("begun")
            time.sleep(3600)

        @pytest.mark.load(vus=1, iterations=1)
        async def test_load(http):
            await http.get("/")
        """
    )
    with begun(project, "-n1") as session:
        wait_until(session.notes)
        session.interrupt_all()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "waiting" not in output


def test_what_a_test_has_reported_is_not_reported_again(project: Project) -> None:
    project.write(
        """
        import time
        from conftest import note

        @pytest.fixture
        def slow_to_leave():
            yield
            note("leaving")
            time.sleep(3600)

        @pytest.mark.load(vus=1, iterations=2)
        async def test_load(http, slow_to_leave):
            await http.get("/shop")
        """
    )
    with begun(project, *REPORTS) as session:
        wait_until(session.notes)
        session.interrupt()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert " 1 passed in " in output
    kept = Kept.at(project.pytester.path)
    assert kept.verdicts == kept.states == ["passed"]
    assert kept.rows == [("Passed", "test_load.py::test_load")]


def test_a_load_that_is_being_judged_is_kept_first(project: Project) -> None:
    project.write(
        """
        import os
        import signal
        import pytest_loadtest.plugin.running as running

        build = running.build_result

        def interrupted(ended):
            os.kill(os.getpid(), signal.SIGINT)
            return build(ended)

        running.build_result = interrupted
        """,
        "conftest.py",
    )
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=2)
        async def test_load(http):
            await http.get("/shop")
        """
    )
    result = project.run_subprocess("--load-json=load.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert [each.state for each in Run.read(project.pytester.path / "load.json").results] == ["passed"]
    result.stdout.fnmatch_lines(["FAILED test_load.py::test_load - interrupted"])


def test_a_test_that_exits_pytest_says_why(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=2)
        async def test_load(http):
            await http.get("/shop")
            pytest.exit("the shop is closed")
        """
    )
    with begun(project) as session:
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    pytest.LineMatcher(output.splitlines()).fnmatch_lines(
        ["FAILED test_load.py::test_load - the load was stopped: the shop is closed"]
    )


@pytest.mark.parametrize(
    ("options", "end"),
    [
        pytest.param([], Session.interrupt, id="Ctrl-C"),
        pytest.param([], Session.terminate, id="SIGTERM"),
        pytest.param(["-n1"], Session.terminate_all, id="SIGTERM to a worker and its controller"),
    ],
)
def test_between_two_loads_of_a_test_the_first_is_not_lost(
    project: Project, options: list[str], end: Callable[[Session], None]
) -> None:
    project.write(
        """
        import time
        from conftest import note

        async def browse(http):
            await http.get("/shop")

        def test_own(load):
            load(browse, vus=1, iterations=1)
            note("between")
            time.sleep(3600)
            load(browse, vus=1, iterations=1)
        """
    )
    with begun(project, *options, *REPORTS, conftest=CONTROLLER_KNOWS) as session:
        wait_until(lambda: "between" in session.notes())
        if options:
            wait_until(lambda: controller_knows(session))
        end(session)
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert Kept.at(project.pytester.path).states == ["passed"], output


def test_all_loads_that_a_test_has_run_by_itself_are_in_its_report(project: Project) -> None:
    project.write(
        """
        from conftest import note

        async def browse(http):
            await http.get("/shop")
            note("browses")

        def test_own(load):
            load(browse, vus=1, iterations=1)
            load(browse, vus=1, duration="1h")
        """
    )
    with begun(project, *REPORTS) as session:
        wait_until(lambda: len(session.notes()) > 2)
        session.interrupt()
        status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    kept = Kept.at(project.pytester.path)
    assert kept.states == ["passed", "interrupted"]
    assert "test_load.py::test_own: browse, 1 VU #2: interrupted after " in str(kept.failures[0])
