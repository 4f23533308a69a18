"""The words `pacing` and `warm_up` of a load marker: what they make, and with what they do not go."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.plan import Layer, plan_load, plan_once
from pytest_loadtest.core.shape import ClosedShape
from pytest_loadtest.errors import ConfigurationError

S = 1_000_000_000
MS = 1_000_000
SHORTENED = Layer("--load-duration", {"duration": "5s"})


@pytest.mark.parametrize(
    "marker",
    [
        pytest.param({"vus": 5, "duration": "1m"}, id="a duration"),
        pytest.param({"vus": 5, "duration": "1m", "ramp_up": "5s", "ramp_down": "5s"}, id="ramps"),
        pytest.param({"stages": [("1m", 5)]}, id="stages of users"),
        pytest.param({"vus": 5, "iterations": 100}, id="shared iterations"),
        pytest.param({"vus": 5, "iterations_per_vu": 100}, id="iterations of each user"),
    ],
)
def test_pacing_goes_with_every_closed_shape(marker: dict[str, object]) -> None:
    free = plan_load(marker).shape
    paced = plan_load({**marker, "pacing": "100ms"}).shape
    assert isinstance(free, ClosedShape)
    assert isinstance(paced, ClosedShape)
    assert (free.pacing_ns, free.has_schedule) == (None, False)
    assert (paced.pacing_ns, paced.has_schedule) == (100 * MS, True)
    assert paced.profile == free.profile


@pytest.mark.parametrize(
    ("marker", "warm_up_ns"),
    [
        pytest.param({"duration": "1m"}, None, id="to be found when nobody says"),
        pytest.param({"duration": "1m", "warm_up": 0}, 0, id="none"),
        pytest.param({"duration": "1m", "warm_up": "10s"}, 10 * S, id="a time"),
        pytest.param({"duration": "1m", "ramp_up": "5s", "warm_up": "59s"}, 59 * S, id="less than the hold"),
        pytest.param({"rate": "5/s", "duration": "1m", "warm_up": "10s"}, 10 * S, id="of an open model"),
        pytest.param(
            {"stages": [("5s", 5), ("20s", 5), ("0s", 9), ("3s", 9)], "warm_up": "10s"},
            10 * S,
            id="of the first of several holds",
        ),
    ],
)
def test_the_plan_says_how_long_it_warms_up(marker: dict[str, object], warm_up_ns: int | None) -> None:
    assert plan_load(marker).warm_up_ns == warm_up_ns


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        pytest.param({"duration": "1m", "pacing": 0}, "load: pacing: 0 is not a duration above zero", id="0"),
        pytest.param(
            {"duration": "1m", "pacing": "often"}, "load: pacing: 'often' is not a duration", id="a pace"
        ),
        pytest.param(
            {"rate": "5/s", "duration": "1m", "pacing": "1s"},
            "both models at once: rate (open) does not go with pacing (closed)",
            id="a rate has its own schedule",
        ),
        pytest.param(
            {"stages": [("1m", "5/s")], "pacing": "1s"},
            "rate (open) does not go with pacing (closed)",
            id="stages of rates too",
        ),
        pytest.param(
            {"iterations": 5, "warm_up": "1s"},
            "load: iterations= does not go with warm_up=",
            id="counted iterations are judged as a whole",
        ),
        pytest.param(
            {"iterations_per_vu": 5, "warm_up": "1s"},
            "load: iterations_per_vu= does not go with warm_up=",
            id="those of each user too",
        ),
        pytest.param({"duration": "1m", "warm_up": -1}, "load: warm_up: -1 is not a duration", id="negative"),
        pytest.param(
            {"duration": "1m", "ramp_up": "10s", "warm_up": "60s"},
            "load: warm_up: '60s' is not shorter than the first time at one level, 1m",
            id="nothing would be left",
        ),
        pytest.param(
            {"stages": [("0s", 1), ("5s", 1), ("0s", 9), ("1m", 9)], "warm_up": "6s"},
            "load: warm_up: '6s' is not shorter than the first time at one level, 5s",
            id="the first hold decides, not the longest",
        ),
        pytest.param(
            {"stages": [("1m", 5), ("1m", 0)], "warm_up": "6s"},
            "load: warm_up= needs a time at one level; all of this load is ramps",
            id="nothing but ramps",
        ),
    ],
)
def test_what_does_not_fit_is_refused(marker: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan_load(marker)
    assert message in str(caught.value)


@pytest.mark.parametrize("word", ["pacing", "warm_up"])
def test_neither_can_be_overridden(word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{word}' cannot be overridden"):
        plan_load({"duration": "1m"}, [Layer("profile p", {word: "1s"})])


@pytest.mark.parametrize(
    "marker",
    [
        pytest.param({"duration": "1m", "warm_up": "10s"}, id="a duration"),
        pytest.param({"stages": [("0s", 3), ("1m", 3)], "warm_up": "10s"}, id="stages"),
    ],
)
def test_a_load_shortened_from_outside_forgets_a_warm_up_it_has_no_time_for(
    marker: dict[str, object],
) -> None:
    plan = plan_load(marker, [SHORTENED])
    assert plan.warm_up_ns is None
    assert plan.overrides[-1] == "warm_up 10s left out, the load is too short for it"


def test_a_load_shortened_from_outside_keeps_a_warm_up_that_fits() -> None:
    plan = plan_load({"duration": "1m", "warm_up": "4s"}, [SHORTENED])
    assert plan.warm_up_ns == 4 * S
    assert plan.overrides == ("duration 1m -> 5s (--load-duration)",)


def test_the_same_duration_from_outside_is_no_excuse() -> None:
    with pytest.raises(ConfigurationError, match="not shorter than the first time at one level, 5s"):
        plan_load({"duration": "5s", "warm_up": "10s"}, [SHORTENED])


def test_once_needs_neither() -> None:
    plan = plan_once(plan_load({"duration": "1m", "pacing": "1s", "warm_up": "4s"}))
    assert (plan.shape.has_schedule, plan.warm_up_ns) == (False, None)
