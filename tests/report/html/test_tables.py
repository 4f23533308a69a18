from __future__ import annotations

from dataclasses import replace

from pytest_loadtest.report.html.tables import MOST_ROWS, Table, tables_of, verdict_table
from pytest_loadtest.results.rows import BlockedRow, GeneratorRow, ShareRow
from tests.report.loads import broken_load, passed_load
from tests.report.samples import S, budget, load_result, request


def named(tables: list[Table]) -> dict[str, Table]:
    return {table.caption: table for table in tables}


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


class TestVerdicts:
    def test_each_budget_has_limit_figure_interval_and_verdict_and_the_broken_come_first(self) -> None:
        result = load_result(
            budgets=(
                budget("p50", "<= 1 s", "0.5 s", interval="0.4 to 0.6 s"),
                budget("p95", "<= 1 s", "2 s", passed=False),
            )
        )
        assert texts(verdict_table(result)) == [
            ["p95", "broken", "<= 1 s", "2 s", "-"],
            ["p50", "ok", "<= 1 s", "0.5 s", "0.4 to 0.6 s"],
        ]

    def test_what_is_not_certain_says_so(self) -> None:
        close = budget("p95", "<= 1 s", "0.99 s", is_close=True)
        invalid = budget("p99", "<= 1 s", "2 s", passed=False, invalid=True)
        default = budget("dropped", "<= 0", "0", implicit=True)
        rows = texts(verdict_table(load_result(budgets=(close, invalid, default))))
        assert [(row[0], row[1]) for row in rows] == [
            ("p99", "invalid"),
            ("p95", "ok, too close to call"),
            ("dropped (default)", "ok"),
        ]

    def test_a_colour_never_says_more_than_the_text(self) -> None:
        for row in verdict_table(broken_load(6)).rows:
            assert (row[1].tone == "bad") == (row[1].text == "broken")

    def test_reasons_stand_beneath(self) -> None:
        table = verdict_table(
            load_result(budgets=(budget("p95", "1 s", "-", passed=False, reason="no request"),))
        )
        assert table.note == "p95: no request."


class TestTables:
    def test_the_slowest_request_comes_first(self) -> None:
        table = named(tables_of(load_result(requests=(request("fast", 5), request("slow", 90)))))["Requests"]
        assert [row[0] for row in texts(table)] == ["slow", "fast"]

    def test_failures_are_counted_with_their_share_and_answers_by_status(self) -> None:
        row = replace(request("a", count=200, failed=5), statuses={"503": 5, "200": 195})
        (cells,) = texts(named(tables_of(load_result(requests=(row,))))["Requests"])
        assert cells[-2:] == ["5 (2.5%)", "200: 195, 503: 5"]

    def test_a_request_without_any_answer_has_no_times(self) -> None:
        empty = replace(request("a", count=3, failed=3), latency=load_result().iteration_duration)
        (cells,) = texts(named(tables_of(load_result(requests=(empty,))))["Requests"])
        assert cells[3:7] == ["-"] * 4

    def test_the_check_that_failed_most_often_comes_first(self) -> None:
        checks = (ShareRow("fine", 10, 10), ShareRow("bad", 5, 10), ShareRow("never asked", 0, 0))
        table = named(tables_of(load_result(checks=checks)))["Checks"]
        assert texts(table) == [["bad", "5", "10", "50%"], ["fine", "10", "10", "100%"]]

    def test_metrics_of_every_kind_share_a_table(self) -> None:
        table = named(tables_of(broken_load(6)))["Custom metrics"]
        assert [row[0] for row in texts(table)] == ["graph <creations>", "execution errors", "graph creation"]

    def test_the_generator_is_shown_where_it_was_measured(self) -> None:
        assert texts(named(tables_of(passed_load(6)))["Load generator"])[0][:4] == [
            "ok",
            "31%",
            "42%",
            "0.1%",
        ]
        assert "Load generator" not in named(tables_of(load_result()))

    def test_lines_that_blocked_are_named(self) -> None:
        generator = GeneratorRow("limited", blocked=(BlockedRow("test_a.py:7", 3, S),))
        table = named(tables_of(load_result(generator=generator)))["Lines that blocked the event loop"]
        assert texts(table) == [["test_a.py:7", "3", "1 s"]]

    def test_nothing_measured_is_no_table(self) -> None:
        assert tables_of(load_result(requests=())) == []

    def test_of_very_many_requests_the_slowest_are_shown(self) -> None:
        rows = tuple(request(f"name {n}", n) for n in range(1, MOST_ROWS + 6))
        table = named(tables_of(load_result(requests=rows)))["Requests"]
        assert len(table.rows) == MOST_ROWS
        assert table.note.endswith("5 more are not shown.")
