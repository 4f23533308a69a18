"""Start delays of several rounds: what is met, what is not, and what tells nothing."""

from __future__ import annotations

import pytest

from benchmarks.arrivals import HEADER, figure_of, parse_arguments, rows
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import GeneratorRow, Latency

MS = 1_000_000


def result(
    p99_ms: float, iterations: int = 20_000, with_a_user: int = 20_000, waited: float = 0.001
) -> LoadResult:
    """Ten seconds at 2000/s."""
    start_delay = Latency(with_a_user, 0.1 * MS, 0.1 * MS, 0.3 * MS, p99_ms * MS, 9 * MS)
    return LoadResult(
        test="test_known_latency",
        state="passed",
        reason="",
        load="",
        open_model=True,
        vus=200,
        ran_ns=10**10,
        steady_ns=10**10,
        overrides=(),
        iterations=iterations,
        failed_iterations=0,
        interrupted=0,
        dropped=0,
        latency=Latency(),
        trends={"service": Latency(20_000, 1.2 * MS, 1.2 * MS, 1.3 * MS, 2 * MS, 5 * MS)},
        generator=GeneratorRow(state="ok", cpu=0.4, run_queue=waited, start_delay=start_delay),
    )


@pytest.mark.parametrize(
    ("results", "measured", "holds"),
    [
        pytest.param(
            [result(0.4), result(0.5), result(3)], "0.50 ms (0.40 - 3.00)", True, id="the median decides"
        ),
        pytest.param([result(2.5)], "2.50 ms (2.50 - 2.50)", False, id="late on a quiet machine"),
        pytest.param(
            [result(2.5, waited=0.05)],
            "2.50 ms (2.50 - 2.50), on a machine with other work",
            None,
            id="late where others use the core: nobody knows",
        ),
        pytest.param([result(0.4, waited=0.05)], "0.40 ms (0.40 - 0.40)", True, id="kept in spite of others"),
        pytest.param(
            [result(0.4), result(0.4, iterations=19_000)],
            "19000 of 20000 iterations, 20000 with a free user",
            False,
            id="arrivals that did not come are not early",
        ),
        pytest.param(
            [result(0.4, with_a_user=100)],
            "20000 of 20000 iterations, 100 with a free user",
            False,
            id="the delay of the few that found a user is not that of all",
        ),
    ],
)
def test_what_is_required(results: list[LoadResult], measured: str, holds: bool | None) -> None:
    figure = figure_of(2000, results, seconds=10)
    assert (figure.measured, figure.holds) == (measured, holds)


def test_a_row_has_every_column_with_its_range() -> None:
    (row,) = rows({2000: [result(0.4), result(0.6), result(0.5)]})
    assert len(row) == len(HEADER)
    assert row[:3] == ("2000", "0.10 ms (0.10 - 0.10)", "0.50 ms (0.40 - 0.60)")
    assert row[-2:] == ("40.00 % (40.00 - 40.00)", "0.10 % (0.10 - 0.10)")


def test_no_rounds_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--rounds", "0"])
    assert "0 is less than 1" in capsys.readouterr().err
