"""How every picture and page looks: colours, type, spacing, sizes. Chosen here and nowhere else.

The hues are those of Okabe and Ito ("Color Universal Design", 2008), which people with any kind of colour
vision tell apart. Each has a shade for light pages and one for dark ones, with a contrast of 3:1 or more on
its page (WCAG 1.4.11); text and thin lines are `currentColor`. Pictures name the colours as CSS variables,
which the page defines, and fall back to the light shade. It knows no result.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Shades(NamedTuple):
    """One colour on a light page, and on a dark one."""

    light: str
    dark: str


COLORS = {
    "page": Shades("#ffffff", "#16181d"),
    "panel": Shades("#f4f5f7", "#22252c"),
    "text": Shades("#1b1f24", "#e6e8eb"),
    "muted": Shades("#59616b", "#a3abb6"),  # 6.2:1 and 7.5:1
    "border": Shades("#d5d9de", "#3a3f48"),
    "blue": Shades("#0072b2", "#56b4e9"),
    "green": Shades("#00875f", "#2bbd8e"),
    "vermillion": Shades("#c45200", "#ee7f2d"),
    "purple": Shades("#a8507f", "#d78fb6"),
    "good": Shades("#00714f", "#2bbd8e"),  # of text: 4.5:1
    "bad": Shades("#b23a00", "#f5935a"),
}


def color(name: str) -> str:
    """A colour as pictures name it."""
    return f"var(--loadtest-{name}, {COLORS[name].light})"


BLUE = color("blue")  # the percentile that most budgets are about
GREEN = color("green")
VERMILLION = color("vermillion")  # failures, and the slowest
PURPLE = color("purple")
PAGE = color("page")
INK = "currentColor"

PERCENTILES = {"p50": GREEN, "p95": BLUE, "p99": VERMILLION}
NAMES = (BLUE, GREEN, VERMILLION, PURPLE)

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
MONOSPACE = "ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace"
TEXT_PX = 12
SMALL_PX = 11

# The plot itself. With axes a picture is some 620 wide: two stand side by side on a desktop's page, and on
# a phone's 360 px the scripts draw it anew; without scripts its text is still 6 px high there.
WIDTH = 520
HEIGHT = 190
LINE = 1.6
THIN_LINE = 1.1
POINT = 30  # square pixels
LONGEST_NAME = 26  # characters: three such names stand side by side in a legend

FAINT = 0.1  # areas behind: users, the judged part
HALO = {"stroke": PAGE, "strokeWidth": 3}  # of page around a text that stands on lines
DASH = [5, 3]


def vega_config(legend_columns: int) -> dict[str, Any]:
    """What Vega-Lite's `config` says for every picture."""
    text = {"labelFontSize": SMALL_PX, "titleFontSize": SMALL_PX, "titleFontWeight": "normal"}
    inked = {"labelColor": INK, "titleColor": INK, "labelFont": "sans-serif", "titleFont": "sans-serif"}
    return {
        "aria": False,
        "view": {"stroke": None},
        "axis": {
            **text,
            **inked,
            "domainColor": INK,
            "domainOpacity": 0.4,
            "gridColor": INK,
            "gridOpacity": FAINT,
            "labelFlush": False,
            "labelPadding": 5,
            "tickColor": INK,
            "tickOpacity": 0.4,
            "titlePadding": 8,
        },
        "legend": {
            **text,
            **inked,
            "columnPadding": 18,
            "columns": legend_columns,
            "labelLimit": 0,
            "offset": 6,
            "orient": "top",
            "symbolSize": 120,
            "symbolStrokeWidth": 2.5,
            "title": None,
        },
        "line": {"strokeWidth": LINE, "strokeJoin": "round"},
        "text": {"color": INK, "font": "sans-serif", "fontSize": SMALL_PX},
    }
