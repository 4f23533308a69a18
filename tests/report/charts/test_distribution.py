from __future__ import annotations

import pytest

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.report.charts.distribution import ALL, curve, distribution_picture, nines_of
from pytest_loadtest.report.charts.series import Series
from tests.report.samples import MS


def ascending(n: int) -> Histogram:
    """1 ms, 2 ms, ... n ms."""
    return Histogram.of(value * MS for value in range(1, n + 1))


def series(**judged: Histogram) -> Series:
    return Series((), 1, 0, dict(judged), 0)


@pytest.mark.parametrize(("share", "nines"), [(0, 0), (0.9, 1), (0.99, 2), (0.999, 3)])
def test_each_nine_is_as_far_from_the_last(share: float, nines: float) -> None:
    assert nines_of(share) == pytest.approx(nines)


class TestCurve:
    def test_it_goes_from_the_fastest_to_the_slowest(self) -> None:
        points = curve(ascending(1000))
        assert points[0]["latency"] == pytest.approx(0.001, rel=0.01)
        assert points[-1] == {"nines": 3, "latency": pytest.approx(1, rel=0.01)}

    def test_each_point_is_its_percentile(self) -> None:
        histogram = ascending(1000)
        for point in curve(histogram)[:-1]:
            share = 1 - 10 ** -point["nines"]
            assert point["latency"] * 1e9 == pytest.approx(histogram.quantile(share), rel=0.01)

    def test_it_never_falls(self) -> None:
        latencies = [point["latency"] for point in curve(ascending(777))]
        assert latencies == sorted(latencies)

    def test_one_value_is_one_point(self) -> None:
        assert curve(ascending(1)) == [{"nines": 0, "latency": pytest.approx(0.001, rel=0.01)}]

    def test_it_stops_where_iterations_never_started(self) -> None:
        """A tenth never had an answer: nobody knows the 90th percentile and above."""
        assert curve(ascending(900), beyond=100)[-1]["nines"] == pytest.approx(1, abs=0.05)

    def test_a_million_values_are_few_points(self) -> None:
        assert len(curve(ascending(1_000_000))) < 260


class TestPicture:
    def test_nothing_measured_is_no_picture(self) -> None:
        assert distribution_picture(series(one=Histogram()), [], kind="service") is None

    def test_one_name_is_not_drawn_twice(self) -> None:
        picture = distribution_picture(series(one=ascending(500)), [], kind="service")
        assert picture is not None
        assert {row["line"] for row in picture.datasets["distribution"]} == {ALL}

    def test_of_many_names_the_slowest_are_drawn_and_those_with_few_values_are_not(self) -> None:
        named = {f"name {n}": ascending(100 * n) for n in range(1, 8)}
        picture = distribution_picture(series(**named, rare=ascending(9)), [], kind="service")
        assert picture is not None
        names = {row["line"] for row in picture.datasets["distribution"]}
        assert names == {ALL, "name 7", "name 6", "name 5"}

    def test_it_says_the_main_figures_in_words(self) -> None:
        picture = distribution_picture(series(one=ascending(1000)), [], kind="response")
        assert picture is not None
        assert picture.description.startswith("1,000 response times: p50 ")
        assert picture.description.endswith("slowest 1 s.")
