"""Where a steady part begins to be steady: known shapes, and how often noise is taken for a warm-up."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest

from pytest_loadtest.core.timeline import LatencyTimeline
from pytest_loadtest.core.warm_up import WarmUp, find_warm_up, is_material, mser_cut
from tests.core.made_up_runs import MS, S


def timeline(medians_ms: Iterable[float], *, per_second: int = 1) -> LatencyTimeline:
    """Three requests in each slice around these; none where it is 0."""
    found = LatencyTimeline()
    for index, median in enumerate(medians_ms):
        values = [median * MS * factor for factor in (0.5, 1, 3)] if median else []
        for slice_index in range(index * per_second, (index + 1) * per_second):
            found.add(np.full(len(values), slice_index), np.array(values, dtype=np.int64))
    return found


def rough(level_ms: float, n: int) -> list[float]:
    """A level with 2 % up and down."""
    return [level_ms * (1.02 if index % 2 else 0.98) for index in range(n)]


OUTAGE = [2000.0, 1500.0, 1500.0, *[100.0] * 27]
SLOW_START = [900.0, 500.0, 300.0, *rough(100, 27)]


@pytest.mark.parametrize(
    ("medians", "found_s", "sentence"),
    [
        (rough(100, 60), None, "a steady run"),
        ([100.0] * 60, None, "the same to the nanosecond"),
        (SLOW_START, 3, "three slow seconds"),
        ([300.0, *rough(100, 29)], 1, "one slow second"),
        ([300.0, 300.0, *(100 - n / 20 for n in range(28))], 2, "a level that hardly changes is one level"),
        ([20.0, 40.0, *rough(100, 28)], 2, "it may begin too fast: a cache that fills, a queue that grows"),
        ([106.0, 106.0, *rough(100, 28)], None, "6 % change no verdict"),
        ([*rough(100, 15), 900.0, *rough(100, 14)], None, "a spike in the middle"),
        ([*rough(100, 28), 900.0, 900.0], None, "a slow end"),
        ([900.0, 500.0, *rough(100, 7)], None, "nine seconds tell nothing"),
        ([900.0, 500.0, *rough(100, 8)], 2, "ten do"),
        ([900.0, 0.0, 500.0, *rough(100, 27)], 3, "a second without requests counts as time"),
        ([0.0] * 5 + SLOW_START, 8, "so do those before the first request"),
        ([], None, "nothing measured"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_left_out(medians: list[float], found_s: int | None, sentence: str) -> None:
    found = find_warm_up([timeline(medians)], ((0, len(medians)),), S)
    if found_s is None:
        assert found is None, sentence
    else:
        assert found is not None, sentence
        assert (found.length_ns, found.window) == (found_s * S, ((found_s, len(medians)),)), sentence


def test_only_the_judged_part_is_looked_at_and_only_its_first_level() -> None:
    ramp, first, second = [5000.0] * 4, SLOW_START, rough(400, 30)
    series = [timeline([*ramp, *first, *ramp, *second])]
    found = find_warm_up(series, ((4, 34), (38, 68)), S)
    assert found is not None
    assert found.window == ((7, 34), (38, 68))
    assert find_warm_up(series, ((38, 68),), S) is None


def test_a_load_that_was_stopped_before_its_first_level_has_no_warm_up() -> None:
    assert find_warm_up([timeline(SLOW_START)], (), S) is None


def test_the_whole_run_may_be_judged() -> None:
    found = find_warm_up([timeline(SLOW_START)], None, S)
    assert found is not None
    assert found.window == ((3, 30),)


def test_ten_slices_of_a_tenth_are_a_second() -> None:
    """A begun second at the end is none."""
    found = find_warm_up([timeline(SLOW_START, per_second=10)], ((0, 295),), S // 10)
    assert found is not None
    assert (found.window, found.length_ns) == (((30, 295),), 3 * S)


def test_all_requests_are_looked_at_together() -> None:
    slow, quick = timeline(SLOW_START), timeline([10.0] * 30)
    assert find_warm_up([quick, quick, slow], ((0, 30),), S) is None
    assert find_warm_up([slow, slow, quick], ((0, 30),), S) is not None


def test_a_level_that_never_settles_is_said_and_nothing_left_out() -> None:
    falling = [1000 * math.exp(-index / 20) for index in range(60)]
    found = find_warm_up([timeline(falling)], ((0, 60),), S)
    assert found is not None
    assert (found.window, found.length_ns) == (((0, 60),), 0)
    assert found.note.startswith("no steady part was found: the latency changed until half-way (median 95")


def test_the_note_says_how_long_how_much_and_what_to_do() -> None:
    found = find_warm_up([timeline(SLOW_START)], ((0, 30),), S)
    assert found is not None
    assert found.note == (
        f"the first 3s at the level were a warm-up (median {found.early_ns / MS:.0f} ms at first, "
        f"{found.later_ns / MS:.1f} ms afterwards): budgets on latencies are judged without them; "
        "warm_up='3s' says so for every run, warm_up=0 judges them too"
    )
    assert found.early_ns == pytest.approx(500 * MS, rel=0.004)
    assert found.later_ns == pytest.approx(98 * MS, rel=0.03)
    assert WarmUp(None, 0, S, S).note.endswith("a longer run would tell more")


def wandering(
    rng: np.random.Generator, seconds: int, tau_s: float, runs: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Logs of medians: 10 % of noise correlated over tau, and 3 % of the medians' own."""
    memory = math.exp(-1 / tau_s)
    levels = np.empty((runs, seconds))
    levels[:, 0] = rng.normal(0, 0.1, runs)
    for second in range(1, seconds):
        news = rng.normal(0, 0.1 * math.sqrt(1 - memory**2), runs)
        levels[:, second] = memory * levels[:, second - 1] + news
    return levels + rng.normal(0, 0.03, levels.shape)


@pytest.mark.parametrize("tau_s", [1.0, 2.0, 5.0])
@pytest.mark.parametrize(("seconds", "at_most"), [(10, 0.03), (20, 0.03), (60, 0.02), (180, 0.01)])
def test_noise_is_seldom_taken_for_a_warm_up(seconds: int, at_most: float, tau_s: float) -> None:
    """1000 stationary runs each, fixed seed; MSER alone would cut 30 to 60 % of them."""
    runs = wandering(np.random.default_rng(5), seconds, tau_s, 1000)
    cuts = [mser_cut(levels) for levels in runs]
    found = [is_material(levels, cut) for levels, cut in zip(runs, cuts, strict=True)]
    assert np.mean(found) <= at_most
    assert 0.25 < np.mean([cut > 0 for cut in cuts]) < 0.7


@pytest.mark.parametrize("tau_s", [1.0, 5.0])
@pytest.mark.parametrize(("seconds", "at_least"), [(20, 0.9), (60, 0.98), (180, 0.98)])
def test_a_slow_start_is_nearly_always_found(seconds: int, at_least: float, tau_s: float) -> None:
    """It begins at 3 times the level, which decays within 5 s; 500 runs each, fixed seed."""
    slow_start = np.log(1 + 2 * np.exp(-np.arange(seconds) / 5))
    runs = wandering(np.random.default_rng(6), seconds, tau_s, 500) + slow_start
    cuts = [mser_cut(levels) for levels in runs]
    found = [is_material(levels, cut) for levels, cut in zip(runs, cuts, strict=True)]
    assert np.mean(found) >= at_least
    assert np.median(cuts) >= 8


def test_what_is_more_than_ten_times_as_slow_was_an_outage_and_is_judged() -> None:
    found = find_warm_up([timeline(OUTAGE)], ((0, 30),), S)
    assert found is not None
    assert (found.is_outage, found.window, found.length_ns) == (True, ((0, 30),), 0)
    assert found.note.startswith("the beginning was not like the rest (median 1.5 s at first, 99.9 ms")
