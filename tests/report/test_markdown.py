"""The Markdown of a run: read by a parser of GitHub's dialect, whatever the run and whatever it is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_loadtest.report.markdown import MOST_BYTES, markdown_of
from pytest_loadtest.report.markdown.budgets import distance
from pytest_loadtest.report.markdown.escaping import NOTHING, cell, code, fenced, in_html, one_line, prose
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import (
    BlockedRow,
    BudgetRow,
    ErrorRow,
    FailureRow,
    GeneratorRow,
    Latency,
    ShareRow,
)
from pytest_loadtest.results.run import Commit, Machine, Run
from tests.report.markdown_pages import Page, tokens_of
from tests.report.samples import MS, budget, load_result, request

HOSTILE = (
    "<script>alert(1)</script>",
    "</details></details><img src=x onerror=alert(1)>",
    "a | b || c |",
    r"\| \\| \\\| \`",
    "```\n# heading\n```\n| a |\n|---|\n",
    "`one ``two ```three",
    "[x](javascript:alert(1)) ![y](http://127.0.0.1/z.png) <http://a.b> http://a.b www.a.b me@a.b",
    "@octocat #1 GH-1 :smile: ~~gone~~ *a* _b_ __c__ **d** $x$ &lt; &amp;",
    "- item\r\n> quote\r\n1. one\r\n---\r\n===\r\n\r\n\r\n",
    "\x00\x1b[31mred\x1b[0m \u202eturned \ud800 \u2028 \u200b",
    "<!-- comment --> <![CDATA[x]]> <?php ?> <a\nhref='x'>",
    " ",
)
BROKEN_P95 = budget(
    "p95 of 'report'",
    "<= 20 ms",
    "56.5 ms",
    passed=False,
    interval="51.9 ms - 60.6 ms",
    unit="s",
    limit_value=0.02,
    estimate=0.0565,
)


def failed_result(**values: Any) -> LoadResult:
    return load_result(**{"state": "failed", "budgets": (BROKEN_P95,), **values})


def run_of(*results: LoadResult, **values: Any) -> Run:
    fixed = Run("abc123", "2026-11-22T20:15:00.250Z", exit_status=1, results=results)
    return replace(fixed, **values)


def page_of(*results: LoadResult, **values: Any) -> Page:
    page = Page(markdown_of(run_of(*results, **values)))
    page.check()
    return page


# -- what it says -------------------------------------------------------------------------------------


def test_the_verdict_of_the_whole_comes_first_and_says_what_failed() -> None:
    page = page_of(load_result(test="a.py::test_fine"), failed_result(test="a.py::test_slow"))
    assert page.headings[0] == "❌ failed: 1 of 2 load tests"
    assert page.paragraphs[0] == "test_slow: p95 of 'report' 56.5 ms, limit ≤ 20 ms."


@pytest.mark.parametrize(
    ("states", "title"),
    [
        pytest.param(["passed"], "✅ passed: the load test", id="the only one has passed"),
        pytest.param(["passed"] * 3, "✅ passed: all 3 load tests", id="all have passed"),
        pytest.param(["failed"], "❌ failed: 1 of 1 load test", id="the only one has failed"),
        pytest.param(["passed", "invalid"], "⚠️ invalid: 1 of 2 load tests", id="one is undecided"),
        pytest.param(
            ["invalid", "failed", "passed", "failed"],
            "❌ failed: 2 of 4 load tests, 1 invalid",
            id="failed is worse than invalid",
        ),
        pytest.param([], "⚠️ none of the load tests was run", id="nothing was run"),
    ],
)
def test_the_title(states: list[str], title: str) -> None:
    results = [load_result(test=f"a.py::test_{n}", state=state) for n, state in enumerate(states)]
    assert page_of(*results).headings[0] == title


def test_all_load_tests_are_in_one_table_those_that_failed_first() -> None:
    results = [
        load_result(
            test="a.py::test_one",
            checks=(ShareRow("fine", 50, 100),),
            generator=GeneratorRow("generator-limited"),
        ),
        load_result(test="a.py::test_two", state="invalid", requests=()),
        failed_result(test="a.py::test_three", requests=(request("x", count=200, failed=5),)),
    ]
    rows = page_of(*results).table("load test")
    assert [(row["verdict"], row["load test"]) for row in rows] == [
        ("❌ failed", "test_three"),
        ("⚠️ invalid", "test_two"),
        ("✅ passed", "test_one"),
    ]
    assert [(row["requests"], row["errors"], row["checks"]) for row in rows] == [
        ("200", "2.5%", NOTHING),
        ("0", NOTHING, NOTHING),
        ("100", "0%", "50%"),
    ]
    assert [row["generator"] for row in rows] == ["unknown", "unknown", "generator-limited"]
    assert (rows[0]["rate"], rows[0]["p50"], rows[0]["p95"], rows[0]["p99"]) == (
        "100/s",
        "9 ms",
        "20 ms",
        "40 ms",
    )


def test_tests_of_the_same_name_are_told_apart_by_their_files() -> None:
    rows = page_of(load_result(test="a.py::test_x"), load_result(test="b.py::test_x")).table("load test")
    assert [row["load test"] for row in rows] == ["a.py::test_x", "b.py::test_x"]


def test_what_broke_stands_in_the_open_with_limit_figure_distance_and_interval() -> None:
    implicit = budget("error_rate", "<= 0%", "3%", passed=False, implicit=True, is_close=True, reason="why")
    page = page_of(failed_result(budgets=(BROKEN_P95, implicit, budget("p99", "<= 1 s", "60 ms"))))
    assert page.table("broken budget") == [
        {
            "broken budget": "p95 of 'report'",
            "limit": "≤ 20 ms",
            "measured": "56.5 ms",
            "off by": "+36.5 ms (+183%)",
            "95 % interval": "51.9 ms - 60.6 ms",
            "": NOTHING,
        },
        {
            "broken budget": "error_rate (default)",
            "limit": "≤ 0%",
            "measured": "3%",
            "off by": NOTHING,
            "95 % interval": NOTHING,
            "": "too close to call; why",
        },
    ]
    assert page.text.index("broken budget") < page.text.index("<details>")
    verdicts = [row["verdict"] for row in page.table("from the limit")]
    assert verdicts == ["broken", "broken, close", "ok"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"unit": "s", "limit_value": 2.0, "estimate": 2.5}, "+500 ms (+25%)"),
        ({"unit": "s", "limit_value": 0.02, "estimate": 1.0}, "+980 ms (50 times)"),
        ({"unit": "share", "limit_value": 0.05, "estimate": 0.125}, "+7.5 points (+150%)"),
        ({"unit": "share", "limit_value": 0.0, "estimate": 0.001}, "+0.1 points"),
        ({"unit": "share", "limit_value": 1.0, "estimate": 0.9, "is_upper": False}, "-10 points (-10%)"),
        ({"unit": "/s", "limit_value": 50.0, "estimate": 40.0, "is_upper": False}, "-10/s (-20%)"),
        ({"unit": "", "limit_value": 100.0, "estimate": 1300.0}, "+1,200 (13 times)"),
        ({"unit": "s", "limit_value": 2.0, "estimate": 2.0}, "0"),
        ({"unit": "s", "limit_value": 2.0, "estimate": None}, NOTHING),
        ({"unit": "s", "limit_value": 2.0, "estimate": None, "endless": "5% were dropped"}, "no end"),
    ],
    ids=str,
)
def test_how_far_a_figure_is_from_its_limit(values: dict[str, Any], text: str) -> None:
    assert distance(budget("any", "", "", **values)) == text


def test_a_reason_that_is_no_budget_is_told() -> None:
    page = page_of(
        load_result(test="a.py::test_x", state="aborted", reason="the test aborted the load: no more")
    )
    assert page.headings == ["⚠️ aborted: 1 of 1 load test", "⚠️ aborted: a.py::test_x"]
    assert page.paragraphs[0] == "test_x: the test aborted the load: no more."
    assert "the test aborted the load: no more" in page.paragraphs


def test_many_failures_are_told_in_a_short_sentence() -> None:
    results = [failed_result(test=f"a.py::test_{n}", budgets=(BROKEN_P95,) * 3) for n in range(5)]
    sentence = page_of(*results).paragraphs[0]
    assert sentence.startswith("test_0: p95 of 'report' 56.5 ms, limit ≤ 20 ms, and 2 more budgets; test_1: ")
    assert sentence.endswith("; and 2 more load tests.")


@pytest.mark.parametrize(
    ("exit_status", "state", "words"),
    [
        (None, "passed", "The session is not over"),
        (2, "passed", "The session was interrupted"),
        (1, "passed", "pytest's exit status is 1: something else"),
        (0, "failed", "pytest's exit status is 0: what failed was expected to."),
    ],
)
def test_what_the_verdicts_do_not_tell_is_told(exit_status: int | None, state: str, words: str) -> None:
    page = page_of(load_result(state=state), exit_status=exit_status)
    assert any(paragraph.startswith(words) for paragraph in page.paragraphs)


def test_the_details_have_everything() -> None:
    result = load_result(
        budgets=(budget("p99", "<= 1 s", "60 ms"),),
        errors=(ErrorRow("GET /agents", "status 500", 12, "500: try\nagain"),),
        failures=(FailureRow("AssertionError", "test_a.py:12", 3, "assert 1 == 2", "  first\n    second"),),
        failed_iterations=3,
        checks=(ShareRow("all held", 9, 9), ShareRow("some held", 5, 10), ShareRow("never asked", 0, 0)),
        counters={"graphs": 1234},
        rates=(ShareRow("cached", 1, 4),),
        trends={"creation": Latency(10, 5 * MS, 5 * MS, 9 * MS, 10 * MS, 11 * MS)},
        remarks=("a note",),
        overrides=("vus 10 -> 5 (--load-vus)",),
        generator=GeneratorRow("ok", "", 0.5, 0.75, blocked=(BlockedRow("test_a.py:7", 2, 30 * MS),)),
        requests=(replace(request("GET /agents", failed=12), statuses={"200": 88, "500": 12}),),
    )
    page = page_of(result, exit_status=0)
    assert page.table("one of them") == [
        {
            "count": "12",
            "request": "GET /agents",
            "what happened": "status 500",
            "one of them": "500: try again",
        }
    ]
    assert page.table("exception")[0]["where"] == "test_a.py:12"
    assert [token.content for token in page.tokens if token.type == "fence"] == ["  first\n    second\n"]
    assert [row["check"] for row in page.table("check")] == ["some held", "all held", "never asked"]
    assert page.table("statuses")[0]["statuses"] == "200: 88, 500: 12"
    metrics = {row["metric"]: row for row in page.table("metric")}
    assert (metrics["graphs"]["count"], metrics["cached"]["share"], metrics["creation"]["p95"]) == (
        "1,234",
        "25%",
        "9 ms",
    )
    facts = {row[""]: row["what it was like"] for row in page.table("what it was like")}
    assert facts["CPU of one core"] == "50%, 75% at most"
    assert facts["lines that blocked the event loop"] == "test_a.py:7 (2 times, 30 ms at most)"
    assert {"a note", "overridden: vus 10 -> 5 (--load-vus)"} <= set(page.paragraphs)


def test_where_what_and_when_is_told() -> None:
    page = page_of(
        load_result(),
        environment="STAGING",
        api="https://staging.example.com",
        profile="smoke",
        machine=Machine("EPYC", 4),
        commit=Commit("0123456789abcdef", "main", dirty=True),
    )
    (facts,) = (paragraph for paragraph in page.paragraphs if paragraph.startswith("environment "))
    assert facts == (
        "environment STAGING, https://staging.example.com, profile smoke, commit 0123456789ab, on main, "
        "with changed files, 4 cores, EPYC, began 2026-11-22 20:15 UTC, run abc123"
    )


# -- foreign text -------------------------------------------------------------------------------------


def hostile_result(text: str, **values: Any) -> LoadResult:
    """One with this text wherever text of others may be."""
    row = BudgetRow(text, text, text, text, False, True, False, text)
    return load_result(
        **{
            "test": text,
            "state": "failed",
            "reason": text,
            "load": text,
            "overrides": (text,),
            "requests": (replace(request(text, failed=3), statuses={text: 3}),),
            "errors": (ErrorRow(text, text, 3, text),),
            "failures": (FailureRow(text, text, 3, text, text),),
            "checks": (ShareRow(text, 1, 2),),
            "rates": (ShareRow(text, 1, 2),),
            "counters": {text: 1},
            "trends": {text: Latency(1)},
            "budgets": (row,),
            "remarks": (text,),
            "generator": GeneratorRow(text, text, blocked=(BlockedRow(text, 1, 1),)),
            **values,
        }
    )


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("state", ["failed", "passed"])
def test_nothing_that_a_server_or_a_test_says_becomes_an_element(text: str, state: str) -> None:
    expected = page_of(hostile_result("harmless", state=state))
    page = page_of(
        hostile_result(text, state=state),
        environment=text,
        api=text,
        profile=text,
        commit=Commit(text, text),
        machine=Machine(text),
        run_id=text,
    )
    assert [len(table) for table in page.tables] == [len(table) for table in expected.tables]
    assert [len(table[0]) for table in page.tables] == [len(table[0]) for table in expected.tables]
    assert len(page.headings) == len(expected.headings)


def test_texts_that_are_empty_do_no_harm() -> None:
    page_of(hostile_result(""), environment="", commit=Commit("", ""), run_id="")


steady = settings(deadline=None, derandomize=True, database=None)
ANY = st.text(max_size=60) | st.text(alphabet="|\\`<>&*_~[]()#@:$!-+=1.w \n\t\ud800\u202e", max_size=40)


@steady
@given(ANY)
def test_a_cell_is_one_cell_and_says_what_it_was_given(text: str) -> None:
    ((_, (shown, other)),) = Page(f"| a | b |\n| - | - |\n| {cell(text)} | other |\n").tables
    assert other == "other"
    assert shown == (one_line(text, 120).replace("\\|", "\\ |") or NOTHING)


@steady
@given(ANY)
def test_code_is_code_and_says_what_it_was_given(text: str) -> None:
    (inline,) = (token for token in tokens_of(code(text)) if token.type == "inline")
    (only,) = inline.children or ()
    expected = ("code_inline", one_line(text, 200)) if one_line(text, 200) else ("text", NOTHING)
    assert (only.type, only.content) == expected


@steady
@given(ANY)
def test_prose_is_text_and_says_what_it_was_given(text: str) -> None:
    page = Page(f"{prose(text)}\n\n| a |\n| - |\n| {prose(text)} |\n")
    page.check()
    expected = one_line(text, 600).replace("<=", "≤").replace(">=", "≥") or NOTHING
    assert (page.headings, page.paragraphs) == ([], [expected])
    assert page.tables == [[["a"], [expected]]]
    assert {token.type for token in page.every_token()} <= {
        *("paragraph_open", "paragraph_close", "inline", "text", "text_special"),
        *(
            f"{part}_{end}"
            for part in ("table", "thead", "tbody", "tr", "th", "td")
            for end in ("open", "close")
        ),
    }


@steady
@given(ANY)
def test_a_block_of_code_ends_where_it_should(text: str) -> None:
    first, *others = tokens_of(f"{fenced(text)}\n\nbehind\n")
    assert first.type == "fence"
    assert [token.content for token in others if token.type == "inline"] == ["behind"]


@steady
@given(ANY)
def test_the_title_of_a_fold_is_one_piece_of_html(text: str) -> None:
    page = Page(f"<details><summary>{in_html(text)}</summary>\n\nbehind\n\n</details>\n")
    page.check()
    assert page.paragraphs == ["behind"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@octocat", "@&#8203;octocat"),
        ("see #12", "see #&#8203;12"),
        ("GH-12", "GH&#8203;-12"),
        ("http://a.b", "http:&#8203;//a.b"),
        ("www.a.b", "www&#8203;.a.b"),
        (":smile:", ":&#8203;smile:"),
        ("error_rate 5% at 10:20:30 - a", "error_rate 5% at 10:20:30 - a"),
        ("- item", "&#8203;- item"),
    ],
)
def test_prose_mentions_nobody_and_stays_readable(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_a_long_text_says_that_it_was_cut() -> None:
    assert one_line("x" * 100, 10) == "x" * 9 + "…"
    assert one_line("x" + " " * 1000 + "y", 10) == "x…"
    shown = fenced("\n".join(f"line {n}" for n in range(100)), most_lines=3)
    assert shown == "```text\n…\nline 98\nline 99\n```"


# -- size ---------------------------------------------------------------------------------------------


def _huge() -> LoadResult:
    """Everything that grows, at its largest, and three bytes a character."""
    text = "\N{CJK UNIFIED IDEOGRAPH-4E00}|`<b>" * 300
    numbers = range(500)
    return load_result(
        reason=text,
        budgets=tuple(replace(BROKEN_P95, label=f"{each} {text}", reason=text) for each in range(40)),
        requests=tuple(request(f"{each} {text}") for each in numbers),
        errors=tuple(ErrorRow(f"{each} {text}", text, 1, text) for each in numbers),
        failures=tuple(FailureRow(f"{each} {text}", text, 1, text, text + "\n" * 99) for each in range(20)),
        checks=tuple(ShareRow(f"{each} {text}", 1, 2) for each in numbers),
        counters={f"{each} {text}": each for each in numbers},
        remarks=(text,) * 20,
    )


HUGE = _huge()


def huge_result(n: int, state: str = "failed") -> LoadResult:
    return replace(HUGE, test=f"tests/test_{n}.py::test_{HUGE.reason}", state=state)


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([huge_result(1)], id="500 names"),
        pytest.param([huge_result(n) for n in range(60)], id="60 load tests that failed"),
        pytest.param([huge_result(n, "passed") for n in range(60)], id="60 load tests that passed"),
        pytest.param([failed_result(test=f"a.py::test_{n}") for n in range(1000)], id="1000 load tests"),
    ],
)
def test_it_is_short_enough_for_a_comment_and_says_what_is_left_out(results: list[LoadResult]) -> None:
    page = page_of(*results)
    assert MOST_BYTES * 0.7 < len(page.text.encode()) <= MOST_BYTES
    told = [paragraph for paragraph in page.paragraphs if "Left out for want of room" in paragraph]
    told += [paragraph for paragraph in page.paragraphs if paragraph.startswith("and ")]
    assert told


def test_60_ordinary_load_tests_are_all_there() -> None:
    results = [load_result(test=f"a.py::test_{n}") for n in range(40)]
    results += [failed_result(test=f"a.py::test_{n}") for n in range(40, 60)]
    page = page_of(*results)
    assert len(page.table("load test")) == 60
    assert sum("broken budget" in table[0] for table in page.tables) == 20
    assert page.text.count("<details>") == 60


def test_rows_that_are_left_out_are_counted() -> None:
    requests = tuple(request(f"GET /some/longer/path/{n:03}", p95_ms=n + 1) for n in range(500))
    page = page_of(load_result(requests=requests))
    shown = [row["request"] for row in page.table("request")]
    assert shown[0] == "GET /some/longer/path/499"  # the slowest
    assert f"and {500 - len(shown)} more requests" in page.paragraphs


def test_what_broke_goes_before_details() -> None:
    results = [huge_result(1), *(failed_result(test=f"a.py::test_{n}") for n in range(30))]
    page = page_of(*results)
    assert sum("broken budget" in table[0] for table in page.tables) == 31


def test_an_interrupted_session_is_no_pass() -> None:
    text = markdown_of(replace(run_of(load_result()), exit_status=2))
    heading = text.splitlines()[0]
    assert heading.endswith("interrupted: 1 load test passed until then")
    assert "what had not been run by then is missing" in text
