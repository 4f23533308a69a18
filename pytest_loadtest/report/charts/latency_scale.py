"""The latency axis of a picture: linear or logarithmic, where it ends, its ticks, and where limits fit on it.

Pure arithmetic on seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_loadtest.report.charts import looks
from pytest_loadtest.report.charts.limits import Limit
from pytest_loadtest.report.charts.picture import DURATION_LABEL, Spec

# A spread that a linear axis would show as a flat line and a spike.
_WIDE_SPREAD = 25
# A limit farther away than this would squeeze all that was measured into the lowest quarter.
_FAR = 3
_HEADROOM = 1.06
_FEWEST_TICKS = 3
_MOST_TICKS = 7
_LABEL_PX = 15  # a label's height with some air
_ROOM_PX = 14  # between a limit's line and the top, for its label
_LANES = ("left", "right")  # on a phone a third would overlap them
_NOTHING = (0.001, 1.0)  # of an axis without values


@dataclass(frozen=True, slots=True)
class LatencyScale:
    """An axis from `low` to `high` seconds. `near` limits lie on it, `far` ones above."""

    low: float
    high: float
    is_log: bool
    near: tuple[Limit, ...]
    far: tuple[Limit, ...]

    @classmethod
    def of(cls, values_s: Iterable[float], limits: Sequence[Limit]) -> LatencyScale:
        """An axis for these values."""
        known = [value for value in values_s if value > 0 and math.isfinite(value)]
        low, high = (min(known), max(known)) if known else _NOTHING
        near = tuple(each for each in limits if 0 < each.limit_s <= high * _FAR)
        far = tuple(each for each in limits if each.limit_s > high * _FAR)
        is_log = high / low > _WIDE_SPREAD
        top = max([high, *(each.limit_s for each in near)]) * _HEADROOM
        bottom = min([low, *(each.limit_s for each in near)]) / _HEADROOM if is_log else 0.0
        return cls(bottom, top, is_log, near, far)

    def without(self, limits: Iterable[Limit]) -> LatencyScale:
        """The same axis without limits that the picture has no place for."""
        left_out = list(limits)
        return replace(self, near=tuple(each for each in self.near if each not in left_out))

    def encoding(self, title: str = "latency") -> Spec:
        """What a `y` channel says of it."""
        kind: dict[str, Any] = {"type": "log"} if self.is_log else {"type": "linear", "zero": True}
        return {
            "scale": {**kind, "domain": [self.low, self.high], "nice": False},
            "axis": {
                "title": f"{title}{', log scale' if self.is_log else ''}",
                "labelExpr": DURATION_LABEL,
                **({"values": self.log_ticks()} if self.is_log else {"tickCount": 5}),
            },
        }

    def log_ticks(self) -> list[float]:
        """As many as can be read: 1, 2, 5 of each power of ten, or 1 and 3, or 1 alone."""
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            ticks = [
                float(f"{step}e{exponent}")
                for exponent in exponents
                for step in steps
                if self.low <= float(f"{step}e{exponent}") <= self.high
            ]
            if len(ticks) <= _MOST_TICKS:
                break
        return ticks if len(ticks) >= _FEWEST_TICKS else sorted({self.low, *ticks, self.high})

    def height_px(self, seconds: float) -> float:
        """How far above the axis' foot a value lies."""
        if self.is_log:
            share = math.log(seconds / self.low) / math.log(self.high / self.low)
        else:
            share = (seconds - self.low) / (self.high - self.low)
        return share * looks.HEIGHT

    def lanes(self) -> list[tuple[Limit, str]]:
        """Each near limit with where its label stands: beside that of one too near. "": there is no room."""
        found: list[tuple[Limit, str]] = []
        taken: dict[str, float] = {}
        for limit in sorted(self.near, key=lambda each: each.limit_s):
            foot = self.height_px(limit.limit_s)
            lane = next((each for each in _LANES if foot - taken.get(each, -math.inf) >= _LABEL_PX), "")
            if lane:
                taken[lane] = foot
            found.append((limit, lane))
        return found


def limit_label(scale: LatencyScale, limit: Limit, lane: str, x: Spec) -> Spec:
    """The label of a limit's line. `x` is the channel with its place as `at`."""
    inward = {"left": 4, "center": 0, "right": -4}[lane]
    is_high = scale.height_px(limit.limit_s) > looks.HEIGHT - _ROOM_PX
    channel = {key: value for key, value in x.items() if key != "at"}
    return {
        "data": {"values": [{x["field"]: x["at"], "limit": limit.limit_s, "label": limit.label}]},
        "mark": {"type": "text", "align": lane, "dx": inward, "dy": 9 if is_high else -7, **looks.HALO},
        "encoding": {
            "x": channel,
            "y": {"field": "limit", "type": "quantitative"},
            "text": {"field": "label"},
        },
    }
