"""The picture of the latency distribution: each percentile's latency, with room for the high percentiles.

x is the number of nines, -log10(1 - q): 90 %, 99 % and 99.9 % are as far apart from one another, so that the
tail, which budgets are about, takes as much of the picture as the rest. It ends where one value is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.report.charts import looks
from pytest_loadtest.report.charts.latency_scale import LatencyScale, limit_label
from pytest_loadtest.report.charts.limits import Limit
from pytest_loadtest.report.charts.picture import Hover, Picture, Spec, framed
from pytest_loadtest.report.charts.series import Series, rounded
from pytest_loadtest.report.names import shortened

ALL = "all requests"
_STEP = 0.025  # nines between two points: 40 a decade
_FEWEST_VALUES = 100  # of a name whose curve tells anything
_SHORTEST = 1.0  # nines that the axis has at least: of a load of ten requests
_MOST_NAMES = len(looks.NAMES) - 1
_SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)
_LABELLED = {nines: share for share in _SHARES for nines in [round(-math.log10(1 - share), 4)]}
_PADDING = {"left": 4, "top": 4, "right": 22, "bottom": 4}  # of the last label, which stands at the end
_TOLD = (0.5, 0.9, 0.95, 0.99, 0.999)


def nines_of(share: float) -> float:
    """Where a percentile lies on the axis."""
    return -math.log10(1 - share)


def distribution_picture(
    series: Series, limits: Sequence[Limit], *, kind: str, is_judged: bool = True
) -> Picture | None:
    """Of all requests of the judged seconds, and of the slowest names; None if none had a latency. Of a load
    that was not judged, all seconds are.
    """
    everything = Histogram()
    for histogram in series.judged.values():
        everything.merge(histogram)
    if not everything.n:
        return None
    curves = {ALL: curve(everything, series.judged_dropped)}
    curves |= {shown: curve(series.judged[name]) for name, shown in _slowest(series.judged).items()}
    points = [point for curved in curves.values() for point in curved]
    scale = LatencyScale.of([point["latency"] for point in points], limits)
    end = max(point["nines"] for point in points)
    scale = scale.without(each for each in limits if nines_of(each.share) > end)
    return Picture(
        key="distribution",
        title="Latency distribution",
        note=" ".join(_notes(scale, series.judged_dropped, is_judged=is_judged)),
        description=_description(everything, kind, limits),
        spec=framed(
            [_curves(list(curves), scale, end, kind), *_limits(scale, end)],
            "distribution",
            columns=2,
            padding=_PADDING,
        ),
        datasets={"distribution": _rows(curves)},
        hover=Hover("nines", _STEP, {"percentile": "nines", "latency": "latency", "of": "line"}),
    )


def curve(histogram: Histogram, beyond: int = 0) -> list[dict[str, float]]:
    """Points from the lowest percentile to the slowest value; it stops where `beyond` values have no end."""
    total = histogram.n + beyond
    end = math.log10(total)
    points = []
    for nines in (*(n * _STEP for n in range(math.ceil(end / _STEP))), end):
        share = 1.0 if nines == end else 1 - 10**-nines
        latency = histogram.quantile(share, beyond=beyond)
        if math.isinf(latency):
            break
        points.append({"nines": round(nines, 3), "latency": rounded(latency / NS_PER_S)})
    return points


def _rows(curves: Mapping[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    return [{"line": name, **point} for name, points in curves.items() for point in points]


def _slowest(by_name: Mapping[str, Histogram]) -> dict[str, str]:
    """The names with the highest p95, and as they are shown; none if there is only one."""
    told = [name for name, histogram in by_name.items() if histogram.n >= _FEWEST_VALUES]
    if len(by_name) < 2:
        return {}
    slowest = sorted(told, key=lambda name: -by_name[name].quantile(0.95))[:_MOST_NAMES]
    shown: dict[str, str] = {}
    for name in slowest:
        short = shortened(name, looks.LONGEST_NAME)
        if short not in shown.values() and short != ALL:
            shown[name] = short
    return shown


def _curves(names: Sequence[str], scale: LatencyScale, end: float, kind: str) -> Spec:
    end = max(end, _SHORTEST)
    ticks = {nines: share for nines, share in _LABELLED.items() if nines <= end}
    labels = " : ".join(f"datum.value == {nines} ? '{_percent(share)}'" for nines, share in ticks.items())
    legend = {"symbolType": "stroke"} if len(names) > 1 else None
    return {
        "mark": {"type": "line", "interpolate": "step-before"},
        "encoding": {
            "x": {
                "field": "nines",
                "type": "quantitative",
                "scale": {"domain": [0, end], "nice": False},
                "axis": {
                    "title": "percentile",
                    "values": list(ticks),
                    "labelExpr": f"{labels} : ''",
                },
            },
            "y": {"field": "latency", "type": "quantitative", **scale.encoding(f"{kind} time")},
            "color": {
                "field": "line",
                "type": "nominal",
                "scale": {"domain": list(names), "range": [looks.INK, *looks.NAMES][: len(names)]},
                "legend": legend,
            },
            "strokeWidth": {
                "condition": {"test": f"datum.line === '{ALL}'", "value": looks.LINE * 1.4},
                "value": looks.THIN_LINE,
            },
        },
    }


def _limits(scale: LatencyScale, end: float) -> list[Spec]:
    """Up to its percentile, no latency may lie above a limit."""
    middle = {"left": 0.0, "center": end / 2, "right": end}
    layers: list[Spec] = []
    for limit, lane in scale.lanes():
        values = [{"zero": 0, "nines": round(nines_of(limit.share), 4), "limit": limit.limit_s}]
        x = {"field": "nines", "type": "quantitative"}
        y = {"field": "limit", "type": "quantitative"}
        line = {"type": "rule", "strokeDash": looks.DASH, "strokeWidth": 1.3, "color": looks.INK}
        corner = {"type": "point", "shape": "triangle-down", "filled": True, "size": 60, "color": looks.INK}
        up_to = {"x": {**x, "field": "zero"}, "x2": {"field": "nines"}, "y": y}
        layers.append({"data": {"values": values}, "mark": line, "encoding": up_to})
        layers.append({"data": {"values": values}, "mark": corner, "encoding": {"x": x, "y": y}})
        if lane:
            place = {"field": "nines", "type": "quantitative", "at": middle[lane]}
            layers.append(limit_label(scale, limit, lane, place))
    return layers


def _percent(share: float) -> str:
    return f"{share * 100:.6g}%"


def _notes(scale: LatencyScale, dropped: int, *, is_judged: bool) -> list[str]:
    notes = ["Of the judged part." if is_judged else "Of the whole run: nothing was judged."]
    if scale.far:
        notes.append(f"Above the picture: {', '.join(each.told for each in scale.far)}.")
    if dropped:
        notes.append(f"{dropped:,} dropped iterations never had an answer: the curve ends where they begin.")
    return notes


def _description(histogram: Histogram, kind: str, limits: Sequence[Limit]) -> str:
    figures: list[Any] = [
        f"p{share * 100:.4g} {format_duration(histogram.quantile(share))}"
        for share in _TOLD
        if histogram.n * (1 - share) >= 1
    ]
    budgets = "; ".join(f"budget {each.told}" for each in limits)
    told = ", ".join([*figures, f"slowest {format_duration(histogram.max)}"])
    return f"{histogram.n:,} {kind} times: {told}{f'; {budgets}' if budgets else ''}."
