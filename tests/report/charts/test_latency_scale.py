from __future__ import annotations

import pytest

from pytest_loadtest.report.charts.latency_scale import LatencyScale
from pytest_loadtest.report.charts.limits import Limit, limits_of, scoped_patterns
from tests.report.loads import latency_budget
from tests.report.samples import budget


def limit(seconds: float, key: str = "p95") -> Limit:
    return Limit(key, 0.95, seconds, passed=True)


class TestAxis:
    def test_latencies_of_one_size_have_a_linear_axis_from_0(self) -> None:
        scale = LatencyScale.of([0.02, 0.1, 0.3], [])
        assert (scale.is_log, scale.low) == (False, 0)
        assert scale.encoding()["axis"]["title"] == "latency"

    def test_latencies_of_very_different_sizes_have_a_log_axis_that_says_so(self) -> None:
        scale = LatencyScale.of([0.005, 3.0], [])
        assert scale.is_log
        assert scale.encoding()["axis"]["title"] == "latency, log scale"

    @pytest.mark.parametrize("values", [[], [0.0], [float("nan")], [float("inf")]])
    def test_an_axis_without_values_is_still_an_axis(self, values: list[float]) -> None:
        scale = LatencyScale.of(values, [])
        assert 0 <= scale.low < scale.high

    @pytest.mark.parametrize(
        ("low", "high"), [(0.001, 0.03), (0.001, 1), (0.0001, 100), (0.01, 0.3), (1e-6, 4000), (0.04, 1.3)]
    )
    def test_log_ticks_are_few_and_on_the_axis(self, low: float, high: float) -> None:
        scale = LatencyScale.of([low, high], [])
        ticks = scale.log_ticks()
        assert 3 <= len(ticks) <= 10
        assert ticks == sorted(ticks)
        assert all(scale.low <= tick <= scale.high for tick in ticks)


class TestLimits:
    def test_a_limit_near_what_was_measured_is_on_the_axis(self) -> None:
        scale = LatencyScale.of([0.1, 0.2], [limit(0.4)])
        assert [each.limit_s for each in scale.near] == [0.4]
        assert scale.high > 0.4

    def test_a_limit_far_above_does_not_squeeze_the_picture(self) -> None:
        scale = LatencyScale.of([0.1, 0.2], [limit(5)])
        assert [each.limit_s for each in scale.far] == [5]
        assert scale.high < 0.3

    def test_labels_of_limits_far_apart_are_below_one_another(self) -> None:
        lanes = LatencyScale.of([1.0], [limit(0.2, "p50"), limit(0.9)]).lanes()
        assert [lane for _, lane in lanes] == ["left", "left"]

    def test_labels_of_limits_close_together_are_beside_one_another(self) -> None:
        close = [limit(0.5, "p50"), limit(0.51, "p90"), limit(0.52)]
        assert [lane for _, lane in LatencyScale.of([1.0], close).lanes()] == ["left", "right", ""]

    def test_a_broken_one_says_so(self) -> None:
        assert limit(5).label == "p95 ≤ 5 s"
        broken = Limit("p99_9", 0.999, 0.25, passed=False)
        assert (broken.label, broken.told) == ("p99.9 ≤ 250 ms", "p99.9 ≤ 250 ms, broken")


class TestOfBudgets:
    rows = (
        latency_budget("p99", 2, 1),
        latency_budget("p95", 1, 0.5, passed=False),
        latency_budget("p95", 0.3, 0.2, scope="request", pattern="agent *"),
        latency_budget("p95", 0.4, 0.2, scope="metric", pattern="creation"),
        latency_budget("mean", 0.4, 0.2),
        budget("error_rate", "1%", "0%", key="error_rate", limit_value=0.01),
        budget("old", "1 s", "0.5 s"),
    )

    def test_percentiles_of_all_requests_are_drawn_and_nothing_else(self) -> None:
        assert [(each.key, each.limit_s, each.passed) for each in limits_of(self.rows)] == [
            ("p95", 1, False),
            ("p99", 2, True),
        ]

    def test_those_of_some_requests_are_found_by_their_pattern(self) -> None:
        assert scoped_patterns(self.rows) == ["agent *"]
        assert [each.limit_s for each in limits_of(self.rows, "request", "agent *")] == [0.3]
