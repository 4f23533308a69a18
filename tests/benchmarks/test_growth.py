"""Memory that grows with requests is seen; memory that does not is not accused."""

from __future__ import annotations

import pytest

from benchmarks.growth import Point, checkpoints, flatness, growth_per_request

MILLION = 1_000_000


def run(bytes_per_request: float, report_bytes: float = 0) -> list[Point]:
    """Ten million requests; caches fill up by 20 MB in the first fifth, the report comes at the end."""
    resident = [60e6 + 20e6 * min(n / 2, 1) + bytes_per_request * n * MILLION for n in range(11)]
    resident[-1] += report_bytes
    return [Point(30.0 * n, n * MILLION, round(each)) for n, each in enumerate(resident)]


@pytest.mark.parametrize("bytes_per_request", [0.0, 0.5, 8.0])
def test_the_slope_is_of_the_part_after_the_warm_up(bytes_per_request: float) -> None:
    assert growth_per_request(run(bytes_per_request)) == pytest.approx(bytes_per_request, abs=1e-6)


def test_the_report_at_the_end_is_not_growth() -> None:
    assert growth_per_request(run(0.5, report_bytes=8e6)) == pytest.approx(0.5, abs=1e-6)


def test_one_point_shows_no_growth() -> None:
    with pytest.raises(ValueError, match="too few"):
        growth_per_request([Point(0, 9, 10), Point(1, 10, 10)])


def test_checkpoints_are_the_tenths_and_the_end() -> None:
    points = [Point(n, n * MILLION // 10, n) for n in range(101)]
    assert [point.requests for point in checkpoints(points, 10 * MILLION)] == [
        n * MILLION for n in range(1, 11)
    ]


def test_checkpoints_of_a_run_with_few_readings_are_those_readings() -> None:
    points = [Point(0, 0, 1), Point(1, 900, 2), Point(2, 1000, 3)]
    assert checkpoints(points, 1000) == [Point(1, 900, 2), Point(2, 1000, 3)]


def test_flatness_is_slope_and_spread_of_all_points() -> None:
    points = [Point(at, 0, 50_000_000 + 1000 * at + (500 if at % 2 else 0)) for at in range(101)]
    measured = flatness(points)
    assert measured.slope == pytest.approx(1000, rel=0.001)
    assert measured.rise == pytest.approx(100_000, rel=0.001)
    assert measured.spread == 100_000


def test_one_point_is_not_flat() -> None:
    with pytest.raises(ValueError, match="too few"):
        flatness([Point(0, 9, 10)])
