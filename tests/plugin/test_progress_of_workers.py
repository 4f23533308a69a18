"""Progress of loads on xdist's workers, shown by the controller."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import Project
from tests.plugin.terminal import LOAD, Terminal, assert_gone


def test_with_xdist_the_controller_shows_a_block_for_each_running_load(project: Project) -> None:
    project.write(
        "".join(LOAD.replace("test_browse", f"test_{word}").replace("0.4", "1.5") for word in ("one", "two"))
        + "\n@pytest.mark.parametrize('n', range(6))\ndef test_quick(n):\n    pass\n"
    )
    terminal = Terminal(project, "-p", "xdist.plugin", "-n2", "--dist=load")
    assert terminal.run() == 0
    names = {line.split()[0] for screen in terminal.live() for line in screen if "━" in line}
    assert names == {"test_one", "test_two"}
    for screen in terminal.live():
        bars = [n for n, line in enumerate(screen) if "━" in line]
        assert set(screen[bars[0] - 1]) <= {"."} or screen[bars[0] - 1].endswith("[8 items]")  # pytest's dots
    assert_gone(terminal)
    pytest.LineMatcher(terminal.lines()).fnmatch_lines(
        ["........*100%]", "test_one * passed *", "2 load tests: 2 passed; *", "*= 8 passed in *"]
    )


def test_with_xdist_and_v_pytests_lines_are_whole_and_a_worker_that_dies_leaves_no_block(
    project: Project,
) -> None:
    project.write(
        """
        import os

        @pytest.mark.parametrize("n", range(3))
        def test_quick(n):
            pass

        @pytest.mark.load(vus=1, duration=30)
        async def test_browse(http, vu):
            await http.get("/delay/0.2")
            if vu.iteration == 3:
                os._exit(3)
        """
    )
    terminal = Terminal(project, "-p", "xdist.plugin", "-n1", "-v", "--max-worker-restart=0")
    assert terminal.run() == 1
    assert terminal.live()
    assert_gone(terminal)
    done = [line for line in terminal.lines() if " PASSED " in line]
    assert len(done) == 3
    assert all(re.fullmatch(r"\[gw0\] \[ *\d+%\] PASSED test_load\.py::test_\S+", line) for line in done), (
        done
    )
    assert any("crashed" in line for line in terminal.lines())


def test_with_xdist_off_a_terminal_plain_lines_come_from_the_controller(project: Project) -> None:
    project.write(
        "import pytest_loadtest.plugin.relay as relay\nrelay.PLAIN_EVERY_S = 0.1\nrelay.Sender.every_s = 0.1"
    )
    (project.pytester.path / "test_load.py").rename(project.pytester.path / "conftest.py")
    project.write(LOAD.replace("0.4", "1.5"))
    result = project.run_subprocess("-n1", plugins=("xdist.plugin",))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_browse  [01]s/1.5s  3 VUs  */s  *"])
    assert "\x1b" not in result.stdout.str()
