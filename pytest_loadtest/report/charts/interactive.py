"""A still picture's specification as one that answers: hover shows figures, Ctrl and the wheel zoom.

Every expression is of the kind that Vega's interpreter runs, so that a page need not allow `eval`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from pytest_loadtest.report.charts import looks
from pytest_loadtest.report.charts.picture import Picture, Spec, time_format, time_x

_DURATIONS = frozenset({"p50", "p95", "p99", "latency"})
_TEXTS = frozenset({"line"})
_POINT = "hovered"


def interactive(picture: Picture) -> Spec:
    """The specification without data: as wide as its place, with what a pointer needs."""
    spec = deepcopy(picture.spec)
    spec["width"] = "container"
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    for layer in _units(spec["layer"]):
        layer["mark"]["clip"] = layer["mark"]["type"] != "text"
    if picture.hover is not None:
        spec["layer"].append(_pointer(picture))
    return spec


def _units(layers: list[Spec]) -> list[Spec]:
    found: list[Spec] = []
    for layer in layers:
        found += _units(layer["layer"]) if "layer" in layer else [layer]
    return found


def _pointer(picture: Picture) -> Spec:
    """Unseen columns, one a row: that under the pointer shows itself and its figures. Zoom is along x."""
    hover = picture.hover
    assert hover is not None
    is_time = hover.x == "t"
    rows = picture.datasets[picture.spec["data"]["name"]]
    told = {"time": _text_of_time(rows)} if is_time else {}
    told |= {title: _text_of(column) for title, column in hover.columns.items()}
    fields = {title: f"shown{n}" for n, title in enumerate(told)}
    return {
        "transform": [
            *_of_one_line(rows),
            {"calculate": f"datum[{hover.x!r}] + {hover.width}", "as": "end"},
            *({"calculate": expression, "as": fields[title]} for title, expression in told.items()),
        ],
        "params": [
            {"name": _POINT, "select": {"type": "point", "on": "pointerover", "clear": "pointerout"}},
            {"name": "zoom", "select": _zoom(), "bind": "scales"},
        ],
        "mark": {"type": "rect", "color": looks.INK, "clip": True},
        "encoding": {
            "x": time_x() if is_time else {"field": hover.x, "type": "quantitative"},
            "x2": {"field": "end"},
            "opacity": {"condition": {"param": _POINT, "empty": False, "value": looks.FAINT}, "value": 0},
            "tooltip": [
                {"field": column, "title": title, "type": "nominal"} for title, column in fields.items()
            ],
        },
    }


def _of_one_line(rows: Sequence[dict[str, Any]]) -> list[Spec]:
    """Where rows of several lines share an x, those of the first: that of all requests."""
    names = list(dict.fromkeys(row["line"] for row in rows if "line" in row))
    return [{"filter": {"field": "line", "equal": names[0]}}] if len(names) > 1 else []


def _zoom() -> dict[str, Any]:
    """With a key, as the wheel alone scrolls the page."""
    return {
        "type": "interval",
        "encodings": ["x"],
        "zoom": "wheel![event.ctrlKey || event.metaKey || event.shiftKey]",
        "translate": "[pointerdown, window:pointerup] > window:pointermove!",
    }


def _text_of_time(rows: Sequence[dict[str, Any]]) -> str:
    seconds = max((row["t"] for row in rows), default=0) // 1000
    return f"utcFormat(datum.t, '{time_format(seconds)}')"


def _text_of(column: str) -> str:
    value = f"datum[{column!r}]"
    if column in _TEXTS:
        return value
    if column == "nines":
        return f"format(100 - 100 * pow(10, -{value}), '.4~r') + '%'"
    if column in _DURATIONS:
        shown = f"{value} < 1 ? format({value} * 1000, '.4~r') + ' ms' : format({value}, '.4~r') + ' s'"
    else:
        shown = f"format({value}, ',.4~r')"
    return f"isValid({value}) ? {shown} : '-'"
