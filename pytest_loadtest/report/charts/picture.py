"""What a picture is, and the parts of a Vega-Lite specification that several pictures have.

A specification names its data instead of holding them, so that pictures of the same rows share them. Texts
that a load test's author or its target chose come in as data only, never as expressions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_loadtest.report.charts import looks

Spec = dict[str, Any]

SECONDS = "seconds"  # the rows of the whole load, which several pictures have

# Vega's own formats say "1k" for 1000 s and "500m" for half a second.
DURATION_LABEL = (
    "datum.value == 0 ? '0' : abs(datum.value) < 0.001 ? format(datum.value * 1000000, '~r') + ' µs' : "
    "abs(datum.value) < 1 ? format(datum.value * 1000, '~r') + ' ms' : format(datum.value, ',~r') + ' s'"
)
_HOUR_S = 3600
_MOST_TICKS = 6  # of a time axis; with more than seconds, two would have the same label
_FEW_ROWS = 10


@dataclass(frozen=True, slots=True)
class Hover:
    """What a pointer reads: columns by their titles, of the row it is at. A row is `width` wide along `x`."""

    x: str
    width: float
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its specification, the rows by the name it calls them, and what says the same in words."""

    key: str
    title: str
    note: str
    description: str
    spec: Spec
    datasets: dict[str, Sequence[dict[str, Any]]]
    hover: Hover | None = field(default=None)

    @property
    def complete(self) -> Spec:
        """The specification with its data."""
        return {**self.spec, "datasets": {name: list(rows) for name, rows in self.datasets.items()}}


def framed(layers: Sequence[Spec], data: str, *, columns: int = 4, **more: Any) -> Spec:
    """A whole specification of these layers, the lowest first; `columns` of its legend."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": looks.WIDTH,
        "height": looks.HEIGHT,
        "padding": 4,
        "background": None,
        "config": looks.vega_config(columns),
        "data": {"name": data},
        "layer": list(layers),
        **more,
    }


def time_format(seconds: int) -> str:
    """How moments of a load of this length are written: ``1:30``, ``1:05:00``."""
    return "%-H:%M:%S" if seconds >= _HOUR_S else "%-M:%S"


def time_x() -> Spec:
    """The encoding of the time since the load began, in ms, on the axis that `time_axis` describes."""
    return {"field": "t", "type": "temporal", "scale": {"type": "utc"}}


def time_axis(seconds: int) -> Spec:
    """`time_x` for one of a picture's layers: from the beginning to the end."""
    end_ms = max(1, seconds) * 1000
    return {
        **time_x(),
        # Numbers would become `datetime(ms)`, which Vega's interpreter takes for a year.
        "scale": {"type": "utc", "domain": [{"expr": "0"}, {"expr": f"{end_ms}"}], "nice": False},
        "axis": {
            "title": None,
            "format": time_format(seconds),
            "grid": False,
            "tickCount": min(max(1, seconds), _MOST_TICKS),
            "labelOverlap": True,
        },
    }


def vus_behind(rows: Sequence[Mapping[str, float | None]], seconds: int) -> Spec:
    """The active virtual users as an area in the background, with their axis on the right."""
    steps = _vus_steps(rows, seconds)
    peak = max(step["vus"] for step in steps)
    return {
        "data": {"values": steps},
        "mark": {"type": "area", "interpolate": "step-after", "color": looks.INK, "opacity": looks.FAINT},
        "encoding": {
            "x": time_axis(seconds),
            "y": {
                "field": "vus",
                "type": "quantitative",
                "scale": {"domain": [0, max(1.0, peak) * 1.1], "nice": False},
                "axis": {
                    "title": "virtual users (grey)",
                    "orient": "right",
                    "grid": False,
                    "format": ",d",
                    "tickMinStep": 1,
                    "tickCount": 4,
                },
            },
        },
    }


def _vus_steps(rows: Sequence[Mapping[str, float | None]], seconds: int) -> list[dict[str, float]]:
    """Where their number changes, and the end: without that the last second would have no width."""
    steps: list[dict[str, float]] = []
    for row in rows:
        vus = row["vus"] or 0
        if not steps or steps[-1]["vus"] != vus:
            steps.append({"t": row["t"] or 0, "vus": vus})
    return [*steps, {"t": seconds * 1000, "vus": steps[-1]["vus"] if steps else 0}]


def spans_behind(spans_ns: Iterable[tuple[int, int]], seconds: int) -> Spec:
    """A soft tint where the load was judged."""
    values = [{"t": begin / 1e6, "end": min(end / 1e6, seconds * 1000)} for begin, end in spans_ns]
    return {
        "data": {"values": values},
        "mark": {"type": "rect", "color": looks.BLUE, "opacity": looks.FAINT * 0.7},
        "encoding": {"x": time_x(), "x2": {"field": "end"}},
    }


def lines(fields: Sequence[str], colors: Sequence[str], x: Spec, y: Spec, *, rows: int) -> Spec:
    """Columns as lines, with a legend. Of only few `rows`, each is a point, too: one alone makes no line."""
    points = {"point": {"size": looks.POINT}} if rows <= _FEW_ROWS else {}
    return {
        "transform": [{"fold": list(fields), "as": ["line", "value"]}],
        "mark": {"type": "line", "strokeCap": "round", **points},
        "encoding": {
            "x": x,
            "y": {"field": "value", "type": "quantitative", **y},
            "color": {
                "field": "line",
                "type": "nominal",
                "scale": {"domain": list(fields), "range": list(colors)},
                "legend": {"symbolType": "stroke"},
            },
        },
    }
