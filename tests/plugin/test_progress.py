"""What a person sees while a load runs, and the table after it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

import pytest

import pytest_loadtest.plugin.progress
from tests.plugin.conftest import Project

PATIENCE_S = 60
LOAD = """
@pytest.mark.load(vus=3, duration=0.4)
async def test_browse(http):
    await http.get("/delay/0.01")
"""
PLAIN_LINE = "test_browse  0s/0.4s  [1-3] VUs  */s  p50 *  p95 *  p99 *  0 errors"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """For runs in this process: nobody waits 10 s for the next line."""
    monkeypatch.setattr(pytest_loadtest.plugin.progress, "PLAIN_EVERY_S", 0.1)


def test_off_a_terminal_there_is_a_plain_line_now_and_then(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pytest_loadtest.plugin.progress.PLAIN_EVERY_S == 0.1
    project.write(LOAD)
    project.run().assert_outcomes(passed=1)
    output = capfd.readouterr().out
    pytest.LineMatcher(output.splitlines()).fnmatch_lines([PLAIN_LINE])
    assert "\x1b" not in output


def write_with_plain_lines(project: Project, after: str) -> None:
    """For runs in a process of their own: a load between two ordinary tests."""
    project.write(
        """
        import pytest_loadtest.plugin.progress

        pytest_loadtest.plugin.progress.PLAIN_EVERY_S = 0.1
        """,
        "conftest.py",
    )
    project.write(f"def test_before():\n    pass\n\n{LOAD}\ndef test_after():\n    {after}\n")


def test_plain_lines_do_not_go_into_pytests_own_lines(project: Project) -> None:
    write_with_plain_lines(project, "print('printed')")
    result = project.run_subprocess()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["test_load.py .", PLAIN_LINE, "test_load.py ..*100%]"])
    result.stdout.no_fnmatch_line("*printed*")


def test_pytests_line_goes_on_where_nothing_is_captured_at_all(project: Project) -> None:
    write_with_plain_lines(project, "pass")
    result = project.run_subprocess("-p", "no:capture")
    result.stdout.fnmatch_lines(["test_load.py .", PLAIN_LINE, "test_load.py .."])
    assert result.stderr.lines == []


@pytest.mark.parametrize(
    "arguments", [["-q"], ["-n1"], ["-p", "no:terminal"]], ids=["-q", "xdist", "no terminal"]
)
def test_nobody_is_shown_progress_who_did_not_ask(
    project: Project, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    project.write(LOAD)
    project.run(*arguments, plugins=("xdist.plugin",))
    assert "VUs  " not in capfd.readouterr().out


def test_without_capture_plain_lines_still_come(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    project.write(LOAD)
    project.run("-s").assert_outcomes(passed=1)
    pytest.LineMatcher(capfd.readouterr().out.splitlines()).fnmatch_lines([PLAIN_LINE])


# -- on a terminal ------------------------------------------------------------------------------------


class Terminal:
    """pytest on a pseudo-terminal, and what its screen shows."""

    def __init__(self, project: Project, *args: str, width: int = 100, height: int = 40) -> None:
        import pyte

        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.shown: list[list[str]] = []  # every screen there was
        self._pid, self._descriptor = pty.fork()
        if not self._pid:
            os.chdir(project.pytester.path)
            os.environ.update(TERM="xterm-256color", COLUMNS=str(width), LINES=str(height))
            os.environ.pop("CI", None)
            command = [sys.executable, "-m", "pytest", "-p", "pytest_loadtest.plugin", *args]
            os.execv(sys.executable, command)
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def lines(self) -> list[str]:
        """The lines of the screen that are not empty."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def run(self) -> int:
        """Show everything until pytest has ended; its exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if select.select([self._descriptor], [], [], 1)[0]:
                try:
                    data = os.read(self._descriptor, 65536)
                except OSError:  # the other end is closed
                    break
                self._stream.feed(data)
                self.shown.append(self.lines())
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_on_a_terminal_one_line_is_redrawn_and_gone_at_the_end(project: Project) -> None:
    project.write(f"def test_before():\n    pass\n\n{LOAD}\ndef test_after():\n    print('printed')\n")
    terminal = Terminal(project)
    assert terminal.run() == 0
    live = [line for screen in terminal.shown for line in screen if line.startswith("test_browse ")]
    figures = [line for line in live if " VUs " in line and "p95" in line and "━" in line]
    assert len(set(figures)) > 1, live
    assert all(len(line) <= 100 for line in live)
    final = terminal.lines()
    assert not [line for line in final if "━" in line]
    pytest.LineMatcher(final).fnmatch_lines(
        [
            "collected 3 items",
            "test_load.py .",
            "test_load.py ..*100%]",
            "test_browse * passed *",
            "*= 3 passed in *",
        ]
    )


def test_the_live_line_leaves_a_failing_tests_output_intact(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=2, duration=0.4)
        async def test_browse(http, vu):
            await http.get("/delay/0.01")
            if vu.iteration == 1:
                print(f"printed by {vu.id}")
            assert vu.iteration != 2
        """
    )
    terminal = Terminal(project, "-v", width=80, height=60)
    assert terminal.run() == 1
    pytest.LineMatcher(terminal.lines()).fnmatch_lines(
        [
            "test_load.py::test_browse FAILED*100%]",
            "1 of 2 budgets broken: failure_rate *",
            "*- Captured stdout call -*",
            "printed by 1",
            "*- first failures -*",
            "E*assert 2 != 2",
            "*= 1 failed in *",
        ]
    )


# -- the summary -----------------------------------------------------------------------------------------


def test_the_summary_has_every_load_test_and_fits_80_columns(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    project.write(
        """
        @pytest.fixture
        def broken(vu):
            raise ValueError("broken")

        load = pytest.mark.load(vus=2, iterations=4)

        @load
        @pytest.mark.parametrize("category", ["productivity", "a rather long name that does not fit"])
        async def test_a_search_of_the_marketplace(http, vu, category):
            vu.check("is found", (await http.get("/")).status_code == 200)

        @load
        async def test_set_up(http, broken):
            pass

        @load
        async def test_hopeless(http, vu):
            vu.check("is found", (await http.get("/status/404")).status_code == 200)
            raise ValueError("not found")

        @load
        async def test_aborted(http, vu):
            await http.get("/")
            vu.abort("enough")

        @load
        @pytest.mark.skip
        async def test_skipped(http):
            pass
        """
    )
    result = project.run()
    start = next(n for n, line in enumerate(result.outlines) if "= load tests =" in line)
    end = next(n for n, line in enumerate(result.outlines) if "short test summary" in line)
    table = result.outlines[start + 1 : end]
    assert max(map(len, table)) <= 80
    titles = table[0].split()  # rate and p99 are there as far as the figures leave room for them
    assert titles[:4] == ["load", "test", "verdict", "requests"]
    assert titles[-2:] == ["errors", "checks"]
    pytest.LineMatcher(table).fnmatch_lines(
        [
            "test_a_search_of*passed * 4 * 0% * 100%",
            "test_a_search_of*passed * 4 * 0% * 100%",
            "test_set_up * set-up failed * 0 *-",
            "test_hopeless * failed * 0%",
            "test_aborted * aborted *",
        ]
    )
    assert "test_skipped" not in "\n".join(table)


def test_a_wide_terminal_shows_users_time_and_median_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    project.write(LOAD)
    project.run().stdout.fnmatch_lines(
        ["load test * verdict * VUs * ran * requests * p50 *", "test_browse * passed * 3 * [45]?? ms *"]
    )


def test_with_v_the_requests_of_each_test_are_listed(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=2)
        async def test_browse(http):
            await http.get("/agents/17")
            await http.post("/login", name="sign in")
        """
    )
    result = project.run("-v")
    result.stdout.fnmatch_lines(
        [
            "test_load.py::test_browse: 1 VU, 2 iterations",
            "request * count *",
            "GET /agents/{id} * 2 *",
            "sign in * 2 *",
        ]
    )


def test_a_session_without_load_tests_says_nothing_of_them(project: Project) -> None:
    project.write("def test_ordinary():\n    pass\n")
    project.run("-v").stdout.no_fnmatch_line("*load*test*s*:*")
