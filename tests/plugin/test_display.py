"""The live block on a terminal: beneath what pytest and the test write, and gone without a trace."""

from __future__ import annotations

import re

import pytest

from pytest_loadtest.plugin.display import _may_redraw
from tests.plugin.conftest import Project
from tests.plugin.terminal import LOAD, Terminal, assert_gone, write_with_plain_lines

BETWEEN = f"def test_before():\n    pass\n\n{LOAD}\ndef test_after():\n    print('printed')\n"


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

        @pytest.mark.load(vus=1, iterations=4)
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
        f"""
        import os

        @pytest.mark.load(vus=3, iterations=3)
        async def test_browse_the_{"long_" * 9}name(http, vu):
            await http.get("/delay/0.01")
            terminal = os.open("/dev/tty", os.O_RDONLY)
            while os.get_terminal_size(terminal).columns != 33:
                await vu.think(0.01)
            os.close(terminal)
            await vu.think(0.8)
        """
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
