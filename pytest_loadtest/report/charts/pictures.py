"""Which pictures a load test has, in the order they are shown."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_loadtest.core.metrics import name_matches
from pytest_loadtest.report.charts.distribution import distribution_picture
from pytest_loadtest.report.charts.latency import latency_picture
from pytest_loadtest.report.charts.limits import limits_of, scoped_patterns
from pytest_loadtest.report.charts.picture import Picture
from pytest_loadtest.report.charts.series import series_of
from pytest_loadtest.report.charts.traffic import queue_picture, traffic_picture
from pytest_loadtest.report.names import shortened
from pytest_loadtest.results.result import LoadResult

# Requests with budgets of their own have a picture each; with more of them, the page would be nothing else.
MOST_SCOPED = 4
_LONGEST_TITLE = 60


def pictures_of(result: LoadResult) -> list[Picture]:
    """All pictures of a load; none if it never ran a second."""
    if not result.timeline.seconds:
        return []
    judged = result.was_judged
    latency_spans, steady_spans = (result.latency_spans, result.steady_spans) if judged else ((), ())
    series = series_of(result.timeline, latency_spans, result.ran_ns)
    kind = "response" if result.open_model else "service"
    limits = limits_of(result.budgets)
    pictures = [
        latency_picture(series, limits, latency_spans, kind=kind),
        traffic_picture(series, steady_spans),
        distribution_picture(series, limits, kind=kind, is_judged=judged),
        queue_picture(series, steady_spans),
        *_scoped(result, kind),
    ]
    return [picture for picture in pictures if picture is not None]


def _scoped(result: LoadResult, kind: str) -> Iterator[Picture]:
    timeline = result.timeline
    for n, pattern in enumerate(scoped_patterns(result.budgets)[:MOST_SCOPED]):
        named = [each for each in timeline.requests if name_matches(each.name, pattern)]
        if named:
            yield latency_picture(
                series_of(timeline, result.latency_spans, result.ran_ns, named),
                limits_of(result.budgets, "request", pattern),
                result.latency_spans,
                kind=kind,
                data=f"request-{n}",
                of=shortened(pattern, _LONGEST_TITLE),
            )
