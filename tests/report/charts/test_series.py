from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_loadtest.report.charts.series import MOST_POINTS, judged_seconds, series_of
from pytest_loadtest.results.timeline import RequestTimeline, Timeline
from tests.report.loads import encoded
from tests.report.samples import MS, S


def timeline(*milliseconds: list[int], failed: tuple[int, ...] = ()) -> Timeline:
    """One name; a list of latencies for each second."""
    counts = tuple(map(len, milliseconds))
    nothing = (0,) * len(counts)
    texts = tuple(encoded([value * MS for value in second]) for second in milliseconds)
    request = RequestTimeline("GET /", counts, counts, failed or nothing, texts)
    return Timeline(counts, nothing, counts, counts, nothing, nothing, requests=(request,))


def test_a_row_has_what_was_measured_in_its_second() -> None:
    series = series_of(timeline([10, 20, 30], [40], failed=(1, 0)), (), 2 * S)
    first, second = series.rows
    assert first == {
        "t": 0,
        "p50": pytest.approx(0.02, rel=0.01),
        "p95": pytest.approx(0.03, rel=0.01),
        "p99": pytest.approx(0.03, rel=0.01),
        "requests": 3,
        "failed": 1,
        "vus": 3,
        "queued": 0,
        "dropped": 0,
    }
    assert (second["t"], second["requests"], second["failed"]) == (1000, 1, 0)


def test_a_second_without_requests_has_no_latency_rather_than_0() -> None:
    rows = series_of(timeline([10], [], [10]), (), 3 * S).rows
    assert [row["p50"] is None for row in rows] == [False, True, False]


def test_a_second_that_was_only_begun_has_no_rate() -> None:
    """It would look as if the target broke down at the end."""
    rows = series_of(timeline([10, 10], [10, 10], [10]), (), 2 * S + 100 * MS).rows
    assert [row["requests"] for row in rows] == [2, 2, None]


@pytest.mark.parametrize(
    ("at_the_end", "shown"),
    [
        pytest.param(0, None, id="none: the line does not fall to 0"),
        pytest.param(1, 1, id="some: they are never left out"),
    ],
)
def test_failures_of_a_second_that_was_only_begun(at_the_end: int, shown: int | None) -> None:
    rows = series_of(timeline([10, 10], [10], failed=(2, at_the_end)), (), S + 100 * MS).rows
    assert [row["failed"] for row in rows] == [2, shown]


def test_a_load_of_less_than_a_second_still_has_its_requests() -> None:
    assert series_of(timeline([10, 10]), (), 300 * MS).rows[0]["requests"] == 2


def test_percentiles_are_of_all_names_together() -> None:
    one = timeline([10] * 9)
    other = replace(one.requests[0], name="GET /slow", latencies=(encoded([500 * MS] * 9),))
    both = replace(one, requests=(*one.requests, other))
    assert series_of(both, (), S).rows[0]["p95"] == pytest.approx(0.5, rel=0.01)
    assert series_of(both, (), S, [one.requests[0]]).rows[0]["p95"] == pytest.approx(0.01, rel=0.01)


class TestThinning:
    seconds = 4 * MOST_POINTS

    def long(self, *, slow_at: int, failed_at: int) -> Timeline:
        failed = tuple(3 if second == failed_at else 0 for second in range(self.seconds))
        lists = [[900] if second == slow_at else [10] * 4 for second in range(self.seconds)]
        return timeline(*lists, failed=failed)

    def test_there_are_no_more_points_than_a_picture_can_show(self) -> None:
        series = series_of(self.long(slow_at=7, failed_at=5), (), self.seconds * S)
        assert len(series.rows) == MOST_POINTS
        assert (series.step_s, series.is_thinned) == (4, True)

    def test_the_worst_second_is_kept(self) -> None:
        row = series_of(self.long(slow_at=7, failed_at=5), (), self.seconds * S).rows[1]
        assert row["t"] == 4000
        assert row["p50"] == pytest.approx(0.9, rel=0.01)
        assert row["failed"] == 3

    def test_requests_are_the_mean_so_that_a_dip_is_not_hidden(self) -> None:
        row = series_of(self.long(slow_at=7, failed_at=5), (), self.seconds * S).rows[1]
        assert row["requests"] == pytest.approx((3 * 4 + 1) / 4)

    def test_a_short_load_is_not_thinned(self) -> None:
        assert not series_of(timeline([10]), (), S).is_thinned


@pytest.mark.parametrize(
    ("spans_ns", "judged"),
    [
        pytest.param([(2 * S, 4 * S)], {2, 3}, id="whole seconds"),
        pytest.param([(1_500_000_000, 4_500_000_000)], {2, 3}, id="begun seconds are left out"),
        pytest.param([(0, S), (3 * S, 5 * S)], {0, 3, 4}, id="several spans"),
        pytest.param([(3 * S, 99 * S)], {3, 4}, id="a span beyond the end"),
        pytest.param([(100, 200)], {0, 1, 2, 3, 4}, id="less than a second: all of them"),
        pytest.param([], {0, 1, 2, 3, 4}, id="no span: all of them"),
    ],
)
def test_judged_seconds_are_those_wholly_inside(spans_ns: list[tuple[int, int]], judged: set[int]) -> None:
    assert judged_seconds(spans_ns, 5) == judged


def test_latencies_by_name_are_of_judged_seconds_only() -> None:
    series = series_of(timeline([10], [20, 20], [30]), [(S, 2 * S)], 3 * S)
    assert series.judged["GET /"].n == 2
    assert series.judged["GET /"].max == 20 * MS
