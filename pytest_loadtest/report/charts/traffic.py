"""The pictures of traffic over time: requests and failures; in the open model, what waited or was dropped."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_loadtest.core.units import format_rate
from pytest_loadtest.report.charts import looks
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

_HEADROOM = 1.06


def traffic_picture(series: Series, spans_ns: Sequence[tuple[int, int]]) -> Picture:
    """Requests that finished and requests that failed, per second."""
    layers = _layers(series, spans_ns, {"requests": looks.BLUE, "failed": looks.VERMILLION}, "per second")
    thinned = f"Each point is {series.step_s} seconds: their mean of requests, their worst of failed ones."
    return Picture(
        key="traffic",
        title="Requests and errors over time",
        note=" ".join([thinned if series.is_thinned else "", _failed_note(series)]).strip(),
        description=_traffic_description(series),
        spec=framed(layers, SECONDS, resolve={"scale": {"y": "independent"}}),
        datasets={SECONDS: series.rows},
        hover=Hover(
            "t",
            series.step_s * 1000,
            {"requests/s": "requests", "failed/s": "failed", "virtual users": "vus"},
        ),
    )


def queue_picture(series: Series, spans_ns: Sequence[tuple[int, int]]) -> Picture | None:
    """Arrivals that waited for a user, and those that were dropped; None if every one could start."""
    if not series.peak("queued") and not series.peak("dropped"):
        return None
    layers = _layers(series, spans_ns, {"queued": looks.PURPLE, "dropped": looks.VERMILLION}, "iterations")
    return Picture(
        key="queue",
        title="Iterations that waited or were dropped",
        note=f"Each point is the worst second of {series.step_s}." if series.is_thinned else "",
        description=(
            f"At most {series.peak('queued'):,.0f} iterations waited for a virtual user at one time; "
            f"at most {series.peak('dropped'):,.0f} were dropped in one second."
        ),
        spec=framed(layers, SECONDS, resolve={"scale": {"y": "independent"}}),
        datasets={SECONDS: series.rows},
        hover=Hover(
            "t", series.step_s * 1000, {"queued": "queued", "dropped/s": "dropped", "virtual users": "vus"}
        ),
    )


def _layers(
    series: Series, spans_ns: Sequence[tuple[int, int]], columns: dict[str, str], title: str
) -> list[Spec]:
    seconds = series.seconds
    top = max(1.0, *(series.peak(column) for column in columns)) * _HEADROOM
    y: Spec = {
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": title, "format": ",~r", "tickCount": 5, "tickMinStep": 1},
    }
    return [
        spans_behind(spans_ns, seconds),
        vus_behind(series.rows, seconds),
        lines(list(columns), list(columns.values()), time_x(), y, rows=len(series.rows)),
    ]


def _failed_note(series: Series) -> str:
    return "" if series.peak("failed") else "No request failed."


def _traffic_description(series: Series) -> str:
    requests = series.values("requests")
    if not requests:
        return "No second was measured."
    mean = sum(requests) / len(requests)
    failed = (
        f"at most {series.peak('failed'):,.0f} failed in one second"
        if series.peak("failed")
        else "none failed"
    )
    return f"{format_rate(mean)} requests on average, at most {format_rate(max(requests))}; {failed}."
