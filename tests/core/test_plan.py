"""The words of a load marker, and what overrides them: the shape they make, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pytest_loadtest.core.plan import Layer, LoadPlan, check_layer, plan_load, plan_once
from pytest_loadtest.core.profile import Profile, Stage
from pytest_loadtest.core.shape import (
    DEFAULT_ITERATIONS_TIME_NS,
    Arrivals,
    ClosedShape,
    OpenShape,
    Shape,
)
from pytest_loadtest.errors import ConfigurationError

S = 1_000_000_000
PROFILE = Layer("profile local", {"vus": 5, "duration": "30s", "ramp_up": 0, "ramp_down": 0})


def plateau(level: float, seconds: float, up: float = 0, down: float = 0) -> Profile:
    return Profile.plateau(level, *(round(time * S) for time in (seconds, up, down)))


@pytest.mark.parametrize(
    ("marker", "shape"),
    [
        pytest.param(
            {"vus": 314, "duration": "3m", "ramp_up": "30s", "ramp_down": "30s"},
            ClosedShape(plateau(314, 180, 30, 30)),
            id="VUs with ramps, which come on top of the duration",
        ),
        pytest.param({"duration": 2.5}, ClosedShape(plateau(1, 2.5)), id="one VU when nobody says"),
        pytest.param(
            {"vus": 2, "duration": timedelta(minutes=1), "graceful_stop": "5s"},
            ClosedShape(plateau(2, 60), graceful_stop_ns=5 * S),
            id="a timedelta and a graceful stop",
        ),
        pytest.param(
            {"vus": 4, "iterations": 100},
            ClosedShape(plateau(4, DEFAULT_ITERATIONS_TIME_NS / S), iterations=100),
            id="iterations shared by all VUs, within ten minutes",
        ),
        pytest.param(
            {"vus": 4, "iterations_per_vu": 3, "duration": "1m"},
            ClosedShape(plateau(4, 60), iterations_per_vu=3),
            id="iterations per VU, within a time",
        ),
        pytest.param(
            {"stages": [("30s", 100), ["3m", 100], ("0s", "40"), ("30s", 0)]},
            ClosedShape(Profile((Stage(30 * S, 100), Stage(180 * S, 100), Stage(0, 40), Stage(30 * S, 0)))),
            id="stages of VUs, with a step",
        ),
        pytest.param(
            {"rate": "3000/m", "duration": "1m", "max_vus": 7, "arrivals": "poisson"},
            OpenShape(plateau(50, 60), 7, Arrivals.POISSON),
            id="a rate",
        ),
        pytest.param(
            {"rate": "50/s", "duration": "1m"},
            OpenShape(plateau(50, 60), 100),
            id="a rate gets enough VUs for answers of 2 s",
        ),
        pytest.param(
            {"stages": [("10s", "20/s"), ("10s", "0/s")]},
            OpenShape(Profile((Stage(10 * S, 20), Stage(10 * S, 0))), 40),
            id="stages of rates are the open model",
        ),
    ],
)
def test_a_marker_makes_a_shape(marker: dict[str, object], shape: Shape) -> None:
    assert plan_load(marker).shape == shape


def test_a_plan_has_the_seed_and_the_name_of_the_marker() -> None:
    plan = plan_load({"iterations": 1, "seed": "abc", "name": "browse"})
    assert (plan.seed, plan.name, plan.overrides) == ("abc", "browse", ())
    plan = plan_load({"iterations": 1})
    assert (plan.seed, plan.name) == (0, None)


_STAGE = 'a stage with a duration and a target, such as ("30s", 100)'


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        pytest.param(
            {"duraton": "3m"},
            "load: unknown keyword 'duraton' (did you mean 'duration'?); allowed are vus, duration, ramp_up, "
            "ramp_down, stages, iterations, iterations_per_vu, pacing, rate, max_vus, arrivals, "
            "graceful_stop, warm_up, seed, name",
            id="an unknown word, with the nearest known one",
        ),
        pytest.param({"zzz": 1}, "load: unknown keyword 'zzz'; allowed are vus,", id="a word like no other"),
        pytest.param(
            {"rate": "50/s", "vus": 5, "duration": "1m"},
            "load: both models at once: rate (open) does not go with vus (closed); use max_vus= to limit",
            id="both models",
        ),
        pytest.param(
            {"rate": "50/s", "pacing": "1s", "duration": "1m"},
            "load: both models at once: rate (open) does not go with pacing (closed)",
            id="intended starts of both models",
        ),
        pytest.param(
            {"rate": "50/s", "iterations": 5, "iterations_per_vu": 2},
            "rate (open) does not go with iterations, iterations_per_vu (closed)",
            id="a rate and counted iterations",
        ),
        pytest.param(
            {"stages": [("1m", "5/s")], "vus": 3}, "both models at once", id="stages of rates and VUs"
        ),
        pytest.param(
            {"vus": 5, "duration": "1m", "max_vus": 9},
            "load: max_vus needs rate= or stages of rates (open model)",
            id="a limit of the open model in a closed one",
        ),
        pytest.param(
            {"vus": 5, "duration": "1m", "arrivals": "poisson"}, "load: arrivals needs", id="closed arrivals"
        ),
        pytest.param(
            {"stages": [("1m", 5)], "duration": "1m"},
            "load: stages= does not go with duration=",
            id="two times",
        ),
        pytest.param(
            {"stages": [("1m", 5)], "vus": 2, "ramp_up": "1s"},
            "stages= does not go with ramp_up=, vus=",
            id="both",
        ),
        pytest.param(
            {"stages": [("1m", 5)], "rate": "5/s"},
            "stages= does not go with rate=",
            id="VU stages and a rate",
        ),
        pytest.param(
            {"iterations": 5, "iterations_per_vu": 5},
            "load: iterations= does not go with iterations_per_vu=",
            id="two ways of counting",
        ),
        pytest.param(
            {"iterations": 5, "ramp_up": "3s"}, "iterations= does not go with ramp_up=", id="a ramp"
        ),
        pytest.param({"vus": 5}, "load: how long? give duration=, stages=, iterations=", id="no end"),
        pytest.param({}, "load: how long?", id="nothing at all"),
        pytest.param({"rate": "5/s"}, "load: how long?", id="a rate without an end"),
        pytest.param(
            {"duration": "3 minutes"},
            'load: duration: \'3 minutes\' is not a duration such as "500ms", "30s"',
            id="a duration that does not parse",
        ),
        pytest.param({"duration": -1}, "load: duration: -1 is not a duration", id="a negative duration"),
        pytest.param({"duration": 0}, "load: duration: 0 is not a duration above zero", id="no duration"),
        pytest.param({"duration": "1m", "ramp_up": "x"}, "load: ramp_up: 'x' is not a duration", id="a ramp"),
        pytest.param({"vus": 0}, "load: vus: 0 is not a whole number, 1 or more", id="zero VUs"),
        pytest.param({"vus": -3}, "load: vus: -3 is not a whole number, 1 or more", id="negative VUs"),
        pytest.param({"vus": 2.5}, "load: vus: 2.5 is not a whole number", id="half a VU"),
        pytest.param({"vus": True}, "load: vus: True is not a whole number", id="a yes"),
        pytest.param({"iterations": 0}, "load: iterations: 0 is not a whole number", id="zero iterations"),
        pytest.param({"rate": 50}, 'load: rate: 50 is not a rate such as "50/s"', id="a rate of what?"),
        pytest.param({"rate": "0/s"}, "load: rate: '0/s' is not a rate", id="a rate of nothing"),
        pytest.param({"stages": [("30s",)]}, f"load: stages: ('30s',) is not {_STAGE}", id="no target"),
        pytest.param({"stages": ["30s"]}, f"load: stages: '30s' is not {_STAGE}", id="a stage of text"),
        pytest.param({"stages": [{"30s": 1}]}, f"is not {_STAGE}", id="a stage of something else"),
        pytest.param({"stages": [("30s", None)]}, "None is not a whole number, 0 or more", id="target None"),
        pytest.param(
            {"stages": [("30s", -1)]}, "-1 is not a whole number, 0 or more", id="a negative target"
        ),
        pytest.param({"stages": [("soon", 1)]}, "'soon' is not a duration", id="a stage of no time"),
        pytest.param({"stages": [("1m", "0/d")]}, "'0/d' is not a rate", id="a rate of days, even of 0"),
        pytest.param({"stages": [("1m", 5), ("1m", "5/s")]}, "stages of one kind", id="VUs and rates"),
        pytest.param({"stages": []}, "[] is not a list of stages such as", id="no stages"),
        pytest.param({"stages": "1m"}, "'1m' is not a list of stages", id="stages as text"),
        pytest.param(
            {"stages": [("1m", 0)]}, "stages that last and reach a target above zero", id="all idle"
        ),
        pytest.param({"stages": [("0s", 9)]}, "stages that last and reach a target above zero", id="no time"),
        pytest.param(
            {"rate": "1/s", "arrivals": "normal"}, '\'normal\' is not "constant" or "poisson"', id="arrivals"
        ),
        pytest.param({"seed": 1.5}, "load: seed: 1.5 is not a seed: a whole number or a text", id="a seed"),
        pytest.param({"name": ""}, "load: name: '' is not a name: a text", id="no name"),
    ],
)
def test_a_wrong_marker_is_refused_with_the_value_and_what_is_allowed(
    marker: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan_load(marker)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("marker", "layers", "shape", "notes"),
    [
        pytest.param(
            {"vus": 314, "duration": "3m", "ramp_up": "30s", "ramp_down": "30s"},
            [PROFILE],
            ClosedShape(plateau(5, 30)),
            (
                "vus 314 -> 5 (profile local)",
                "duration 3m -> 30s (profile local)",
                "ramp_up 30s -> 0 (profile local)",
                "ramp_down 30s -> 0 (profile local)",
            ),
            id="a profile scales a marker",
        ),
        pytest.param(
            {"vus": 314, "duration": "30s"},
            [PROFILE, Layer("--load-vus", {"vus": "7"})],
            ClosedShape(plateau(7, 30)),
            ("vus 314 -> 7 (--load-vus)",),
            id="a stronger layer wins, and it alone is told of; what changes nothing is not",
        ),
        pytest.param(
            {"vus": 9, "duration": "1m"},
            [Layer("profile p", {"vus": 5}), Layer("--load-vus", {"vus": "9"})],
            ClosedShape(plateau(9, 60)),
            (),
            id="back to the marker's own value",
        ),
        pytest.param(
            {"stages": [("30s", 100), ("2m", 100), ("30s", 0)]},
            [Layer("--load-vus", {"vus": "10"}), Layer("--load-duration", {"duration": "6s"})],
            ClosedShape(Profile((Stage(S, 10), Stage(4 * S, 10), Stage(S, 0)))),
            ("stages scaled to vus 10 (--load-vus)", "stages scaled to duration 6s (--load-duration)"),
            id="stages keep their form",
        ),
        pytest.param(
            {"stages": [("1m", 5)]},
            [Layer("--load-ramp-up", {"ramp_up": "10s"})],
            ClosedShape(Profile((Stage(60 * S, 5),))),
            (),
            id="stages have their own ramps",
        ),
        pytest.param(
            {"vus": 2, "iterations": 10},
            [PROFILE],
            ClosedShape(plateau(5, 600), iterations=10),
            ("vus 2 -> 5 (profile local)",),
            id="counted iterations have no ramps, and their duration is only a limit",
        ),
        pytest.param(
            {"rate": "50/s", "duration": "1m", "max_vus": 8},
            [Layer("--load-vus", {"vus": 3}), Layer("--load-rate", {"rate": "5/s"})],
            OpenShape(plateau(5, 60), 8),
            ("rate 50/s -> 5/s (--load-rate)",),
            id="VUs are the closed model's, a rate is the open one's",
        ),
        pytest.param(
            {"vus": 3, "duration": "1m"},
            [Layer("--load-rate", {"rate": "5/s"})],
            ClosedShape(plateau(3, 60)),
            (),
            id="a rate does not make a closed model open",
        ),
        pytest.param(
            {"stages": [("10s", "20/s"), ("10s", "20/s")]},
            [Layer("--load-rate", {"rate": "60/m"}), Layer("--load-vus", {"vus": 3})],
            OpenShape(Profile((Stage(10 * S, 1), Stage(10 * S, 1))), 10),
            ("stages scaled to rate 60/m (--load-rate)",),
            id="stages of rates",
        ),
        pytest.param(
            {"vus": 3},
            [Layer("--load-duration", {"duration": "5s"})],
            ClosedShape(plateau(3, 5)),
            ("duration 5s (--load-duration)",),
            id="what the marker leaves open",
        ),
    ],
)
def test_layers_override_a_marker_as_far_as_they_go_with_it(
    marker: dict[str, object], layers: list[Layer], shape: Shape, notes: tuple[str, ...]
) -> None:
    assert plan_load(marker, layers) == LoadPlan(shape, overrides=notes)


@pytest.mark.parametrize(
    ("marker", "shape"),
    [
        pytest.param({"vus": 4}, ClosedShape(plateau(4, 10)), id="fill what is left open"),
        pytest.param({}, ClosedShape(plateau(3, 10)), id="fill everything"),
        pytest.param({"duration": "1m"}, ClosedShape(plateau(3, 60)), id="are weaker than the marker"),
        pytest.param(
            {"rate": "2/s"}, OpenShape(plateau(2, 10), 10), id="of a closed model leave an open one"
        ),
        pytest.param(
            {"stages": [("5s", 2)]}, ClosedShape(Profile((Stage(5 * S, 2),))), id="do not scale stages"
        ),
    ],
)
def test_defaults(marker: dict[str, object], shape: Shape) -> None:
    assert plan_load(marker, (), Layer("ini file", {"vus": "3", "duration": "10s"})) == LoadPlan(shape)


def test_an_override_is_stronger_than_a_default() -> None:
    plan = plan_load({"duration": "1m"}, [Layer("--load-vus", {"vus": 9})], Layer("ini file", {"vus": 3}))
    assert plan.shape == ClosedShape(plateau(9, 60))
    assert plan.overrides == ("vus 9 (--load-vus)",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"vus": "0"}, "--x: vus: '0' is not a whole number, 1 or more", id="zero VUs"),
        pytest.param({"duration": "soon"}, "--x: duration: 'soon' is not a duration", id="a duration"),
        pytest.param({"seed": 3}, "--x: 'seed' cannot be overridden; only vus, duration,", id="a seed"),
        pytest.param({"vuss": 3}, "--x: unknown keyword 'vuss' (did you mean 'vus'?)", id="an unknown word"),
    ],
)
def test_a_wrong_layer_is_refused_under_its_own_name(values: dict[str, object], message: str) -> None:
    layer = Layer("--x", values)
    with pytest.raises(ConfigurationError) as checked:
        check_layer(layer)
    with pytest.raises(ConfigurationError) as planned:
        plan_load({"iterations": 1}, [layer])
    assert message in str(checked.value)
    assert str(planned.value) == str(checked.value)


def test_once_is_one_user_and_one_iteration_with_time_for_a_debugger() -> None:
    plan = plan_once(plan_load({"rate": "50/s", "duration": "1m", "seed": 4, "name": "n"}))
    assert isinstance(plan.shape, ClosedShape)
    assert (plan.shape.vus, plan.shape.iterations) == (1, 1)
    assert plan.shape.duration_ns >= 3600 * S
    assert (plan.seed, plan.name) == (4, "n")
    assert plan.overrides == ("1 VU, 1 iteration, no budgets (--load-once)",)
