"""What a load was asked to do, as plain values: the words of its marker after all overrides, in seconds.

Owns which words a result keeps. It knows no markers: the plan has read them.
"""

from __future__ import annotations

from typing import Any

from pytest_loadtest.core.plan import LoadPlan
from pytest_loadtest.core.shape import OpenShape, Shape
from pytest_loadtest.core.units import NS_PER_S


def configuration_of(plan: LoadPlan, shape: Shape) -> dict[str, Any]:
    """The words of the load that was run: `shape` may be longer than planned. None: not given.

    `stages` are [seconds, level] with the level of `start` before the first; a level is a number of users, in
    the open model a rate per second. `vus` are the most users, `rate` is the highest rate.
    """
    return {
        **_OF_NO_MODEL,
        "model": "open" if isinstance(shape, OpenShape) else "closed",
        "vus": shape.vus,
        "duration": shape.duration_ns / NS_PER_S,
        "start": float(shape.profile.start),
        "stages": [[each.duration_ns / NS_PER_S, float(each.target)] for each in shape.profile.stages],
        "graceful_stop": shape.graceful_stop_ns / NS_PER_S,
        "warm_up": _seconds(plan.warm_up_ns),
        "seed": plan.seed,
        **_of_model(shape),
    }


_OF_NO_MODEL: dict[str, Any] = dict.fromkeys(
    ("rate", "arrivals", "iterations", "iterations_per_vu", "pacing"),
)


def _of_model(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, OpenShape):
        return {"rate": float(shape.profile.peak), "arrivals": str(shape.arrivals)}
    return {
        "iterations": shape.iterations,
        "iterations_per_vu": shape.iterations_per_vu,
        "pacing": _seconds(shape.pacing_ns),
    }


def _seconds(time_ns: int | None) -> float | None:
    return None if time_ns is None else time_ns / NS_PER_S
