"""The formulas of intervals, against known values and against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_loadtest.core.statistics import (
    Batches,
    ShareInterval,
    binomial_bounds,
    design_effect,
    effective_number,
    equal_batches,
    fewest_for_percentile,
    share_interval,
    times_longer_to_decide,
)


def batches(events: list[int], totals: list[int]) -> Batches:
    return Batches(np.array(events), np.array(totals))


@pytest.mark.parametrize(
    ("k", "n", "low", "high", "sentence"),
    [
        (0, 10, 0.0, 0.30850, "none of 10: the rule of three, exactly"),
        (10, 10, 0.69150, 1.0, "all of 10"),
        (1, 10, 0.00253, 0.44502, "1 of 10"),
        (5, 100, 0.01643, 0.11283, "5 of 100"),
        (50, 1000, 0.03733, 0.06539, "5 % of 1000"),
    ],
)
def test_binomial_bounds_are_those_of_clopper_and_pearson(
    k: int, n: int, low: float, high: float, sentence: str
) -> None:
    """The values are R's binom.test(k, n)$conf.int."""
    assert binomial_bounds(k, n) == (pytest.approx(low, abs=2e-5), pytest.approx(high, abs=2e-5)), sentence


@pytest.mark.parametrize(("share", "fewest"), [(0.95, 72), (0.99, 368), (0.999, 3688)])
def test_how_many_it_takes_to_confirm_a_percentile(share: float, fewest: int) -> None:
    """So many, all below the limit, put the upper bound of what is above it below 1 - share; no fewer do."""
    assert fewest_for_percentile(share) == fewest
    assert binomial_bounds(0, fewest)[1] <= 1 - share < binomial_bounds(0, fewest - 1)[1]


def test_disturbances_that_outlast_a_batch_are_seen_in_pairs_of_batches() -> None:
    """Two good batches, two bad ones: neighbours seem not to resemble each other, but pairs spread more."""
    waves = batches([0, 0, 10, 10] * 5, [100] * 20)
    assert design_effect(waves.in_pairs()) > 1.5 * design_effect(waves)
    pairs = batches([0, 20] * 5, [200] * 10)
    assert effective_number(waves) == pytest.approx(effective_number(pairs))


def test_pairs_of_few_batches_are_too_few() -> None:
    """Of 9 batches there are 4 pairs: no variance is known from so few."""
    nine = batches([1, 2, 1, 0, 3, 1, 2, 1, 1], [100] * 9)
    assert len(nine.in_pairs().events) == 4
    assert nine.in_pairs().total == 900
    assert effective_number(nine) > 0


@pytest.mark.parametrize(
    ("counts", "n", "expected"),
    [
        ([], 20, []),
        ([3], 20, [3]),
        ([1, 2, 3], 20, [1, 2, 3]),
        ([1] * 40, 20, [2] * 20),
        ([1] * 7, 3, [2, 2, 3]),
    ],
)
def test_slices_are_added_up_into_batches(counts: list[int], n: int, expected: list[int]) -> None:
    assert equal_batches(counts, n).tolist() == expected


def test_independent_requests_have_no_design_effect() -> None:
    rng = np.random.default_rng(1)
    effects = [design_effect(Batches(rng.binomial(500, 0.05, 20), np.full(20, 500))) for _ in range(300)]
    assert 1 <= np.median(effects) < 1.5


def test_a_bad_spell_makes_few_of_many() -> None:
    """All failures in two batches of twenty: 10,000 requests tell as much as a handful."""
    spell = batches([0] * 9 + [250, 250] + [0] * 9, [500] * 20)
    assert design_effect(spell) > 300
    assert effective_number(spell) < 30
    assert share_interval(spell).high > 0.15


def test_spread_evenly_they_are_what_they_are() -> None:
    even = batches([25] * 20, [500] * 20)
    assert design_effect(even) == 1
    assert share_interval(even).low == pytest.approx(0.045, abs=0.001)
    assert share_interval(even).high == pytest.approx(0.055, abs=0.001)


@pytest.mark.parametrize("totals", [[], [0] * 20], ids=["no batches", "empty batches"])
def test_nothing_has_no_interval(totals: list[int]) -> None:
    interval = share_interval(batches([0] * len(totals), totals))
    assert (math.isnan(interval.share), math.isnan(interval.low), interval.effective) == (True, True, 0)


def test_few_batches_are_taken_as_independent_requests() -> None:
    """There is no telling how they hang together; the sample rule still holds."""
    assert effective_number(batches([0, 50, 0, 0], [100] * 4)) == 400


@pytest.mark.parametrize(
    ("limit", "longer", "sentence"),
    [
        (0.07, 2.25, "half a width too close takes the square of it"),
        (0.01, 1.0, "already decided"),
        (0.05, math.inf, "the limit is the share itself"),
        (0.035, 16 / 9, "the narrower side counts for limits below"),
    ],
)
def test_how_much_longer_to_decide(limit: float, longer: float, sentence: str) -> None:
    interval = ShareInterval(share=0.05, low=0.03, high=0.08, effective=400)
    assert times_longer_to_decide(interval, limit) == pytest.approx(longer), sentence


@pytest.mark.parametrize("confidence", [0.95, 0.983])
@pytest.mark.parametrize(
    ("seen", "limit"), [(0, 0.01), (100, 0.99)], ids=["not one failed", "all checks held"]
)
def test_where_nothing_varied_it_only_takes_enough_events(seen: int, limit: float, confidence: float) -> None:
    interval = share_interval(batches([seen], [100]), confidence)
    enough = math.ceil(100 * times_longer_to_decide(interval, limit, confidence))
    for n, is_decided in ((enough, True), (enough - 1, False)):
        low, high = binomial_bounds(seen / 100 * n, n, confidence)
        assert (not low < limit < high) is is_decided
    assert times_longer_to_decide(interval, 0.5, confidence) == 1
