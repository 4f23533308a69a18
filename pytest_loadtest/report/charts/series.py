"""A load's timeline as the rows of a picture: one per second, or per piece of time when there are too many.

A piece has the worst of its seconds: the highest latencies, failures, queue; of requests, whose dips matter
as much as their peaks, the mean. The histograms of all seconds are unpacked once, which is what takes time
(30 us each), and merged by name over the judged seconds as well. It knows no chart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.report.charts.looks import PERCENTILES
from pytest_loadtest.results.timeline import RequestTimeline, Timeline

# More than a point for every second pixel of a picture shows nothing more; 300 rows take 25 kB.
MOST_POINTS = 300
_DIGITS = 4  # a bucket of a histogram is 0.4 % wide
_MS_PER_S = 1000
_SHARES = {name: int(name[1:]) / 100 for name in PERCENTILES}

Row = dict[str, float | None]
Column = list[float | None]
Join = Callable[[Iterable[float]], float]


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of `t` (ms since the load began), `p50` `p95` `p99` (s), `requests` and `failed` (per second),
    `vus`, `queued`, `dropped` (per second). None: nothing was measured. A row stands for `step_s` seconds.

    `judged` is each name's latencies of the judged seconds, `judged_dropped` what was dropped in them.
    """

    rows: tuple[Row, ...]
    step_s: int
    seconds: int
    judged: dict[str, Histogram]
    judged_dropped: int

    @property
    def is_thinned(self) -> bool:
        """Whether a row is of more than one second."""
        return self.step_s > 1

    def values(self, *keys: str) -> list[float]:
        """All that is known of some columns."""
        return [value for row in self.rows for key in keys if (value := row[key]) is not None]

    def peak(self, key: str) -> float:
        """The highest of a column, 0 if it has none."""
        return max(self.values(key), default=0.0)


def series_of(
    timeline: Timeline,
    spans_ns: Sequence[tuple[int, int]],
    ran_ns: int,
    names: Sequence[RequestTimeline] | None = None,
) -> Series:
    """The whole load, or only some of its requests."""
    requests = timeline.requests if names is None else names
    seconds = timeline.seconds
    judged = judged_seconds(spans_ns, seconds)
    percentiles, by_name = _latencies(requests, seconds, judged)
    columns: dict[str, Column] = {
        **percentiles,
        "requests": _of_whole_seconds(_total([each.finished for each in requests], seconds), ran_ns),
        "failed": _of_whole_seconds(
            _total([each.failed for each in requests], seconds), ran_ns, keeps_counts=True
        ),
        "vus": list(timeline.vus),
        "queued": list(timeline.queued),
        "dropped": list(timeline.iterations_dropped),
    }
    step = max(1, math.ceil(seconds / MOST_POINTS))
    dropped = sum(timeline.iterations_dropped[second] for second in judged)
    return Series(_rows(columns, seconds, step), step, seconds, by_name, dropped)


def judged_seconds(spans_ns: Sequence[tuple[int, int]], seconds: int) -> frozenset[int]:
    """Those that lie wholly in the judged part; all of them if none does."""
    inside = frozenset(
        second
        for begin, end in spans_ns
        for second in range(-(-begin // NS_PER_S), end // NS_PER_S)
        if second < seconds
    )
    return inside or frozenset(range(seconds))


def _latencies(
    requests: Sequence[RequestTimeline], seconds: int, judged: frozenset[int]
) -> tuple[dict[str, Column], dict[str, Histogram]]:
    columns: dict[str, Column] = {name: [] for name in _SHARES}
    by_name = {each.name: Histogram() for each in requests}
    for second in range(seconds):
        latency = Histogram()
        for each in requests:
            if text := each.latencies[second]:
                sparse = SparseHistogram.decode(text)
                latency.merge_sparse(sparse)
                if second in judged:
                    by_name[each.name].merge_sparse(sparse)
        for name, share in _SHARES.items():
            columns[name].append(rounded(latency.quantile(share) / NS_PER_S) if latency.n else None)
    return columns, by_name


def _of_whole_seconds(column: Column, ran_ns: int, *, keeps_counts: bool = False) -> Column:
    """Without what would look like a fall at the end: a second that was only begun; of what is never left
    out, such as failures, a count in it stays.
    """
    whole = ran_ns // NS_PER_S
    begun = column[whole:]
    return column[:whole] + [value or None if keeps_counts else None for value in begun] if whole else column


def _total(columns: Iterable[tuple[int, ...]], seconds: int) -> Column:
    totals = [0] * seconds
    for column in columns:
        for second, value in enumerate(column):
            totals[second] += value
    return list(totals)


def _rows(columns: dict[str, Column], seconds: int, step: int) -> tuple[Row, ...]:
    thinned = {key: _thinned(column, step, _JOINS.get(key, max)) for key, column in columns.items()}
    return tuple(
        {"t": second * _MS_PER_S, **{key: column[n] for key, column in thinned.items()}}
        for n, second in enumerate(range(0, seconds, step))
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return rounded(sum(listed) / len(listed))


_JOINS: dict[str, Join] = {"requests": _mean}


def _thinned(column: Column, step: int, join: Join) -> Column:
    pieces = (column[first : first + step] for first in range(0, len(column), step))
    known = ([value for value in piece if value is not None] for piece in pieces)
    return [join(values) if values else None for values in known]


def rounded(value: float) -> float:
    """With as many digits as a measured time has."""
    return float(f"{value:.{_DIGITS}g}")
