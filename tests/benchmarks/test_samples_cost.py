"""What keeping every request costs: the figures from what was measured. No load is run."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import samples_cost
from benchmarks.growth import Point
from benchmarks.pairs import Ratio
from benchmarks.runs import RunError
from tests.results.results import load_result


@pytest.mark.parametrize(
    ("ratio", "is_gain", "measured", "holds"),
    [
        (Ratio(0.97, 0.95, 0.99, 20), True, "3.00% (1.00% - 5.00%)", True),
        (Ratio(0.97, 0.88, 0.99, 20), True, "3.00% (1.00% - 12.00%)", None),
        (Ratio(0.8, 0.7, 0.89, 20), True, "20.00% (11.00% - 30.00%)", False),
        (Ratio(1.02, 1.01, 1.05, 20), False, "2.00% (1.00% - 5.00%)", True),
        (Ratio(1.2, 1.15, 1.25, 20), False, "20.00% (15.00% - 25.00%)", False),
    ],
)
def test_a_cost_holds_where_the_whole_interval_says_so(
    ratio: Ratio, is_gain: bool, measured: str, holds: bool | None
) -> None:
    figure = samples_cost.cost_figure("cost", ratio, is_gain=is_gain)
    assert (figure.measured, figure.holds) == (measured, holds)


@pytest.mark.parametrize(
    ("requests", "bytes_each", "holds"),
    [(10_000_000, 0.1, True), (10_000_000, 8, False), (1_000_000, 8, None)],
)
def test_growth_is_judged_of_enough_requests(requests: int, bytes_each: float, holds: bool | None) -> None:
    points = [
        Point(n, n * requests // 10, 100_000_000 + int(n * requests // 10 * bytes_each)) for n in range(11)
    ]
    assert samples_cost.growth_figure(points).holds is holds


@pytest.mark.parametrize("suffix", samples_cost.SUFFIXES)
def test_the_requests_of_a_file_are_counted(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"samples{suffix}"
    text = "head\n" * suffix.startswith(".csv") + "a request\n" * 7
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    assert samples_cost.lines_of(path) == 7
    assert samples_cost.described(path, 7).startswith("7 requests, 0 MB, ")


def test_cpu_is_that_of_the_event_loop() -> None:
    result = load_result()  # half of a core for 2 s, 3 requests
    assert samples_cost.cpu_per_request(result) == pytest.approx(1_000_000_000 / 3)
    unknown = replace(result, generator=replace(result.generator, cpu=None))
    with pytest.raises(RunError, match="did not measure itself"):
        samples_cost.cpu_per_request(unknown)
