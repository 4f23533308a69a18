"""A load test's part of a report: verdict, pictures, tables, errors with samples, notes.

The same in pytest-html's rows and in the page of a run. It knows neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate, format_share
from pytest_loadtest.report.charts.interactive import interactive
from pytest_loadtest.report.charts.picture import Picture
from pytest_loadtest.report.charts.pictures import pictures_of
from pytest_loadtest.report.charts.svg import can_draw, svg_of
from pytest_loadtest.report.failure import authentication_line, headline
from pytest_loadtest.report.html.engine import rendered
from pytest_loadtest.report.html.tables import tables_of, verdict_table
from pytest_loadtest.results.result import LoadResult

MOST_GROUPS = 20  # of errors, and of failures
MOST_SAMPLE = 4000  # characters of an error's sample, and of a traceback: enough to see what it is
HOW_TO_DRAW = "Pictures are drawn when vl-convert is installed: pip install 'pytest-loadtest[html]'"
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, drawn."""

    picture: Picture
    svg: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """A load test's part as HTML, and the pictures in it."""

    html: Markup
    pictures: tuple[Picture, ...]

    @property
    def chart_data(self) -> dict[str, Any]:
        """What scripts need to draw the pictures anew."""
        datasets = {name: rows for picture in self.pictures for name, rows in picture.datasets.items()}
        return {
            "datasets": datasets,
            "specs": {picture.key: interactive(picture) for picture in self.pictures},
        }


def part_of(result: LoadResult) -> Part:
    """The part of one load test; without pictures where nothing can draw them."""
    pictures = tuple(pictures_of(result)) if can_draw() else ()
    figures, failed = _drawn(pictures)
    html = rendered(
        "part.html.jinja",
        result=result,
        tone=tone_of(result),
        headline="" if result.has_passed else headline(result),
        facts=list(_facts(result)),
        figures=figures,
        about_pictures=failed if can_draw() else HOW_TO_DRAW,
        verdicts=verdict_table(result),
        tables=tables_of(result),
        most_groups=MOST_GROUPS,
        most_sample=MOST_SAMPLE,
        authentication=authentication_line(result.authentication) if result.authentication else "",
    )
    return Part(Markup(html), tuple(figure.picture for figure in figures))


def _drawn(pictures: Sequence[Picture]) -> tuple[list[Figure], str]:
    """The pictures, and what to say of those that could not be drawn: no report is lost for a picture."""
    figures, failed = [], []
    for picture in pictures:
        try:
            figures.append(Figure(picture, Markup(svg_of(picture))))  # an XML library has escaped its texts
        except ValueError as error:  # what vl-convert raises
            failed.append(f"{picture.title} could not be drawn: {str(error).splitlines()[-1]}")
    return figures, " ".join(failed)


def tone_of(result: LoadResult) -> str:
    """How its verdict is coloured."""
    return "good" if result.has_passed else "bad"


def _facts(result: LoadResult) -> Iterator[tuple[str, str]]:
    """The main figures, each with its name."""
    latency = result.latency
    kind = "response" if result.open_model else "service"
    if latency.n:
        for name, value in (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99)):
            yield f"{name} {kind} time", format_duration(value)
    yield "requests", f"{result.count:,} ({format_rate(result.per_second)})"
    if result.count:
        yield "failed", f"{result.failed_requests:,} ({format_share(result.failed_requests / result.count)})"
    yield "iterations", _iterations(result)
    yield "most virtual users", f"{result.most_vus:,}"
    yield "VU minutes", f"{result.vu_seconds / _MINUTE_S:,.1f}"
    yield "ran", _length(result.ran_ns)
    if result.was_judged and result.steady_ns != result.ran_ns:
        yield "judged", _length(result.steady_ns)
    if result.stall_share is not None:
        yield "time stalled", format_share(result.stall_share)


def _iterations(result: LoadResult) -> str:
    counts = {
        "failed": result.failed_iterations,
        "interrupted": result.interrupted,
        "dropped": result.dropped,
    }
    told = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    return f"{result.iterations:,} ({told})" if told else f"{result.iterations:,}"


def _length(time_ns: int) -> str:
    return format_duration(round(time_ns / NS_PER_S, 1) * NS_PER_S)
