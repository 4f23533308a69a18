"""The text of a failed load test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_loadtest.report.failure import failure_text, headline, tracebacks
from pytest_loadtest.report.tables import NARROWEST
from pytest_loadtest.results.rows import ErrorRow, FailureRow, GeneratorRow, Latency, ShareRow
from tests.report.samples import budget, load_result, request

SLOW = budget("p95", "<= 5 s", "6.2 s", passed=False)
FEW = budget("rps", ">= 50/s", "12/s", passed=False)
KEPT = budget("max", "<= 9 s", "7 s")
UNKNOWN = budget("p95 of 'login'", "<= 5 s", "-", passed=False, reason="no request is named 'login'; ...")
OPEN = budget("p99", "<= 5 s", "3 s", passed=False, reason="at least 3 s: 2 requests were still open")

INVALID = budget(
    "p95",
    "<= 5 s",
    "6.2 s",
    passed=False,
    invalid=True,
    is_close=True,
    reason="invalid: generator-limited: without ... 4 s; 90% or more of a core",
)


def test_a_name_of_several_lines_is_on_one() -> None:
    errors = (ErrorRow("GET /a\n\x1b[2Jb", "status 500", 3, ""),)
    assert "3 x GET /a \N{REPLACEMENT CHARACTER}[2Jb: status 500" in failure_text(load_result(errors=errors))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        pytest.param(
            {"budgets": (SLOW, KEPT)}, "1 of 2 budgets broken: p95 6.2 s > 5 s", id="an upper bound broken"
        ),
        pytest.param(
            {"budgets": (KEPT, SLOW, FEW)},
            "2 of 3 budgets broken: p95 6.2 s > 5 s; rps 12/s < 50/s",
            id="every broken budget, lower bounds too",
        ),
        pytest.param(
            {"budgets": (UNKNOWN,)},
            "1 of 1 budgets broken: p95 of 'login' not measured",
            id="nothing measured",
        ),
        pytest.param(
            {"budgets": (replace(SLOW, is_close=True, interval="4.9 s - 7 s"),)},
            "1 of 1 budgets broken: p95 6.2 s > 5 s (too close to call)",
            id="a limit inside the interval",
        ),
        pytest.param(
            {"budgets": (replace(OPEN, is_close=True, interval="2.9 s - 7 s"),)},
            "1 of 1 budgets broken: p99 3 s too close to call, limit <= 5 s",
            id="a close call that is to fail",
        ),
        pytest.param(
            {"budgets": (INVALID, KEPT)},
            "1 of 2 budgets invalid: generator-limited: p95 6.2 s, limit <= 5 s",
            id="nothing but what may be the generator's doing",
        ),
        pytest.param(
            {"budgets": (INVALID, FEW)},
            "2 of 2 budgets broken: p95 6.2 s, limit <= 5 s (invalid: generator-limited); rps 12/s < 50/s",
            id="what may be the generator's doing, and what is not",
        ),
        pytest.param(
            {"budgets": (OPEN,)},
            "1 of 1 budgets broken: p99 undecided: at least 3 s, limit <= 5 s",
            id="what is measured would keep the limit, but is not all",
        ),
        pytest.param(
            {"reason": "the test aborted the load: no agents\nand more"},
            "the test aborted the load: no agents",
            id="a reason, its first line",
        ),
        pytest.param(
            {"reason": "stopped", "budgets": (SLOW,)},
            "stopped; 1 of 1 budgets broken: p95 6.2 s > 5 s",
            id="a reason and budgets",
        ),
    ],
)
def test_the_first_line_says_it_all(values: dict[str, Any], line: str) -> None:
    result = load_result(state="failed", **values)
    assert headline(result) == line
    assert failure_text(result).splitlines()[0] == line


def test_every_part_of_a_failure_is_shown_with_its_figures() -> None:
    text = failure_text(
        load_result(
            state="failed",
            iterations=1200,
            failed_iterations=3,
            dropped=2,
            budgets=(KEPT, SLOW, UNKNOWN),
            requests=(request("GET /fast", 1), request("GET /slow", 900, failed=4)),
            errors=(ErrorRow("GET /slow", "status 500", 4, "boom"), ErrorRow("GET /b", "time-out", 1, "")),
            failures=(FailureRow("AssertionError", "test_a.py:7", 3, "assert 1 == 2\n + where", "tb"),),
            checks=(ShareRow("is listed", 1, 4), ShareRow("always", 4, 4)),
            remarks=("3 iterations were cut",),
        )
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "p95 of 'login': no request is named 'login'; ..." in lines
    assert lines.index("p95 <= 5 s 6.2 s - BROKEN") < lines.index("max <= 9 s 7 s - ok")
    assert "Requests, the slowest first (service time, whole run):" in lines
    assert lines.index("GET /slow 100 50/s 9 ms 900 ms 1.8 s 2.7 s 4") < lines.index(
        "GET /fast 100 50/s 9 ms 1 ms 2 ms 3 ms 0"
    )
    assert "Failed requests (4):" in lines
    assert lines[lines.index("4 x GET /slow: status 500") + 1] == "boom"
    assert lines[lines.index("Failed iterations (3 of 1,200):") + 1] == "3 x AssertionError at test_a.py:7"
    assert "assert 1 == 2" in lines
    assert "+ where" not in text  # the whole message is in the traceback
    assert "is listed 1 4 25%" in lines
    assert not any(line.startswith("always") for line in lines)
    assert lines[-2:] == [
        "5 VUs, 2s: 1,200 iterations, 200 requests, 2 iterations dropped",
        "note: 3 iterations were cut",
    ]


def test_the_generator_is_in_it_when_it_was_measured() -> None:
    generator = GeneratorRow(
        state="degraded", cpu=0.85, read_delay=Latency(n=40, p50=100_000, p99=2_000_000, max=3_000_000)
    )
    lines = failure_text(load_result(reason="x", generator=generator)).splitlines()
    assert lines[-1] == "generator: degraded, 85% of a core, it read answers late by p50 100 us, p99 2 ms"


def test_what_there_is_nothing_of_is_left_out() -> None:
    text = failure_text(load_result(reason="no iteration finished: nothing was measured", requests=()))
    assert text == ("no iteration finished: nothing was measured\n\n5 VUs, 2s: 40 iterations, 0 requests")


def test_an_open_model_shows_response_times() -> None:
    assert "(response time, whole run)" in failure_text(load_result(reason="x", open_model=True))


def test_only_the_slowest_requests_and_the_most_frequent_groups_are_shown() -> None:
    text = failure_text(
        load_result(
            reason="x",
            requests=tuple(request(f"GET /{n}", n + 1) for n in range(7)),
            errors=tuple(ErrorRow(f"error {n}", "time-out", 9 - n, "") for n in range(9)),
            failures=tuple(FailureRow(f"Type{n}", "a.py:1", 9, "m", "t") for n in range(11)),
        )
    )
    assert "The 5 slowest of 7 requests (service time, whole run):" in text
    assert "GET /6" in text
    assert "GET /1 " not in text
    assert "error 7" in text
    assert "error 8" not in text
    assert "  and 1 more group\n" in text
    assert "Type8" not in text
    assert "  and 3 more groups" in text


def test_tables_fit_the_narrowest_terminal() -> None:
    name = "GET /api/store/agents/{id}/versions/of a rather long name"
    text = failure_text(
        load_result(
            budgets=(budget(f"p99.9 of '{name}'", "<= 250.5 ms", "1,234.5 ms", passed=False),),
            requests=(request(name, 900, failed=123_456),),
            checks=(ShareRow(name, 123_456, 1_234_567),),
        )
    )
    lines = text.splitlines()[1:]  # the first is the summary's, of any length
    assert max(len(line) for line in lines) <= NARROWEST
    assert text.count("rather") == 4  # names are broken, not cut


def test_each_group_of_failed_iterations_has_the_traceback_of_its_first() -> None:
    assert tracebacks(load_result()) == ""
    failures = (
        FailureRow("AssertionError", "a.py:7", 1200, "m", "first traceback"),
        FailureRow("KeyError", "a.py:9", 1, "m", "second traceback"),
    )
    assert tracebacks(load_result(failures=failures)) == (
        "1,200 x AssertionError at a.py:7; the first:\nfirst traceback\n\n"
        "1 x KeyError at a.py:9; the first:\nsecond traceback"
    )


def test_an_invalid_budget_is_marked_and_its_reason_is_shown() -> None:
    text = failure_text(load_result(state="invalid", budgets=(INVALID, KEPT)))
    assert "p95: invalid: generator-limited: without ... 4 s; 90% or more of a core" in text
    (line,) = (line for line in text.splitlines() if line.endswith("INVALID"))
    assert line.split()[0] == "p95"
    assert "BROKEN" not in text
