"""Progress where no terminal is: a plain line now and then, which leaves pytest's own lines whole."""

from __future__ import annotations

import pytest

import pytest_loadtest.plugin.progress
from tests.plugin.conftest import Project
from tests.plugin.terminal import LOAD, write_with_plain_lines

PLAIN_LINE = "test_browse  0s/0.4s  [1-3] VUs  */s  p50 *  p95 *  p99 *  0 errors*"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """For runs in this process: nobody waits 10 s for the next line."""
    monkeypatch.setattr(pytest_loadtest.plugin.progress, "PLAIN_EVERY_S", 0.02)


def test_off_a_terminal_there_is_a_plain_line_now_and_then(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pytest_loadtest.plugin.progress.PLAIN_EVERY_S == 0.02
    project.write(LOAD)
    project.run().assert_outcomes(passed=1)
    output = capfd.readouterr().out
    pytest.LineMatcher(output.splitlines()).fnmatch_lines([PLAIN_LINE])
    assert "\x1b" not in output


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
