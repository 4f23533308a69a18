"""What a person sees while a load runs, and the table after it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

import pyte
import pytest
from pyte.modes import DECAWM

import pytest_loadtest.plugin.progress
from pytest_loadtest.plugin.display import _may_redraw
from tests.plugin.conftest import Project

PATIENCE_S = 60
LOAD = """
@pytest.mark.load(vus=3, duration=0.4)
async def test_browse(http):
    await http.get("/delay/0.01")
"""
PLAIN_LINE = "test_browse  0s/0.4s  [1-3] VUs  */s  p50 *  p95 *  p99 *  0 errors*"


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
    "arguments",
    [["-q"], ["-q", "-n1"], ["-p", "no:terminal"]],
    ids=["-q", "-q with xdist", "no terminal"],
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
    """pytest on a pseudo-terminal, and what its screen shows. `resized` is its width once a load runs."""

    def __init__(
        self,
        project: Project,
        *args: str,
        width: int = 100,
        height: int = 40,
        resized: int = 0,
        **environ: str,
    ) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.shown: list[list[str]] = []  # every screen there was
        self.sent = b""
        self._resized = resized
        self._pid, self._descriptor = pty.fork()
        if not self._pid:
            os.chdir(project.pytester.path)
            for name in ("CI", "COLUMNS", "LINES", "NO_COLOR", "PY_COLORS"):
                os.environ.pop(name, None)
            os.environ.update({"TERM": "xterm-256color"} | environ)
            command = [sys.executable, "-m", "pytest", "-p", "pytest_loadtest.plugin", *args]
            os.execv(sys.executable, command)
        self._set_size(width, height)

    def _set_size(self, width: int, height: int) -> None:
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
                self.sent += data
                self._stream.feed(data)
                if DECAWM not in self._screen.mode:
                    continue  # in the midst of a frame
                self.shown.append(self.lines())
                if self._resized and any(FIGURES in line for line in self.shown[-1]):
                    self._screen.resize(columns=self._resized)
                    self._set_size(self._resized, self._screen.lines)
                    self._resized = 0
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def live(self) -> list[list[str]]:
        """The screens with a block."""
        return [screen for screen in self.shown if any(FIGURES in line for line in screen)]


FIGURES = " VUs  "
BETWEEN = f"def test_before():\n    pass\n\n{LOAD}\ndef test_after():\n    print('printed')\n"


def assert_gone(terminal: Terminal) -> None:
    """Nothing of a block is left on the screen."""
    assert [
        line for line in terminal.lines() if "━" in line or FIGURES in line or "last minute" in line
    ] == []


def test_on_a_terminal_a_block_is_redrawn_beneath_pytests_line_and_gone_at_the_end(project: Project) -> None:
    project.write(
        """
        import pytest_loadtest.plugin.progress

        pytest_loadtest.plugin.progress.LIVE_EVERY_S = 0.05
        """,
        "conftest.py",
    )
    project.write(BETWEEN + LOAD.replace("test_browse", "test_search"))
    terminal = Terminal(project)
    assert terminal.run() == 0
    assert len({tuple(screen) for screen in terminal.live()}) > 2
    names = []
    for screen in terminal.live():
        dots, bar, figures = screen[-3:]
        names.append(bar.split()[0])
        assert dots == {"test_browse": "test_load.py .", "test_search": "test_load.py ..."}[names[-1]]
        assert "━" in bar
        assert re.match(r"  [0-3] VUs  .*/s  p50 .* errors$", figures)
    assert list(dict.fromkeys(names)) == ["test_browse", "test_search"]
    assert_gone(terminal)
    assert b"\x1b[36m" in terminal.sent  # in colour
    pytest.LineMatcher(terminal.lines()).fnmatch_lines(
        [
            "collected 4 items",
            "test_load.py ....*100%]",  # it went on where it was
            "test_browse * passed *",
            "2 load tests: 2 passed; *",
            "*= 4 passed in *",
        ]
    )


def test_the_block_leaves_a_failing_tests_output_intact(project: Project) -> None:
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
    assert terminal.live()
    assert {screen[-3].strip() for screen in terminal.live()} == {"test_load.py::test_browse"}
    assert_gone(terminal)
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


def test_what_a_test_prints_without_capture_stands_above_the_block(project: Project) -> None:
    project.write(
        """
        import sys

        @pytest.mark.load(vus=1, duration=0.6)
        async def test_browse(http, vu):
            await http.get("/delay/0.2")
            print(f"printed {vu.iteration}")
            print("dots ..", end="")
            print(".", file=sys.stderr)
        """
    )
    terminal = Terminal(project, "-s")
    assert terminal.run() == 0
    assert any("printed 0" in screen for screen in terminal.live())
    assert_gone(terminal)
    final = terminal.lines()
    first = final.index("printed 0")
    assert final[first : first + 4] == ["printed 0", "dots ...", "printed 1", "dots ..."]
    assert final[first - 1] == "test_load.py"
    assert any(line.startswith("test_load.py .") for line in final[first + 4 :])


def test_signing_in_is_shown_before_the_load_and_flows_into_it(project: Project) -> None:
    project.write(
        """
        import asyncio
        import pytest_loadtest.plugin.progress
        from pytest_loadtest import StaticTokens

        pytest_loadtest.plugin.progress.LIVE_EVERY_S = 0.05

        class Slow(StaticTokens):
            async def prepare(self, *args, on_progress=None, **kwargs):
                for n in range(5):
                    await asyncio.sleep(0.06)
                    on_progress(n, 5)
                return await super().prepare(*args, on_progress=on_progress, **kwargs)

        @pytest.fixture(scope="session")
        def token_pool():
            return Slow(["abc"])
        """,
        "conftest.py",
    )
    project.write(LOAD.replace("(http)", "(http, token)"))
    terminal = Terminal(project)
    assert terminal.run() == 0, terminal.lines()
    signing_in = [screen for screen in terminal.shown if any("  signing in " in line for line in screen)]
    assert signing_in
    assert all(screen[-2] == "test_load.py" for screen in signing_in)
    assert terminal.live()
    assert_gone(terminal)


def test_a_narrow_terminal_that_becomes_narrower_is_left_clean(project: Project) -> None:
    project.write(
        LOAD.replace("0.4", "1.2").replace("test_browse", "test_browse_the_" + "long_" * 9 + "name")
    )
    terminal = Terminal(project, width=40, height=60, resized=33)
    assert terminal.run() == 0
    assert any(len(line) > 33 for screen in terminal.live() for line in screen)
    assert all(len(line) < 33 for line in terminal.live()[-1][-3:])
    assert_gone(terminal)
    assert len([line for line in terminal.lines() if line.startswith("test_load.py ")]) == 1


def test_a_dumb_terminal_gets_plain_lines(project: Project) -> None:
    write_with_plain_lines(project, "pass")
    terminal = Terminal(project, TERM="dumb")
    assert terminal.run() == 0
    assert b"\x1b" not in terminal.sent
    assert any(line.startswith("test_browse  0s/0.4s") for line in terminal.lines())


@pytest.mark.parametrize(
    ("environ", "arguments", "may_redraw"),
    [
        pytest.param({}, [], True, id="an ordinary terminal"),
        pytest.param({"NO_COLOR": "1"}, [], True, id="without colours"),
        pytest.param({"CI": "true"}, [], False, id="a log that says it is a terminal"),
        pytest.param({"CI": ""}, [], True, id="an empty CI"),
        pytest.param({"TERM": "dumb"}, [], False, id="a dumb terminal"),
        pytest.param({"TERM": ""}, [], False, id="nobody knows which"),
        pytest.param({}, ["-s"], True, id="what tests print goes through us"),
        pytest.param({}, ["--capture=tee-sys"], False, id="what tests print goes past us"),
    ],
)
def test_which_terminals_get_a_block(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    arguments: list[str],
    may_redraw: bool,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in ({"TERM": "xterm"} | environ).items():
        monkeypatch.setenv(name, value)
    assert _may_redraw(pytester.parseconfig(*arguments)) == may_redraw


# -- with xdist ------------------------------------------------------------------------------------------


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
    table = [line for line in result.outlines[start + 1 : end] if not line.startswith("note: ")]
    assert max(map(len, table)) <= 80
    titles = table[0].split()  # rate and p99 are there as far as the figures leave room for them
    assert titles[:4] == ["load", "test", "verdict", "requests"]
    assert titles[-2:] == ["errors", "checks"]
    pytest.LineMatcher(table).fnmatch_lines(
        [
            "test_a_search_of_the_ *passed * 4 * 0% * 100%",
            "test_a_search_of_the_ *passed * 4 * 0% * 100%",
            "test_set_up * set-up failed * 0 *-",
            "test_aborted * aborted *",
            "test_hopeless * failed * 0%",
            "5 load tests: 2 passed, 1 set-up failed, 1 aborted, 1 failed; * VU-minutes,",
            "  peak 2 VUs",
        ]
    )
    assert "test_skipped" not in "\n".join(table)


def test_ctrl_c_while_the_summary_is_drawn_waits_for_it(project: Project) -> None:
    project.write(
        """
        import os
        import signal
        import pytest_loadtest.plugin.summary as summary

        render = summary.render

        def interrupted(*args, **options):
            os.kill(os.getpid(), signal.SIGINT)
            return render(*args, **options)

        summary.render = interrupted
        """,
        "conftest.py",
    )
    project.write(LOAD)
    result = project.run_subprocess("-v")
    result.stdout.fnmatch_lines(["test_browse * passed *", "1 load test: 1 passed; *", "GET /delay/* 0"])
    assert "KeyboardInterrupt" in result.stderr.str()


def test_ctrl_c_once_more_in_a_tear_down_does_not_lose_the_table(project: Project) -> None:
    project.write(
        """
        import os
        import signal

        @pytest.fixture(scope="session")
        def platform():
            yield
            os.kill(os.getpid(), signal.SIGINT)

        @pytest.mark.load(vus=1, iterations=2)
        async def test_browse(http, platform):
            await http.get("/")

        def test_that_a_person_interrupts(platform):
            raise KeyboardInterrupt
        """
    )
    result = project.run_subprocess()
    result.stdout.fnmatch_lines(["*= load tests =*", "test_browse * passed *", "1 load test: 1 passed; *"])


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
