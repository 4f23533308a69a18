"""Tables as text: what they show at which width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_loadtest.report.tables import (
    NARROWEST,
    budget_table,
    by_verdict,
    check_table,
    generator_table,
    metric_table,
    phase_table,
    render,
    request_table,
    short_name,
    summary_table,
    totals,
)
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import GeneratorRow, Latency, ShareRow
from tests.report.samples import MS, S, budget, load_result, request


def cells(text: str) -> list[list[str]]:
    """The rows of a rendered table, without the rule below its head."""
    lines = [line for line in text.splitlines() if not line.startswith("─")]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


def summary(*results: LoadResult, width: int = 120) -> list[list[str]]:
    return cells(render(summary_table(results, width), width))


def test_the_summary_has_a_row_for_each_load_test() -> None:
    failed = load_result(
        test="test_b.py::test_b",
        state="failed",
        ran_ns=125 * S,
        requests=(request("GET /", failed=1, count=8000),),
        checks=(ShareRow("a", 1, 3),),
    )
    assert summary(load_result(), failed) == [
        [
            "load test",
            "verdict",
            "VUs",
            "ran",
            "requests",
            "rate",
            "p50",
            "p95",
            "p99",
            "errors",
            "checks",
            "generator",
        ],
        [
            "TestStore::test_browse[new]",
            "passed",
            "5",
            "2s",
            "100",
            "50/s",
            "9 ms",
            "20 ms",
            "40 ms",
            "0%",
            "-",
            "unknown",
        ],
        [
            "test_b",
            "failed",
            "5",
            "2m5s",
            "8,000",
            "4,000/s",
            "9 ms",
            "20 ms",
            "40 ms",
            "0.01%",
            "33.33%",
            "unknown",
        ],
    ]


def test_a_load_test_without_requests_has_no_figures() -> None:
    nothing = load_result(requests=(), latency=Latency(), ran_ns=300 * MS)
    assert summary(nothing)[1][1:] == [
        "passed",
        "5",
        "300 ms",
        "0",
        "0/s",
        "-",
        "-",
        "-",
        "-",
        "-",
        "unknown",
    ]


def test_a_narrow_terminal_does_without_some_columns_and_every_line_fits() -> None:
    long_name = load_result(test="test_b.py::test_" + "a_very_long_name_" * 8)
    text = render(summary_table([load_result(), long_name], NARROWEST), NARROWEST)
    assert max(map(len, text.splitlines())) <= NARROWEST
    assert cells(text)[0] == ["load test", "verdict", "requests", "rate", "p95", "p99", "errors", "checks"]
    name = "".join(row.split("  ")[0].strip() for row in text.splitlines()[2:])
    assert name.endswith("test_" + "a_very_long_name_" * 8)  # broken, not cut


def test_names_are_broken_between_their_words() -> None:
    result = load_result(test="a.py::test_marketplace_public_access[Marketplace_Public_Access_Max_Load]")
    names = [line[:24].rstrip() for line in render(summary_table([result], 80), 80).splitlines()[2:]]
    assert names == [
        "test_marketplace_public_",
        "access[Marketplace_",
        "Public_Access_Max_Load]",
    ]
    row = request("GET /api/library/agents/by-graph/{graph_id}/executions/{execution_id}")
    lines = render(request_table([row]), 80).splitlines()[2:]
    assert max(map(len, lines)) <= 80
    assert [line.split("  ")[0] for line in lines] == [
        "GET /api/library/agents/by-",
        "graph/{graph_id}/executions/",
        "{execution_id}",
    ]


def test_what_failed_stands_at_the_bottom_and_the_rest_as_it_was_run() -> None:
    states = {"a": "failed", "b": "passed", "c": "invalid", "d": "failed", "e": "interrupted", "f": "passed"}
    results = [load_result(test=name, state=state) for name, state in states.items()]
    assert [result.test for result in by_verdict(results)] == ["b", "f", "c", "e", "a", "d"]
    assert [row[0] for row in summary(*results)[1:]] == ["b", "f", "c", "e", "a", "d"]


@pytest.mark.parametrize(
    ("states", "vus", "words"),
    [
        pytest.param(
            ["passed"], 5, "1 load test: 1 passed; 0.167 VU-minutes, peak 5 VUs", id="one of two seconds"
        ),
        pytest.param(
            ["failed", "passed", "invalid", "passed"],
            3000,
            "4 load tests: 2 passed, 1 invalid, 1 failed; 400.0 VU-minutes, peak 3,000 VUs",
            id="several",
        ),
    ],
)
def test_all_load_tests_in_a_line(states: list[str], vus: int, words: str) -> None:
    timeline = replace(load_result().timeline, vus=(vus, vus))
    results = [load_result(state=state, timeline=timeline) for state in states]
    assert totals(results, 80) == words


def test_a_line_of_many_verdicts_is_broken() -> None:
    states = ("passed", "failed", "invalid", "interrupted", "aborted", "timed out", "set-up failed")
    lines = totals([load_result(state=state) for state in states], 80).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80


def test_a_very_narrow_terminal_gets_a_readable_table() -> None:
    assert render(summary_table([load_result()], 20), 20) == render(summary_table([load_result()], 20), 80)


def test_colours_are_there_only_where_they_are_wanted() -> None:
    table = summary_table([load_result(state="failed")], 100)
    assert "\x1b[" in render(table, 100, color=True)
    assert "\x1b[" not in render(table, 100)


def test_a_name_is_shown_as_it_is_and_never_as_markup() -> None:
    text = render(request_table([request("GET /[bold]a[/bold]/:smile:")]), 100)
    assert cells(text)[1][0] == "GET /[bold]a[/bold]/:smile:"


def test_a_name_of_several_lines_has_one() -> None:
    text = render(request_table([request("GET /a\n\x1b[2Jb"), request("GET /c")]), 100)
    assert [row[0] for row in cells(text)[1:]] == ["GET /a \N{REPLACEMENT CHARACTER}[2Jb", "GET /c"]


def test_broken_budgets_come_first_and_defaults_are_marked() -> None:
    result = load_result(
        budgets=(
            budget("p95", "<= 5 s", "1 s", interval="0.9 s - 1.2 s"),
            budget("p99", "<= 1.3 s", "1.2 s", interval="1 s - ?", is_close=True),
            budget("error_rate", "<= 0%", "3%", passed=False, implicit=True),
        )
    )
    assert cells(render(budget_table(result), 100)) == [
        ["budget", "limit", "measured", "95 % interval"],
        ["error_rate (default)", "<= 0%", "3%", "-", "BROKEN"],
        ["p95", "<= 5 s", "1 s", "0.9 s - 1.2 s", "ok"],
        ["p99", "<= 1.3 s", "1.2 s", "1 s - ?", "ok, close"],
    ]


def test_requests_without_an_answer_have_a_count_and_no_latency() -> None:
    row = request("GET /", failed=7, count=7)
    refused = row.__class__(row.name, 7, 7, 0, 3.5, 0, Latency(), {})
    assert cells(render(request_table([refused]), 100))[1] == ["GET /", "7", "3.5/s", "-", "-", "-", "-", "7"]


def test_only_checks_that_did_not_always_hold_are_listed() -> None:
    result = load_result(checks=(ShareRow("good", 5, 5), ShareRow("bad", 0, 5), ShareRow("so so", 1, 3)))
    assert cells(render(check_table(result), 100)) == [
        ["check", "held", "of", "share"],
        ["bad", "0", "5", "0%"],
        ["so so", "1", "3", "33.33%"],
    ]


@pytest.mark.parametrize(
    ("test", "name"),
    [
        pytest.param("tests/test_a.py::test_a", "test_a", id="a function"),
        pytest.param("test_a.py::TestA::test_a[x::y]", "TestA::test_a[x::y]", id="a class and parameters"),
        pytest.param("browse", "browse", id="a name that the marker gave"),
    ],
)
def test_a_test_goes_by_its_name_within_the_file(test: str, name: str) -> None:
    assert short_name(test) == name


def test_phases_are_shown_by_their_p95_if_they_occurred() -> None:
    first = request("GET /a")
    connecting = replace(
        first, phases={"connecting": Latency(1, p95=3 * MS), "waiting": Latency(9, p95=8 * MS)}
    )
    waiting = replace(first, name="GET /b", phases={"waiting": Latency(9, p95=2 * MS)})
    assert cells(render(phase_table([connecting, waiting]), 100)) == [
        ["p95 of", "connecting", "waiting"],
        ["GET /a", "3 ms", "8 ms"],
        ["GET /b", "-", "2 ms"],
    ]


def test_custom_metrics_show_what_each_kind_has() -> None:
    result = load_result(
        counters={"orders": 1200},
        rates=(ShareRow("sold out", 1, 4),),
        trends={"checkout": Latency(7, 10 * MS, 9 * MS, 20 * MS, 30 * MS, 40 * MS)},
    )
    assert cells(render(metric_table(result), 100)) == [
        ["metric", "count", "share", "p50", "p95", "p99", "max"],
        ["orders", "1,200", "-", "-", "-", "-", "-"],
        ["sold out", "4", "25%", "-", "-", "-", "-"],
        ["checkout", "7", "-", "9 ms", "20 ms", "30 ms", "40 ms"],
    ]


def test_the_generator_is_shown_with_what_is_known_of_it() -> None:
    busy = GeneratorRow(
        "generator-limited",
        "a reason",
        cpu=0.93,
        cpu_highest=0.99,
        run_queue=0.02,
        read_delay=Latency(400, MS, MS, 2 * MS, 3 * MS, 9 * MS),
    )
    assert cells(render(generator_table(busy), 100)) == [
        ["generator", "CPU", "highest", "waiting", "read p50", "read p99", "start p99"],
        ["generator-limited", "93%", "99%", "2%", "1 ms", "3 ms", "-"],
    ]
    assert cells(render(generator_table(GeneratorRow()), 100))[1] == ["unknown", *["-"] * 6]


def test_an_invalid_verdict_is_neither_ok_nor_broken() -> None:
    row = budget("p95", "<= 5 s", "6 s", passed=False, invalid=True, is_close=True)
    assert cells(render(budget_table(load_result(budgets=(row,))), 100))[1][-1] == "INVALID"
