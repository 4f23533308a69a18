"""``--load-markdown`` and the summary of a step of GitHub Actions: which file is written when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_loadtest.plugin import pull_request
from tests.plugin.conftest import Project
from tests.report.markdown_pages import Page
from tests.workflow_files import Workflow, of_page

TWO = """
@pytest.mark.load(vus=1, iterations=3)
async def test_fine(http):
    await http.get("/")

@pytest.mark.load(vus=1, iterations=3)
@pytest.mark.budget(error_rate=0, request="broken")
async def test_broken(http):
    await http.get("/status/500", name="broken")
"""


def page_at(path: Path) -> Page:
    page = Page(path.read_text("utf-8"))
    page.check()
    return page


@pytest.fixture
def step_summary(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a step that has said something already."""
    path = project.pytester.path / "step_summary.md"
    path.write_text("# Before\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_the_file_says_what_failed(project: Project) -> None:
    project.write(TWO)
    result = project.run("--load-markdown", "reports/load.md")
    result.assert_outcomes(passed=1, failed=1)
    page = page_at(project.pytester.path / "reports" / "load.md")
    assert page.headings == ["❌ failed: 1 of 2 load tests", "❌ failed: test_load.py::test_broken"]
    assert page.paragraphs[0].startswith("test_broken: error_rate of 'broken' 100%, limit ≤ 0%")
    assert page.table("one of them")[0]["request"] == "broken"
    result.stdout.fnmatch_lines(["summary for the pull request in */reports/load.md"])


def test_the_start_of_the_run_may_be_in_its_name(project: Project) -> None:
    project.write(TWO)
    project.run("--load-markdown", "load-{timestamp}.md", "-k", "fine")
    (path,) = project.pytester.path.glob("load-*.md")
    assert len(path.stem) == len("load-20261122T201500Z")
    assert page_at(path).headings == ["✅ passed: the load test"]


@pytest.mark.parametrize("path", ["load-{when}.md", "."])
def test_a_path_that_cannot_be_meant_is_a_usage_error(project: Project, path: str) -> None:
    project.write(TWO)
    result = project.run("--load-markdown", path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--load-markdown: *{path}*"])
    assert project.target.paths() == []


def test_the_file_is_there_after_each_test(project: Project) -> None:
    project.write(TWO)
    project.write(
        """
        import os, pathlib

        @pytest.fixture(autouse=True)
        def look(request):
            path = pathlib.Path("load.md")
            known = path.read_text() if path.exists() else ""
            line = f"{request.node.name}: {known.partition(chr(10))[0]}|{'not over' in known}"
            with open("seen", "a") as seen:
                seen.write(line + chr(10))
            yield
        """,
        "conftest.py",
    )
    project.run("--load-markdown=load.md", "-p", "no:randomly")
    seen = (project.pytester.path / "seen").read_text("utf-8").splitlines()
    assert seen == ["test_fine: |False", "test_broken: ## ✅ passed: the load test|True"]
    assert "not over" not in (project.pytester.path / "load.md").read_text("utf-8")


def test_a_session_that_crashes_leaves_what_it_had(project: Project) -> None:
    project.write(
        """
        import os

        @pytest.mark.load(vus=1, iterations=3)
        async def test_fine(http):
            await http.get("/")

        def test_crash():
            os._exit(3)
        """
    )
    project.run_subprocess("--load-markdown=load.md")
    page = page_at(project.pytester.path / "load.md")
    assert page.headings == ["✅ passed: the load test"]
    assert "The session is not over: these are its results so far." in page.paragraphs


def test_an_interrupted_session_says_so(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, duration="60s")
        async def test_long(http):
            await http.get("/")
            open("begun", "w").close()
        """
    )
    command = [sys.executable, "-m", "pytest", "-p", "pytest_loadtest.plugin", "--load-markdown=load.md"]
    process = subprocess.Popen(command, cwd=project.pytester.path, stdout=subprocess.DEVNULL)
    begun, deadline = project.pytester.path / "begun", time.monotonic() + 120
    while not begun.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == pytest.ExitCode.INTERRUPTED
    page = page_at(project.pytester.path / "load.md")
    assert page.headings[0] == "⚠️ interrupted: 1 of 1 load test"
    assert any(paragraph.startswith("The session was interrupted") for paragraph in page.paragraphs)


def test_a_file_that_cannot_be_written_fails_the_session(project: Project) -> None:
    project.write(
        """
        import pathlib

        @pytest.mark.load(vus=1, iterations=3)
        async def test_fine(http):
            await http.get("/")

        def test_put_a_file_where_the_folder_is():
            pathlib.Path("reports", "load.md").unlink()
            pathlib.Path("reports").rmdir()
            pathlib.Path("reports").write_text("")
        """
    )
    result = project.run("--load-markdown=reports/load.md")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*--load-markdown failed: *Error*"])


@pytest.mark.parametrize("workflow", of_page(), ids=str)
def test_the_commands_of_the_page_about_ci_write_all_reports(project: Project, workflow: Workflow) -> None:
    project.configure(
        f"""
        environments.LOCAL.api = "{project.target.url}"
        profiles.smoke = {{ vus = 1, duration = "0.3s" }}
        """
    )
    project.write(
        """
        @pytest.mark.load(vus=100, duration="10m")
        async def test_shop(http):
            await http.get("/")
        """,
        "load_tests/test_shop.py",
    )
    for arguments in workflow.commands("pytest"):
        # What the job's variables say, and no page with charts, which is no affair of this test.
        shape = ["--load-env", "LOCAL", "--load-profile", "smoke", "--load-undecided", "pass", "--load-html="]
        project.run(*arguments, *shape).assert_outcomes(passed=1)
        asked = {Path(word.replace("{timestamp}", "*")).name for word in arguments if "reports/" in word}
        reports = project.pytester.path / "reports"
        missing = {name for name in asked if not list(reports.glob(name))}
        assert missing <= {"load.html"}


# -- the summary of a step ----------------------------------------------------------------------------


def test_the_summary_is_appended_once_at_the_end(project: Project, step_summary: Path) -> None:
    project.write(TWO)
    result = project.run()
    text = step_summary.read_text("utf-8")
    assert text.startswith("# Before\n\n\n## ❌ failed: 1 of 2 load tests\n")
    assert page_at(step_summary).headings == [
        "Before",
        "❌ failed: 1 of 2 load tests",
        "❌ failed: test_load.py::test_broken",
    ]
    assert "summary" not in result.stdout.str().partition("load tests ===")[2].partition("short test")[0]


def test_with_xdist_there_is_one_summary(project: Project, step_summary: Path) -> None:
    project.write(TWO)
    result = project.run_subprocess("-n1", "--load-markdown=load.md", plugins=("xdist.plugin",))
    result.assert_outcomes(passed=1, failed=1)
    assert page_at(step_summary).headings.count("❌ failed: 1 of 2 load tests") == 1
    assert page_at(project.pytester.path / "load.md").headings[0] == "❌ failed: 1 of 2 load tests"


def test_a_session_without_load_tests_has_no_summary(project: Project, step_summary: Path) -> None:
    project.write("def test_ordinary():\n    pass\n")
    project.run().assert_outcomes(passed=1)
    assert step_summary.read_text("utf-8") == "# Before\n"


def test_what_github_would_not_show_is_not_appended(project: Project, step_summary: Path) -> None:
    step_summary.write_bytes(b"x" * (pull_request.MOST_STEP_BYTES - 100))
    project.write(TWO)
    result = project.run("-k", "fine")
    assert result.ret == pytest.ExitCode.OK
    assert step_summary.stat().st_size == pull_request.MOST_STEP_BYTES - 100
    result.stdout.fnmatch_lines(["no summary of the step: it has 1,048,476 bytes already, more is not shown"])


def test_a_summary_that_cannot_be_written_fails_nothing(
    project: Project, step_summary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", os.fspath(project.pytester.path / "nowhere" / "summary.md"))
    project.write(TWO)
    result = project.run("-k", "fine")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["no summary of the step: *No such file or directory*"])
