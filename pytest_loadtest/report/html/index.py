"""The index of a page: one row per load test, in columns that sort."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate, format_share
from pytest_loadtest.core.wording import short_duration
from pytest_loadtest.report.ranking import rank_of
from pytest_loadtest.results.result import LoadResult

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """A column; `first` is the direction that brings what matters most to the top."""

    title: str
    kind: str = "number"
    first: str = "descending"

    @property
    def is_figure(self) -> bool:
        """Whether it is aligned to the right."""
        return self.kind == "number" and self.title != "verdict"


@dataclass(frozen=True, slots=True)
class IndexCell:
    """A text, and by what it is sorted."""

    text: str
    sort: str
    tone: str = ""
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A load test."""

    anchor: str
    cells: tuple[IndexCell, ...]


COLUMNS = (
    IndexColumn("verdict", first="ascending"),
    IndexColumn("load test", kind="text", first="ascending"),
    IndexColumn("VUs"),
    IndexColumn("ran"),
    IndexColumn("requests"),
    IndexColumn("rate"),
    IndexColumn("p50"),
    IndexColumn("p95"),
    IndexColumn("p99"),
    IndexColumn("errors"),
    IndexColumn("checks", first="ascending"),
)


def anchor_of(number: int) -> str:
    """Where a load test's part begins."""
    return f"load-test-{number}"


def index_of(results: Iterable[LoadResult]) -> list[IndexRow]:
    """All load tests, by verdict."""
    numbered = sorted(enumerate(results, start=1), key=lambda item: rank_of(item[1].state))
    return [IndexRow(anchor_of(number), _cells(result)) for number, result in numbered]


def _cells(result: LoadResult) -> tuple[IndexCell, ...]:
    rate = result.failed_requests / result.count if result.count else math.nan
    latency = result.latency
    times = (latency.p50, latency.p95, latency.p99) if latency.n else (math.nan,) * 3
    return (
        IndexCell(result.state, str(rank_of(result.state)), "page-good" if result.has_passed else "page-bad"),
        IndexCell(result.test, result.test.lower(), is_link=True),
        _figure(result.most_vus, "{:,.0f}".format),
        _figure(result.ran_ns, _ran),
        _figure(result.count, "{:,.0f}".format),
        _figure(result.per_second, format_rate),
        *(_figure(time, format_duration) for time in times),
        _figure(rate, format_share, "page-bad" if result.failed_requests else ""),
        _figure(result.check_share, format_share, "page-bad" if result.check_share < 1 else ""),
    )


def _figure(value: float, text_of: Callable[[float], str], tone: str = "") -> IndexCell:
    """What is unknown is last, whatever the direction."""
    if math.isnan(value):
        return IndexCell(_UNKNOWN, "")
    return IndexCell(text_of(value), f"{value:.6g}", tone)


def _ran(time_ns: float) -> str:
    if time_ns < NS_PER_S:
        return format_duration(time_ns)
    return short_duration(round(time_ns / NS_PER_S) * NS_PER_S)
