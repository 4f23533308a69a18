from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pytest_loadtest.report.charts.picture import Picture
from pytest_loadtest.report.html import part as part_module
from pytest_loadtest.report.html.part import HOW_TO_DRAW, MOST_GROUPS, MOST_SAMPLE, part_of
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import AuthenticationRow, BudgetRow, ErrorRow, FailureRow, ShareRow
from tests.report.html.pages import Elements
from tests.report.loads import broken_load, long_load, passed_load, request_timeline, steady, with_timeline
from tests.report.samples import load_result

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&]]>"
S = 1_000_000_000
A_REPORT = 300_000  # bytes that one load test may take


def test_it_has_verdict_pictures_and_tables() -> None:
    page = Elements(part_of(passed_load(12)).html)
    assert len(page.of("svg")) == len(page.of("figure")) == 3
    for words in ("passed", "157 VUs, 3m", "Budgets", "Requests", "Checks", "Load generator"):
        assert words in page.text
    assert page.open == []


def test_a_failed_one_says_first_what_broke() -> None:
    text = Elements(part_of(broken_load(12)).html).text
    assert text.index("3 of 3 budgets broken") < text.index("Budgets")
    assert "the first 12 s were warm-up & not judged <by latency>" in text


def hostile_results() -> list[Any]:
    clean = passed_load(6)
    budget = BudgetRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE, False, False, False, HOSTILE)
    scoped = replace(clean.budgets[0], scope="request", pattern=f"*{HOSTILE[:5]}*", passed=False)
    named = replace(clean.requests[0], name=HOSTILE, statuses={HOSTILE: 3})
    seconds = replace(clean.timeline.requests[0], name=HOSTILE)
    return [
        pytest.param(replace(clean, test=HOSTILE, nodeid=HOSTILE), id="the test's id"),
        pytest.param(replace(clean, state=HOSTILE, reason=HOSTILE), id="the state and its reason"),
        pytest.param(replace(clean, load=HOSTILE), id="the load in words"),
        pytest.param(replace(clean, budgets=(budget,)), id="a budget, its unit"),
        pytest.param(replace(clean, requests=(named,)), id="a request's name"),
        pytest.param(
            replace(
                clean, timeline=replace(clean.timeline, requests=(seconds, *clean.timeline.requests[1:]))
            ),
            id="a request's name in pictures",
        ),
        pytest.param(
            replace(
                clean,
                budgets=(scoped,),
                timeline=replace(clean.timeline, requests=(seconds,)),
            ),
            id="a request's pattern in pictures",
        ),
        pytest.param(replace(clean, errors=(ErrorRow(HOSTILE, HOSTILE, 3, HOSTILE),)), id="an error's body"),
        pytest.param(
            replace(clean, failures=(FailureRow(HOSTILE, HOSTILE, 3, HOSTILE, HOSTILE),)), id="a traceback"
        ),
        pytest.param(replace(clean, checks=(ShareRow(HOSTILE, 1, 2),)), id="a check's name"),
        pytest.param(
            replace(clean, counters={HOSTILE: 1}, trends={HOSTILE: clean.latency}), id="custom metrics"
        ),
        pytest.param(replace(clean, remarks=(HOSTILE,), overrides=(HOSTILE,)), id="notes"),
        pytest.param(
            replace(clean, generator=replace(clean.generator, state=HOSTILE, reason=HOSTILE)),
            id="the generator",
        ),
    ]


@pytest.mark.parametrize("result", hostile_results())
def test_markup_is_shown_and_does_nothing(result: LoadResult) -> None:
    page = Elements(part_of(result).html)
    assert page.foreign == []
    assert page.of("script") == []
    assert page.open == []


def test_what_a_server_answered_is_shown_as_it_was() -> None:
    assert "<script>alert('body')</script><b>down</b> for now" in Elements(part_of(broken_load(6)).html).text


@pytest.mark.parametrize("text", ["nul \x00", "lone \ud800", "bell \x07", "right to left \u202e"])
def test_no_character_breaks_a_picture(text: str) -> None:
    clean = passed_load(6)
    seconds = replace(clean.timeline.requests[0], name=text)
    result = replace(clean, timeline=replace(clean.timeline, requests=(seconds,)), requests=())
    assert len(Elements(part_of(result).html).of("svg")) == 3


def test_a_load_that_was_interrupted_is_not_said_to_be_judged() -> None:
    judged = passed_load(6)
    for result, words in ((judged, {"judged", "Judged"}), (replace(judged, budgets=()), {"judged"})):
        part = part_of(replace(result, steady_ns=3 * S))
        assert set(re.findall("[Jj]udged", part.html)) == words
    assert "Of the whole run: nothing was judged." in part.html
    assert "<dt>judged</dt>" not in part.html


def test_a_name_that_turns_the_direction_of_writing_does_not() -> None:
    name = "GET /\u202egpj.exe"
    result = replace(broken_load(6), errors=(ErrorRow(name, "status 500", 1, ""),))
    requests = (replace(result.requests[0], name=name),)
    html = part_of(replace(result, requests=requests)).html
    assert "\u202e" not in html
    assert html.count("\N{REPLACEMENT CHARACTER}") > 1


@pytest.mark.parametrize(("more", "noun"), [(1, "group"), (3, "groups")])
def test_very_many_and_very_long_errors_are_cut(more: int, noun: str) -> None:
    errors = tuple(ErrorRow(f"name {n}", "status 500", 1, "x" * 100_000) for n in range(MOST_GROUPS + more))
    html = part_of(load_result(errors=errors)).html
    assert len(html) < A_REPORT
    assert f"and {more} more {noun}<" in html
    assert "x" * MOST_SAMPLE in html


def test_a_long_load_of_many_names_stays_small() -> None:
    part = part_of(long_load(seconds=1200))
    assert len(part.html.encode()) < A_REPORT
    assert "Each point is the worst second of 4." in part.html


def test_without_vl_convert_there_are_tables_and_a_line_that_says_how_to_get_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part_module, "can_draw", lambda: False)
    part = part_of(passed_load(6))
    page = Elements(part.html)
    assert HOW_TO_DRAW in page.text
    assert (page.of("svg"), part.pictures) == ([], ())
    assert "Requests" in page.text


def test_a_picture_that_cannot_be_drawn_costs_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(picture: Picture) -> str:
        if picture.key == "traffic":
            raise ValueError("conversion failed:\nno such <mark>")
        return "<svg></svg>"

    monkeypatch.setattr(part_module, "svg_of", failing)
    part = part_of(passed_load(6))
    text = Elements(part.html).text
    assert "Requests and errors over time could not be drawn: no such <mark>" in text
    assert [picture.key for picture in part.pictures] == ["latency", "distribution"]


@pytest.mark.parametrize("requests", [1, 2, 9, 11])
def test_a_load_of_few_requests_has_its_pictures(requests: int) -> None:
    timeline = request_timeline("GET /", 1, requests, 10, steady, 0)
    part = part_of(with_timeline(load_result(), [timeline], (1,)))
    assert len(Elements(part.html).of("svg")) == 3
    assert "could not be drawn" not in part.html


def test_a_load_that_never_ran_has_its_reason_and_nothing_empty() -> None:
    result = load_result(state="interrupted", reason="Ctrl-C", requests=(), iterations=0)
    page = Elements(part_of(result).html)
    assert "Ctrl-C" in page.text
    assert page.of("figure") == page.of("table") == []


def test_sign_ins_are_told() -> None:
    result = load_result(authentication=AuthenticationRow(attempts=4, successes=4))
    assert "authentication: 4 attempts in 0 s, 4 succeeded" in Elements(part_of(result).html).text
