"""Shapes and durations in words."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.plan import plan_load
from pytest_loadtest.core.wording import shape_in_words, short_duration

S = 1_000_000_000


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        pytest.param({"vus": 157, "duration": "3m"}, "157 VUs, 3m", id="a plateau"),
        pytest.param({"duration": "90s"}, "1 VU, 1m30s", id="one user"),
        pytest.param(
            {"vus": 5, "duration": "3m", "ramp_up": "30s", "ramp_down": "10s"},
            "5 VUs, 3m, ramps 30s up and 10s down",
            id="ramps come on top of the time",
        ),
        pytest.param({"vus": 2, "iterations": 100}, "2 VUs, 100 iterations", id="shared iterations"),
        pytest.param({"vus": 2, "iterations": 1}, "2 VUs, 1 iteration", id="one iteration"),
        pytest.param({"vus": 2, "iterations_per_vu": 3}, "2 VUs, 3 iterations each", id="iterations each"),
        pytest.param(
            {"stages": [("30s", 9), ("1m", 9), ("30s", 0)]},
            "9 VUs, 1m, ramps 30s up and 30s down",
            id="stages of one level",
        ),
        pytest.param(
            {"stages": [("30s", 9), ("1m", 4), ("30s", 4)]},
            "0 to 9 to 4 VUs, 2m",
            id="stages of several levels",
        ),
        pytest.param({"stages": [("1m", 1)]}, "0 to 1 VUs, 1m", id="nothing but a ramp"),
        pytest.param({"vus": 2, "duration": 5, "ramp_down": 1}, "2 VUs, 5s, ramp 1s down", id="one ramp"),
        pytest.param({"stages": [("0s", 3), ("1m", 3)]}, "3 VUs, 1m", id="a step to a level"),
        pytest.param(
            {"vus": 10, "duration": "10s", "pacing": "100ms"},
            "10 VUs, 10s, an iteration every 100ms each",
            id="paced users",
        ),
        pytest.param(
            {"iterations": 5, "pacing": "1m30s"},
            "1 VU, 5 iterations, an iteration every 1m30s",
            id="one paced user",
        ),
        pytest.param(
            {"rate": "50/s", "duration": "1m"}, "50/s, at most 100 VUs, 1m", id="a constant rate of arrivals"
        ),
        pytest.param(
            {"rate": "30/m", "duration": "1m", "arrivals": "poisson", "max_vus": 1},
            "0.5/s, Poisson arrivals, at most 1 VU, 1m",
            id="random arrivals",
        ),
        pytest.param(
            {"stages": [("1m", "5/s"), ("1m", "10/s"), ("1m", "0/s")], "max_vus": 3},
            "0/s to 5/s to 10/s to 0/s, at most 3 VUs, 3m",
            id="stages of rates",
        ),
    ],
)
def test_a_shape_in_words(marker: dict[str, object], words: str) -> None:
    assert shape_in_words(plan_load(marker).shape) == words


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        pytest.param(0, "0s", id="nothing"),
        pytest.param(S // 2, "0.5s", id="less than a second"),
        pytest.param(30 * S, "30s", id="seconds"),
        pytest.param(60 * S, "1m", id="a minute without seconds"),
        pytest.param(5400 * S, "1h30m", id="hours and minutes"),
        pytest.param(3605 * S, "1h5s", id="hours and seconds"),
        pytest.param(S // 1000, "0.001s", id="a millisecond"),
    ],
)
def test_a_short_duration_reads_as_one_types_it(nanoseconds: int, text: str) -> None:
    assert short_duration(nanoseconds) == text
