"""--load-html and the rows of pytest-html: when they are written, with what, and when they stay away."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import jinja2  # noqa: F401 - an in-process run forgets what it imported, as is said in conftest
import pytest
import vl_convert  # noqa: F401 - for the same reason

from tests.plugin.conftest import Project

HTML = ("pytest_metadata.plugin", "pytest_html.plugin")
REPORT = ("--html=report.html", "--self-contained-html")
LOAD = """
    def test_before():
        pass

    @pytest.mark.load(vus=1, iterations=3)
    async def test_load(http):
        await http.get("/shop")

    def test_after():
        pass
"""


def report_in(project: Project) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """The text of pytest-html's report, and the rows in it by test."""
    text = (project.pytester.path / "report.html").read_text("utf-8")
    (blob,) = re.findall(r'data-jsonblob="([^"]*)"', text)
    return text, json.loads(html.unescape(blob))["tests"]


def figures(row: dict[str, Any]) -> list[str]:
    """What a person reads in the last three cells."""
    return [re.sub(r"<!--.*?-->|</?td[^>]*>", "", cell) for cell in row["resultsTableRow"][-3:]]


class TestRows:
    def test_load_tests_have_figures_and_a_part_and_others_have_empty_cells(self, project: Project) -> None:
        project.write(LOAD)
        project.run(*REPORT, plugins=HTML).assert_outcomes(passed=3)
        text, tests = report_in(project)
        for title in ("p95", "Requests/s", "Errors"):
            assert text.count(f">{title}</th>") == 1
        (load,) = tests["test_load.py::test_load"]
        p95, rate, errors = figures(load)
        assert p95.endswith("s")
        assert float(rate.replace(",", "")) > 0
        assert errors == "0"
        assert load["extras"][0]["content"].count("<svg") == 3
        for name in ("test_before", "test_after"):
            (row,) = tests[f"test_load.py::{name}"]
            assert figures(row) == ["", "", ""]
            assert len(row["resultsTableRow"]) == len(load["resultsTableRow"])
            assert row["load_p95"] > load["load_p95"]  # it sorts as text, the largest figure first

    def test_a_session_without_load_tests_has_no_columns_and_imports_nothing_for_them(
        self, project: Project
    ) -> None:
        project.write(
            """
            import sys

            def test_ordinary():
                loaded = {"pytest_loadtest.report", "vl_convert", "numpy"} & set(sys.modules)
                assert not loaded
            """
        )
        project.run_subprocess(*REPORT, plugins=HTML).assert_outcomes(passed=1)
        text, tests = report_in(project)
        assert "Requests/s" not in text
        assert "loadtest" not in re.sub(r'data-jsonblob="[^"]*"', "", text)
        assert len(tests["test_load.py::test_ordinary"][0]["resultsTableRow"]) == 4

    def test_with_workers_the_controller_puts_them_together(self, project: Project) -> None:
        project.write(LOAD)
        plugins = (*HTML, "xdist.plugin")
        project.run_subprocess(*REPORT, "-n2", plugins=plugins).assert_outcomes(passed=3)
        _, tests = report_in(project)
        assert figures(tests["test_load.py::test_load"][0])[0].endswith("s")
        assert figures(tests["test_load.py::test_before"][0]) == ["", "", ""]

    def test_a_test_with_loads_of_its_own_has_a_part_for_each(self, project: Project) -> None:
        project.write(
            """
            def test_own(load):
                async def visit(http):
                    await http.get("/shop")

                for vus in (1, 2):
                    load(visit, vus=vus, iterations=2)
            """
        )
        project.run(*REPORT, plugins=HTML).assert_outcomes(passed=1)
        _, tests = report_in(project)
        (row,) = tests["test_load.py::test_own"]
        assert len(figures(row)[0].split("<br>")) == 2
        assert row["extras"][0]["content"].count("<h3>") == 2

    def test_the_id_of_a_load_test_is_text(self, project: Project) -> None:
        project.write(
            """
            @pytest.mark.load(vus=1, iterations=1)
            @pytest.mark.parametrize("what", ["<img src=x onerror=alert(1)>"])
            async def test_load(http, what):
                await http.get("/shop")
            """
        )
        project.run(*REPORT, plugins=HTML).assert_outcomes(passed=1)
        _, tests = report_in(project)
        ((row,),) = tests.values()
        assert "&lt;img src=x" in row["resultsTableRow"][1]
        assert "<img" not in row["resultsTableRow"][1]

    def test_without_report_nothing_is_made(self, project: Project) -> None:
        project.write(LOAD)
        project.run(plugins=HTML).assert_outcomes(passed=3)
        assert not list(project.pytester.path.glob("*.html"))


class TestPage:
    def test_it_is_written_where_it_was_asked_for_and_said_so(self, project: Project) -> None:
        project.write(LOAD)
        result = project.run("--load-html=out/page-{timestamp}.html")
        result.assert_outcomes(passed=3)
        (page,) = Path(project.pytester.path / "out").iterdir()
        assert re.fullmatch(r"page-\d{8}T\d{6}Z\.html", page.name)
        result.stdout.fnmatch_lines([f"page with charts in {page}"])
        assert "1 of 1 passed" in page.read_text("utf-8")
        assert "is not over" not in page.read_text("utf-8")

    def test_it_is_written_after_each_load_test_so_that_no_crash_loses_it(self, project: Project) -> None:
        project.write(
            """
            import os

            @pytest.mark.load(vus=1, iterations=1)
            async def test_load(http):
                await http.get("/shop")

            def test_crash():
                os._exit(3)
            """
        )
        project.run_subprocess("--load-html=page.html")
        page = (project.pytester.path / "page.html").read_text("utf-8")
        assert "test_load.py::test_load" in page
        assert "The session is not over" in page

    def test_workers_of_xdist_leave_it_to_the_controller(self, project: Project) -> None:
        project.write(LOAD)
        result = project.run_subprocess("--load-html=page.html", "-n2", plugins=("xdist.plugin",))
        result.assert_outcomes(passed=3)
        assert "1 of 1 passed" in (project.pytester.path / "page.html").read_text("utf-8")

    @pytest.mark.parametrize("path", ["folder/", "page-{when}.html"])
    def test_a_path_that_cannot_be_is_a_usage_error_before_any_load(
        self, project: Project, path: str
    ) -> None:
        project.write(LOAD)
        result = project.run(f"--load-html={path}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert project.target.requests == []

    def test_without_jinja2_it_says_what_to_install(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.write(LOAD)
        project.write(
            """
            import importlib.util

            from pytest_loadtest.plugin import html

            html.find_spec = lambda name: None if name == "jinja2" else importlib.util.find_spec(name)
            """,
            "conftest.py",
        )
        result = project.run_subprocess("--load-html=page.html")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*--load-html needs jinja2: pip install 'pytest-loadtest?html?'*"])
