"""Shapes whose last hold becomes longer: what was before stays, what comes after comes later."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_loadtest.core.profile import Profile
from pytest_loadtest.core.shape import Arrivals, ClosedShape, OpenShape
from tests.core.test_shape import PLATEAU, RAMPED, STEPS, UP_DOWN_UP, S, bounded, profiles, staged

holding = profiles.filter(lambda profile: profile.hold_ends_ns is not None)
extras = st.integers(1, 20 * S)


@pytest.mark.parametrize(
    ("profile", "ends_s", "longer"),
    [
        pytest.param(PLATEAU, 60, Profile.plateau(10, 67 * S), id="a plateau"),
        pytest.param(RAMPED, 70, Profile.plateau(10, 67 * S, 10 * S, 20 * S), id="ramps stay as they are"),
        pytest.param(
            STEPS, 90, staged((0, 5), (30, 5), (0, 10), (30, 10), (0, 2), (37, 2)), id="the last of many"
        ),
        pytest.param(
            staged((5, 8), (30, 8), (0, 8), (20, 8), (0, 8)),
            55,
            staged((5, 8), (30, 8), (0, 8), (27, 8), (0, 8)),
            id="the last piece of a hold in pieces, also when stages of no length surround it",
        ),
        pytest.param(
            staged((0, 5), (30, 5), (0, 9), (9, 0), (9, 0)),
            30,
            staged((0, 5), (37, 5), (0, 9), (9, 0), (9, 0)),
            id="to hold zero is no hold",
        ),
    ],
)
def test_the_last_hold_becomes_longer(profile: Profile, ends_s: float, longer: Profile) -> None:
    assert profile.hold_ends_ns == ends_s * S
    assert profile.extended(7 * S) == longer
    assert ClosedShape(profile, graceful_stop_ns=3).extended(7 * S) == ClosedShape(longer, graceful_stop_ns=3)
    assert OpenShape(profile, 5, Arrivals.POISSON).extended(7 * S) == OpenShape(longer, 5, Arrivals.POISSON)


def test_what_never_holds_cannot_hold_longer() -> None:
    assert UP_DOWN_UP.hold_ends_ns is None
    assert OpenShape(UP_DOWN_UP, 1).hold_ends_ns is None
    with pytest.raises(ValueError, match="never holds"):
        UP_DOWN_UP.extended(S)


def test_what_is_ended_by_iterations_has_no_hold_to_lengthen() -> None:
    assert ClosedShape(PLATEAU).hold_ends_ns == 60 * S
    assert ClosedShape(PLATEAU, iterations=5).hold_ends_ns is None
    assert ClosedShape(PLATEAU, iterations_per_vu=5).hold_ends_ns is None


@given(holding, extras, extras)
@bounded
def test_to_lengthen_twice_is_to_lengthen_once_by_both(profile: Profile, first: int, second: int) -> None:
    longer = profile.extended(first).extended(second)
    assert longer == profile.extended(first + second)
    assert longer.duration_ns == profile.duration_ns + first + second
    assert longer.hold_ends_ns == (profile.hold_ends_ns or 0) + first + second


@given(holding, extras, st.integers(0, 50 * S))
@bounded
def test_the_level_is_the_same_before_and_moves_after(profile: Profile, extra: int, time_ns: int) -> None:
    ends_ns, longer = profile.hold_ends_ns or 0, profile.extended(extra)
    if time_ns < ends_ns:
        assert longer.level_at(time_ns) == profile.level_at(time_ns)
    else:
        assert longer.level_at(time_ns + extra) == profile.level_at(time_ns)
    assert longer.level_at(ends_ns) == longer.level_at(ends_ns + extra - 1) == profile.level_at(ends_ns - 1)


@given(holding, extras)
@bounded
def test_users_keep_their_times_before_the_end_of_the_hold_and_get_the_others_later(
    profile: Profile, extra: int
) -> None:
    ends_ns = profile.hold_ends_ns or 0

    def moved(moment_ns: int) -> int:
        return moment_ns if moment_ns < ends_ns else moment_ns + extra

    shape = ClosedShape(profile)
    for vu in range(1, shape.vus + 1):
        planned = tuple((moved(begins), moved(ends)) for begins, ends in shape.lifetimes(vu))
        assert shape.extended(extra).lifetimes(vu) == planned


@pytest.mark.parametrize("kind", Arrivals)
@given(profile=holding, extra=extras, seed=st.integers(0, 99))
@bounded
def test_arrivals_before_the_end_of_the_hold_are_the_same(
    kind: Arrivals, profile: Profile, extra: int, seed: int
) -> None:
    ends_ns = profile.hold_ends_ns or 0
    shape = OpenShape(profile, 5, kind)
    planned = [at for at in shape.arrival_times(random.Random(seed)) if at < ends_ns]
    times = list(shape.extended(extra).arrival_times(random.Random(seed)))
    assert [at for at in times if at < ends_ns] == planned
    assert times == sorted(times)
    assert all(at < profile.duration_ns + extra for at in times)


@pytest.mark.parametrize("kind", Arrivals)
@given(profile=holding, extra=extras, taken=st.integers(0, 60), seed=st.integers(0, 99))
@bounded
def test_a_shape_may_become_longer_between_two_arrivals(
    kind: Arrivals, profile: Profile, extra: int, taken: int, seed: int
) -> None:
    """Who takes arrivals one after the other gets those of the longer shape, and none of them twice."""
    shape = OpenShape(profile, 5, kind)
    whole = list(shape.extended(extra).arrival_times(random.Random(seed)))
    arrivals, longer = shape.arrivals_in_turn(random.Random(seed)), shape.extended(extra).profile
    got: list[int] = []
    now = profile
    while (due_ns := arrivals.due_ns(now)) is not None or now is profile:
        if now is profile and (len(got) == taken or due_ns is None or due_ns >= (profile.hold_ends_ns or 0)):
            now = longer  # the one that was next comes later now, or as planned
            continue
        assert due_ns is not None
        got.append(due_ns)
        arrivals.advance()
    assert got == whole


@given(profile=holding, extra=extras)
@bounded
def test_a_constant_rate_goes_on_on_its_grid(profile: Profile, extra: int) -> None:
    """In the lengthened part arrivals are as far apart as in the hold."""
    ends_ns = profile.hold_ends_ns or 0
    begins_ns, _ = profile.steady_spans()[-1]
    rate = profile.level_at(ends_ns - 1)
    times = list(OpenShape(profile.extended(extra), 5).arrival_times(random.Random(0)))
    held = [at for at in times if begins_ns <= at < ends_ns + extra]
    assume(held)
    assert held == pytest.approx([held[0] + n * S / rate for n in range(len(held))], abs=2)


# -- the intended starts of paced users ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("vus", "begins", "starts"),
    [
        pytest.param(1, 0, [0], id="one user starts at once"),
        pytest.param(4, 0, [0, 25, 50, 75], id="users are spread evenly over an interval"),
        pytest.param(4, 10, [10, 35, 60, 85], id="from the beginning of their time on"),
        pytest.param(3, 0, [0, 33, 66], id="in whole nanoseconds"),
        pytest.param(2.5, 0, [0, 33, 66], id="a part of a user is a user"),
    ],
)
def test_the_first_intended_starts(vus: float, begins: int, starts: list[int]) -> None:
    shape = ClosedShape(Profile.plateau(vus, 60 * S), pacing_ns=100)
    assert [shape.first_start_ns(vu + 1, begins) for vu in range(shape.vus)] == starts
    assert shape.has_schedule
    assert shape.extended(S).pacing_ns == 100
