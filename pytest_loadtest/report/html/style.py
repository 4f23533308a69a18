"""The style sheets of parts and pages: colours and fonts from `looks`, the rest beside the templates."""

from __future__ import annotations

from functools import cache

from pytest_loadtest.report.charts.looks import COLORS, FONT, MONOSPACE
from pytest_loadtest.report.html.engine import source_of


@cache
def part_style() -> str:
    """For a part in a foreign page. It has that page's colour scheme: light, if it names none."""
    return f".loadtest {{{_variables()}}}\n{source_of('part.css')}"


@cache
def page_style() -> str:
    """For a page of ours."""
    return f":root {{{_variables()}}}\n{source_of('part.css')}\n{source_of('page.css')}"


def _variables() -> str:
    colors = (
        f"--loadtest-{name}: light-dark({shade.light}, {shade.dark});" for name, shade in COLORS.items()
    )
    fonts = (f"--loadtest-font: {FONT};", f"--loadtest-monospace: {MONOSPACE};")
    return "".join([*colors, *fonts])
