"""What a running load shows on a terminal of some width."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from pytest_loadtest.core.so_far import BudgetSoFar, Standing
from pytest_loadtest.report.live_block import as_ansi, block, blocks, sparkline
from pytest_loadtest.report.progress import Progress, SignIn
from tests.report.test_progress import S, snapshot

LONG_NAME = "test_marketplace_public_access[Marketplace_Public_Access_Max_Load]"
BUDGETS = (
    BudgetSoFar("p95", "20 ms", "<= 5 s", Standing.KEPT, implicit=False),
    BudgetSoFar("p99", "1.5 s", "> 1 s", Standing.BROKEN, implicit=False),
    BudgetSoFar("iterations", "30", ">= 500", Standing.OPEN, implicit=False),
    BudgetSoFar("max of 'checkout'", "", "<= 9 s", Standing.OPEN, implicit=False),
    BudgetSoFar("check_rate", "100%", ">= 100%", Standing.KEPT, implicit=True),
    BudgetSoFar("error_rate", "1%", "> 0%", Standing.BROKEN, implicit=True),
)
MINUTE = tuple(range(60, 120))


def drawn(width: int, **values: Any) -> list[str]:
    """The block on a terminal of this width."""
    return as_ansi(block(snapshot(**values), width), color=False)


def test_a_block_has_bar_figures_the_last_minute_and_budgets() -> None:
    lines = drawn(100, elapsed_ns=45 * S, recent=(1, 8, 0, 4), budgets=BUDGETS)
    assert lines == [
        "test_browse  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  25%  2m15s left",
        "  5 VUs  10/s  p50 10 ms  p95 20 ms  p99 1.5 s  1 error (1%)  1 failed iteration",
        "  requests/s, last 4 s  ▂█▁▅  now 4",
        "  so far:  BROKEN p99 1.5 s > 1 s  BROKEN error_rate 1% > 0%  ok p95 20 ms <= 5 s",
        "  iterations 30 >= 500  max of 'checkout' <= 9 s",
    ]


def test_at_80_columns_a_long_name_keeps_both_its_ends_and_the_last_minute_is_whole() -> None:
    lines = drawn(79, name=LONG_NAME, elapsed_ns=45 * S, recent=MINUTE, failed_iterations=0)
    assert lines[0].startswith("test_marketplace_pub")
    assert "…" in lines[0]
    assert "_Max_Load]  ━━━━━━" in lines[0]
    label, bars, now = lines[2].strip().split("  ")
    assert (label, now) == ("requests/s, last 60 s", "now 119")
    assert len(bars) == 30  # two seconds each
    assert bars == "".join(sorted(bars))


@pytest.mark.parametrize("width", [200, 100, 79, 60, 39, 20, 10, 1])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn(width, name=LONG_NAME, queued=12, recent=MINUTE, budgets=BUDGETS)
    assert all(cell_len(line) <= width for line in lines), lines


def test_at_40_columns_there_is_still_what_matters() -> None:
    text = "\n".join(drawn(39, elapsed_ns=45 * S, recent=MINUTE, budgets=BUDGETS))
    for words in ("test_browse", "2m15s left", "5 VUs", "10/s", "p95 20 ms", "BROKEN p99 1.5 s > 1 s"):
        assert words in text


def test_what_has_no_line_left_is_counted() -> None:
    lines = drawn(30, budgets=BUDGETS)
    assert lines[-1].endswith("  +3")


def test_kept_defaults_are_not_shown_nor_budgets_where_there_are_none() -> None:
    assert "check_rate" not in "".join(drawn(200, budgets=BUDGETS))
    assert "so far" not in "".join(drawn(200, budgets=BUDGETS[4:5]))


def test_signing_in_has_a_bar_too() -> None:
    (line,) = as_ansi(block(SignIn("test_browse", 40, 160), 79), color=False)
    assert line == f"test_browse  {'━' * 40}  25%  signing in 40/160"


def test_the_bar_grows_with_the_share_that_is_done() -> None:
    (line,) = as_ansi(block(SignIn("test_browse", 40, 160), 100), color=True)
    parts = [part for part in line.split("\x1b[") if "━" in part]
    assert [(part.split("m")[0], part.count("━")) for part in parts] == [("36", 10), ("90", 30)]


def test_broken_budgets_and_errors_are_red_and_say_so_without_colour() -> None:
    lines = as_ansi(block(snapshot(budgets=BUDGETS), 100), color=True)
    text = "\n".join(lines)
    assert "\x1b[1;31mBROKEN p99 1.5 s > 1 s\x1b[0m" in text
    assert "\x1b[32mok p95 20 ms <= 5 s\x1b[0m" in text
    assert "\x1b[31m1 error (1%)\x1b[0m" in text
    healthy = as_ansi(block(snapshot(failed_requests=0, failed_iterations=0), 100), color=True)
    assert "\x1b[31m" not in "\n".join(healthy)
    assert "\x1b" not in "\n".join(drawn(100, budgets=BUDGETS))


def test_a_name_is_shown_as_it_is_and_never_as_markup() -> None:
    assert drawn(100, name="a[red]b/:smile:")[0].startswith("a[red]b/:smile:  ")


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([0, 0], "▁▁", id="only 0"),
        pytest.param([0, 1, 700], "▁▂█", id="what is not 0 is not the lowest"),
        pytest.param([5], "█", id="one value"),
        pytest.param([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█", id="in proportion"),
    ],
)
def test_a_sparkline_begins_at_0(values: list[float], bars: str) -> None:
    assert sparkline(values) == bars


@pytest.mark.parametrize(
    ("height", "shown"),
    [
        pytest.param(40, 12, id="whole blocks"),
        pytest.param(11, 2, id="one line each"),
        pytest.param(1, 1, id="only how many there are"),
        pytest.param(0, 0, id="no room at all"),
    ],
)
def test_several_loads_share_the_height(height: int, shown: int) -> None:
    running: list[Progress] = [snapshot(name=name, budgets=BUDGETS, recent=(1,)) for name in ("a", "b")]
    lines = as_ansi(blocks(running, 79, height), color=False)
    assert len(lines) == shown


def test_one_line_of_a_load_says_what_is_broken() -> None:
    running: list[Progress] = [snapshot(name=name, budgets=BUDGETS) for name in "abc"]
    first, second = as_ansi(blocks(running, 120, 2), color=False)
    assert first.startswith("a  2m50s left  5 VUs  10/s")
    assert "BROKEN p99" in first
    assert second == "  and 2 more load tests"
