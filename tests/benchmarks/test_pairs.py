"""Pairs with and without something: their ratio, its interval, and what is no pair."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from benchmarks.pairs import FEWEST_PAIRS, LEFT_OUT, Piece, interval_rank, pairs_of, ratio_of

ORDER = (True, False, False, True)  # as the load script switches


def piece(measured: bool, requests: int = 1000, cpu_ns: int = 50_000_000) -> Piece:
    return Piece(measured, requests, wall_ns=100_000_000, cpu_ns=cpu_ns)


def pieces(count: int) -> list[Piece]:
    """That with the measuring has 990 requests where the other has 1000."""
    return [piece(with_, 990 if with_ else 1000) for with_ in (ORDER * count)[:count]]


def test_each_pair_has_the_one_with_first_whichever_came_first() -> None:
    pairs = pairs_of(pieces(40))
    assert len(pairs) == 20 - LEFT_OUT
    assert all(with_.measured and not without.measured for with_, without in pairs)
    assert {(with_.requests, without.requests) for with_, without in pairs} == {(990, 1000)}


def test_a_piece_that_has_no_partner_yet_is_left_out() -> None:
    assert pairs_of(pieces(41)) == pairs_of(pieces(40))


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        pytest.param(pieces(2 * (FEWEST_PAIRS + LEFT_OUT) - 2), "too few", id="too few for an interval"),
        pytest.param([piece(True)] * 40, "not a pair", id="nothing to compare with"),
        pytest.param([piece(True, 0), piece(False)] * 20, "both with requests", id="a load that stood still"),
    ],
)
def test_what_cannot_be_compared_is_refused(taken: list[Piece], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pairs_of(taken)


@pytest.mark.parametrize("n", [6, 7, 20, 150, 2000])
def test_the_interval_has_95_percent_and_the_next_narrower_one_has_not(n: int) -> None:
    def inside(rank: int) -> Fraction:
        return 1 - 2 * Fraction(sum(math.comb(n, below) for below in range(rank)), 2**n)

    rank = interval_rank(n)
    assert inside(rank) >= Fraction(95, 100) > inside(rank + 1)


def test_the_interval_contains_the_true_median_about_as_often_as_it_says() -> None:
    chance = random.Random(1)
    intervals = [ratio_of([chance.lognormvariate(0, 0.1) for _ in range(30)]) for _ in range(1000)]
    hits = sum(each.low <= 1 <= each.high for each in intervals)
    assert 930 <= hits <= 980  # 957, give or take 4 standard deviations of 6


def test_a_ratio_is_the_median() -> None:
    ratio = ratio_of([0.97, 1.0, 0.98, 0.99, 1.01, 0.5, 3.0])
    assert (ratio.middle, ratio.low, ratio.high, ratio.pairs) == (0.99, 0.5, 3.0, 7)
