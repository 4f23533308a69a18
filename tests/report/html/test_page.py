from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pytest_loadtest.report.html import page as page_module
from pytest_loadtest.report.html import part as part_module
from pytest_loadtest.report.html.index import COLUMNS, index_of
from pytest_loadtest.report.html.page import Page, policy_of
from pytest_loadtest.results.run import Commit, Machine, Run
from tests.report.html.pages import Elements
from tests.report.html.test_part import HOSTILE
from tests.report.loads import broken_load, passed_load
from tests.report.samples import load_result


def run(*results: object, **values: object) -> Run:
    return Run("run-1", "2026-11-22T20:15:00.250Z", results=results, **values)  # type: ignore[arg-type]  # tests


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (part_module, page_module):
        monkeypatch.setattr(module, "can_draw", lambda: False)


@pytest.fixture(scope="module")
def with_pictures() -> str:
    return Page().html(run(passed_load(12), broken_load(12)))


class TestIndex:
    results = (
        load_result(test="passed"),
        load_result(test="aborted", state="aborted"),
        load_result(test="failed", state="failed"),
    )

    def test_what_failed_comes_first_and_links_to_its_part(self) -> None:
        rows = index_of(self.results)
        assert [(row.cells[1].text, row.anchor) for row in rows] == [
            ("failed", "load-test-3"),
            ("aborted", "load-test-2"),
            ("passed", "load-test-1"),
        ]

    def test_the_verdict_is_the_first_column_and_each_row_has_every_one(self) -> None:
        assert COLUMNS[0].title == "verdict"
        assert {len(row.cells) for row in index_of(self.results)} == {len(COLUMNS)}

    def test_unknown_figures_have_nothing_to_sort_by(self) -> None:
        (row,) = index_of([load_result(requests=())])
        errors = row.cells[[column.title for column in COLUMNS].index("errors")]
        assert (errors.text, errors.sort) == ("-", "")
        known = [cell for cell in row.cells if not cell.is_link and cell.text != "-"]
        assert known
        assert all(float(cell.sort) >= 0 for cell in known)


@pytest.mark.usefixtures("without_pictures")
class TestPage:
    def test_it_says_what_was_run_where_and_with_what(self) -> None:
        text = Elements(
            Page().html(
                run(
                    load_result(),
                    environment="DEV",
                    api="https://dev.example",
                    options={"--load-vus": "5"},
                    machine=Machine("a CPU", 2, 8 * 2**30, "Linux", "CPython 3.11"),
                    versions={"pytest": "9.2"},
                    commit=Commit("0123456789abcdef", "main", True),
                )
            )
        ).text
        for words in (
            "Began 2026-11-22 20:15:00 UTC on DEV (https://dev.example)",
            "1 passed",
            "--load-vus 5",
            "0123456789ab on main with changes",
            "a CPU, 2 cores, 8 GiB, Linux",
            "pytest 9.2",
            "The session is not over",
        ):
            assert words in text

    def test_a_session_that_has_ended_does_not_say_otherwise(self) -> None:
        assert "is not over" not in Page().html(run(load_result(), exit_status=0))

    def test_before_the_first_load_test_has_ended_there_is_a_page_already(self) -> None:
        assert "No load test has ended yet." in Page().html(run())

    def test_without_pictures_there_is_no_library_for_them(self) -> None:
        page = Page().html(run(load_result()))
        assert len(page) < 60_000
        assert len(Elements(page).of("script")) == 1

    def test_markup_in_what_the_run_says_of_itself_does_nothing(self) -> None:
        hostile = run(
            load_result(test=HOSTILE),
            environment=HOSTILE,
            api=HOSTILE,
            profile=HOSTILE,
            options={HOSTILE: HOSTILE},
            machine=Machine(HOSTILE, 1, 1, HOSTILE, HOSTILE),
            versions={HOSTILE: HOSTILE},
            commit=Commit(HOSTILE, HOSTILE),
        )
        page = Elements(Page().html(hostile))
        assert page.foreign == []
        assert len(page.of("script")) == 1


class TestWithPictures:
    def test_each_part_has_the_data_that_scripts_draw_from(self, with_pictures: str) -> None:
        found = re.findall(r'<script type="application/json">(.*?)</script>', with_pictures)
        for charts in map(json.loads, found):
            for spec in charts["specs"].values():
                assert spec["data"]["name"] in charts["datasets"]
        assert len(found) == 2

    def test_names_with_markup_cannot_end_that_data(self) -> None:
        clean = passed_load(6)
        requests = (replace(clean.timeline.requests[0], name=HOSTILE), clean.timeline.requests[1])
        hostile = replace(clean, timeline=replace(clean.timeline, requests=requests))
        assert Elements(Page().html(run(hostile))).foreign == []

    def test_nothing_is_loaded_from_anywhere(self, with_pictures: str) -> None:
        page = Elements(with_pictures)
        assert all("src" not in attributes for _, attributes in page.found)
        assert page.of("link") == page.of("img") == page.of("iframe") == []

    def test_the_policy_allows_its_own_scripts_and_styles_by_their_hashes_only(
        self, with_pictures: str
    ) -> None:
        (policy,) = (each["content"] for each in Elements(with_pictures).of("meta") if "http-equiv" in each)
        assert policy is not None
        directives = dict(part.split(" ", 1) for part in policy.split("; "))
        assert directives["default-src"] == "'none'"
        assert "unsafe" not in policy
        assert "eval" not in policy
        assert directives["script-src"].count("sha256-") == 2

    def test_parts_are_made_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = []

        def counted(result: object) -> object:
            made.append(result)
            return part_module.part_of(result)  # type: ignore[arg-type]  # a result

        monkeypatch.setattr(page_module, "part_of", counted)
        first, second = load_result(test="one"), load_result(test="two")
        page = Page()
        page.html(run(first))
        page.html(run(first, second))
        page.html(run(replace(first), second))
        assert made == [first, second]

    def test_a_reruns_part_takes_the_place_of_the_first_ones(self) -> None:
        page = Page()
        page.html(run(load_result(state="failed", reason="at first")))
        assert "at first" not in page.html(run(load_result()))


def test_a_hash_is_that_of_the_specification() -> None:
    """The example of the specification of content security policies."""
    policy = policy_of("", ["alert('Hello, world.');"])
    assert "script-src 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='" in policy


def test_an_interrupted_session_is_no_pass() -> None:
    page = Page().html(run(load_result(), exit_status=2))
    assert "<title>Load tests: 1 of 1 passed, then interrupted</title>" in page
    assert "what had not been run by then is missing" in page
