"""How much load at which time: lifetimes of virtual users, arrivals, steady parts."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_loadtest.core.profile import Profile, Stage
from pytest_loadtest.core.shape import (
    Arrivals,
    ClosedShape,
    OpenShape,
    default_max_vus,
    slices_of,
)

S = 1_000_000_000
bounded = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)


def staged(*stages: tuple[float, float], start: float = 0) -> Profile:
    """Stages as (seconds, target)."""
    return Profile(tuple(Stage(round(seconds * S), target) for seconds, target in stages), start=start)


def seconds_of(spans: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    return [(begins / S, ends / S) for begins, ends in spans]


PLATEAU = Profile.plateau(10, 60 * S)
RAMPED = Profile.plateau(10, 60 * S, ramp_up_ns=10 * S, ramp_down_ns=20 * S)
UP_DOWN_UP = staged((10, 10), (10, 0), (10, 10))
STEPS = staged((0, 5), (30, 5), (0, 10), (30, 10), (0, 2), (30, 2))


@pytest.mark.parametrize(
    ("profile", "vu", "spans"),
    [
        pytest.param(PLATEAU, 1, [(0, 60)], id="without ramps the first user is there all the time"),
        pytest.param(PLATEAU, 10, [(0, 60)], id="without ramps the last user is there all the time"),
        pytest.param(PLATEAU, 11, [], id="a user more than there are never is"),
        pytest.param(RAMPED, 1, [(0, 90)], id="with ramps the first user starts at once and stops last"),
        pytest.param(RAMPED, 6, [(5, 80)], id="a user in the middle of both ramps"),
        pytest.param(RAMPED, 10, [(9, 72)], id="the last user starts last and stops first"),
        pytest.param(UP_DOWN_UP, 1, [(0, 30)], id="the first user lives through a dip to zero"),
        pytest.param(UP_DOWN_UP, 6, [(5, 15), (25, 30)], id="a dip takes a user out and brings it back"),
        pytest.param(STEPS, 2, [(0, 90)], id="steps: a user below the lowest step stays"),
        pytest.param(STEPS, 3, [(0, 60)], id="steps: a user above the last step leaves at its beginning"),
        pytest.param(STEPS, 10, [(30, 60)], id="steps: a user of the highest step only"),
        pytest.param(staged((0, 0), (10, 0), start=3), 1, [], id="a level of zero has no users"),
        pytest.param(staged((10, 3), start=3), 3, [(0, 10)], id="a profile may start above zero"),
        pytest.param(staged((10, 2.5), start=2.5), 3, [(0, 10)], id="a part of a user is a user"),
    ],
)
def test_when_a_virtual_user_is_active(profile: Profile, vu: int, spans: list[tuple[float, float]]) -> None:
    assert seconds_of(ClosedShape(profile).lifetimes(vu)) == spans


profiles = st.builds(
    lambda stages, start: staged(*stages, start=start),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=5),
    st.integers(0, 6),
)


@given(profiles, st.integers(0, 50 * S))
@bounded
def test_as_many_users_are_active_as_the_level_says(profile: Profile, time_ns: int) -> None:
    shape = ClosedShape(profile)
    lives = [shape.lifetimes(vu) for vu in range(1, 8)]
    active = sum(begins <= time_ns < ends for spans in lives for begins, ends in spans)
    level = profile.level_at(time_ns)
    if abs(level - round(level)) > 1e-6:  # on a whole number the nanosecond decides
        assert active == math.ceil(level)
    for spans in lives:
        assert all(begins < ends for begins, ends in spans)
        assert all(ends < begins for (_, ends), (begins, _) in pairwise(spans))


@pytest.mark.parametrize(
    ("profile", "seconds", "level"),
    [
        pytest.param(RAMPED, 0, 0, id="a ramp begins at zero"),
        pytest.param(RAMPED, 5, 5, id="halfway up"),
        pytest.param(RAMPED, 10, 10, id="the plateau"),
        pytest.param(RAMPED, 80, 5, id="halfway down"),
        pytest.param(RAMPED, 90, 0, id="after the end there is no load"),
        pytest.param(PLATEAU, 0, 10, id="without a ramp it is all there at once"),
        pytest.param(STEPS, 30, 10, id="a step of no length is a jump"),
    ],
)
def test_the_level_at_a_time(profile: Profile, seconds: float, level: float) -> None:
    assert profile.level_at(round(seconds * S)) == level


@pytest.mark.parametrize(
    ("profile", "spans"),
    [
        pytest.param(PLATEAU, [(0, 60)], id="all of it without ramps"),
        pytest.param(RAMPED, [(10, 70)], id="ramps are left out"),
        pytest.param(UP_DOWN_UP, [], id="nothing holds where everything ramps"),
        pytest.param(STEPS, [(0, 30), (30, 60), (60, 90)], id="steps of different levels stay apart"),
        pytest.param(staged((5, 8), (30, 8), (30, 8), (5, 0)), [(5, 65)], id="holds of one level are one"),
        pytest.param(
            staged((5, 8), (30, 8), (0, 8), (30, 8)), [(5, 65)], id="a stage of no length parts nothing"
        ),
        pytest.param(staged((30, 0), (10, 5), (30, 5)), [(40, 70)], id="to hold zero is no load"),
    ],
)
def test_the_steady_parts(profile: Profile, spans: list[tuple[float, float]]) -> None:
    assert seconds_of(profile.steady_spans()) == spans
    assert seconds_of(ClosedShape(profile).steady_spans()) == spans
    assert seconds_of(OpenShape(profile, 5).steady_spans()) == spans


def test_ramps_come_on_top_of_the_duration() -> None:
    assert (RAMPED.duration_ns, RAMPED.peak) == (90 * S, 10)
    assert (ClosedShape(RAMPED).duration_ns, ClosedShape(RAMPED).vus) == (90 * S, 10)
    assert (OpenShape(RAMPED, 7).duration_ns, OpenShape(RAMPED, 7).vus) == (90 * S, 7)


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 10**12))
@bounded
def test_a_scaled_shape_has_exactly_the_peak_and_the_duration_asked_for(
    peak: int, wanted: int, duration_ns: int
) -> None:
    profile = staged((7, peak), (31, peak), (3, peak / 3), (11, 0)).scaled(
        peak=wanted, duration_ns=duration_ns
    )
    assert (profile.peak, profile.duration_ns) == (wanted, duration_ns)
    assert ClosedShape(profile).vus == wanted


def test_a_scaled_shape_keeps_its_proportions() -> None:
    scaled = STEPS.scaled(peak=20, duration_ns=45 * S)
    assert scaled == staged((0, 10), (15, 10), (0, 20), (15, 20), (0, 4), (15, 4))
    assert STEPS.scaled() == STEPS
    assert staged((10, 4), start=2).scaled(peak=2).start == 1


# -- arrivals ---------------------------------------------------------------------------------------


def arrivals(profile: Profile, kind: Arrivals = Arrivals.CONSTANT, seed: int = 1) -> list[int]:
    return list(OpenShape(profile, 10, kind).arrival_times(random.Random(seed)))


def test_a_constant_rate_arrives_evenly_from_the_start() -> None:
    assert arrivals(Profile.plateau(4, 2 * S)) == [n * S // 4 for n in range(8)]


@pytest.mark.parametrize(
    ("profile", "count"),
    [
        pytest.param(Profile.plateau(50, 10 * S), 500, id="rate times time"),
        pytest.param(
            Profile.plateau(31 / 60, 60 * S), 31, id="a rate whose product is a little more in floats"
        ),
        pytest.param(Profile.plateau(100, 60 * S, 10 * S, 10 * S), 7000, id="a ramp counts half"),
        pytest.param(staged((10, 20), (10, 0), (10, 20)), 300, id="up, down, up"),
        pytest.param(staged((0, 5), (10, 5), (0, 10), (10, 10)), 150, id="steps of no length"),
        pytest.param(staged((10, 0), (10, 6)), 30, id="nothing arrives at a rate of zero"),
        pytest.param(Profile.plateau(0.1, 5 * S), 1, id="less than one arrival is one, at the start"),
    ],
)
def test_how_many_arrive(profile: Profile, count: int) -> None:
    times = arrivals(profile)
    assert len(times) == count
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < profile.duration_ns


def test_on_a_ramp_the_nth_arrival_is_where_n_have_been_asked_for() -> None:
    """0 to 8/s in 4 s: after t seconds t^2 arrivals were due, so the nth comes at the root of n."""
    assert arrivals(staged((4, 8))) == [round(math.sqrt(n) * S) for n in range(16)]


def test_on_a_ramp_down_arrivals_thin_out_in_mirror_image() -> None:
    times = arrivals(staged((4, 0), start=8))
    expected = [4 - math.sqrt(16 - n) for n in range(16)]
    assert [time / S for time in times] == pytest.approx(expected)


@given(profiles.filter(lambda profile: profile.duration_ns > 0))
@bounded
def test_arrivals_ascend_inside_the_load_whatever_the_shape(profile: Profile) -> None:
    times = arrivals(profile)
    area = sum((low + high) / 2 * (ends - begins) / S for begins, ends, low, high in profile.segments())
    assert len(times) == math.ceil(round(area, 6))
    assert times == sorted(times)
    assert all(0 <= time < profile.duration_ns for time in times)


def test_poisson_arrivals_repeat_with_their_seed_and_differ_without() -> None:
    profile = Profile.plateau(50, 10 * S)
    assert arrivals(profile, Arrivals.POISSON, 1) == arrivals(profile, Arrivals.POISSON, 1)
    assert arrivals(profile, Arrivals.POISSON, 1) != arrivals(profile, Arrivals.POISSON, 2)


def test_poisson_arrivals_have_the_mean_and_the_spread_of_their_kind() -> None:
    """10,000 expected: the count has a standard deviation of 100, gaps have that of their mean."""
    times = arrivals(Profile.plateau(100, 100 * S), Arrivals.POISSON)
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert len(times) == pytest.approx(10_000, abs=400)
    assert deviation / mean == pytest.approx(1, abs=0.05)


def test_poisson_arrivals_follow_a_ramp() -> None:
    """0 to 200/s in 100 s: a quarter of the 10,000 in the first half; standard deviation 50."""
    times = arrivals(staged((100, 200)), Arrivals.POISSON)
    assert sum(time < 50 * S for time in times) == pytest.approx(2500, abs=200)


# -- the rest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "vus"),
    [(0.1, 10), (5, 10), (50, 100), (50.2, 101), (10_000, 1000)],
)
def test_an_open_model_has_users_for_two_seconds_of_response_time(rate: float, vus: int) -> None:
    assert default_max_vus(rate) == vus


@pytest.mark.parametrize(
    ("spans", "slices"),
    [
        pytest.param([(0, 60)], ((0, 60),), id="whole slices are all taken"),
        pytest.param([(10.5, 69.5)], ((11, 69),), id="cut slices are left out at both ends"),
        pytest.param([(1.2, 1.9)], (), id="less than a slice is none"),
        pytest.param([(0.5, 2.5), (3, 5)], ((1, 2), (3, 5)), id="each span for itself"),
        pytest.param([], (), id="nothing of nothing"),
    ],
)
def test_the_slices_inside_a_span(
    spans: list[tuple[float, float]], slices: tuple[tuple[int, int], ...]
) -> None:
    in_ns = tuple((round(begins * S), round(ends * S)) for begins, ends in spans)
    assert slices_of(in_ns, S) == slices
