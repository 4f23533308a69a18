"""The picture of latencies over time: p50, p95 and p99 of each second, users behind, budgets drawn in."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.report.charts import looks
from pytest_loadtest.report.charts.latency_scale import LatencyScale, limit_label
from pytest_loadtest.report.charts.limits import Limit
from pytest_loadtest.report.charts.picture import (
    SECONDS,
    Hover,
    Picture,
    Spec,
    framed,
    lines,
    spans_behind,
    time_x,
    vus_behind,
)
from pytest_loadtest.report.charts.series import Series

_LINES = tuple(looks.PERCENTILES)


def latency_picture(
    series: Series,
    limits: Sequence[Limit],
    spans_ns: Sequence[tuple[int, int]],
    *,
    kind: str,
    data: str = SECONDS,
    of: str = "",
) -> Picture:
    """Of all requests, or of those named in `of`, with `data` for rows. `kind`: response or service."""
    scale = LatencyScale.of(series.values(*_LINES), limits)
    seconds = series.seconds
    measured = [
        lines(
            _LINES,
            list(looks.PERCENTILES.values()),
            time_x(),
            scale.encoding(f"{kind} time"),
            rows=len(series.rows),
        ),
        *_limit_layers(scale, seconds),
    ]
    layers: list[Spec] = [
        spans_behind(spans_ns, seconds),
        vus_behind(series.rows, seconds),
        {"layer": measured},
    ]
    return Picture(
        key="latency" if data == SECONDS else f"latency-{data}",
        title=f"Latency over time{f': {of}' if of else ''}",
        note=" ".join(_notes(series, scale, spans_ns)),
        description=_description(series, limits, kind, of),
        spec=framed(layers, data, resolve={"scale": {"y": "independent"}}),
        datasets={data: series.rows},
        hover=Hover(
            "t", series.step_s * 1000, {**dict(zip(_LINES, _LINES, strict=True)), "virtual users": "vus"}
        ),
    )


def _limit_layers(scale: LatencyScale, seconds: int) -> list[Spec]:
    middle = {"left": 0.0, "center": seconds * 500.0, "right": seconds * 1000.0}
    layers: list[Spec] = []
    for limit, lane in scale.lanes():
        mark = {"type": "rule", "color": limit.color, "strokeDash": looks.DASH, "strokeWidth": 1.3}
        y = {"field": "limit", "type": "quantitative"}
        layers.append({"data": {"values": [{"limit": limit.limit_s}]}, "mark": mark, "encoding": {"y": y}})
        if lane:
            place = {**time_x(), "at": middle[lane]}
            layers.append(limit_label(scale, limit, lane, place))
    return layers


def _notes(series: Series, scale: LatencyScale, spans_ns: Sequence[tuple[int, int]]) -> list[str]:
    notes = []
    if series.is_thinned:
        notes.append(f"Each point is the worst second of {series.step_s}.")
    if scale.far:
        notes.append(f"Above the picture: {', '.join(each.told for each in scale.far)}.")
    if unnamed := [limit.label for limit, lane in scale.lanes() if not lane]:
        notes.append(f"Lines without a label: {', '.join(unnamed)}.")
    if spans_ns:
        notes.append("Judged: the tinted part.")
    return notes


def _description(series: Series, limits: Sequence[Limit], kind: str, of: str) -> str:
    subject = f"{kind} times{f' of {of}' if of else ''} in each of {series.seconds} seconds"
    known = {name: series.values(name) for name in _LINES}
    if not known["p50"]:
        return f"No {subject} were measured."
    ranges = "; ".join(
        f"{name} between {_time(min(values))} and {_time(max(values))}" for name, values in known.items()
    )
    budgets = "; ".join(f"budget {each.told}" for each in limits)
    users = f"at most {series.peak('vus'):,.0f} virtual users"
    return f"{subject[0].upper()}{subject[1:]}: {ranges}; {users}{f'; {budgets}' if budgets else ''}."


def _time(seconds: float) -> str:
    return format_duration(seconds * NS_PER_S)
