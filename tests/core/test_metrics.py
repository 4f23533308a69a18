"""What one load test measured: merging, grouping, names."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable

import pytest

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics, RequestSeries, merged_latency, name_matches
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts

S = 1_000_000_000
MS = 1_000_000
ENDS = [(Outcome.OK, 200), (Outcome.OK, 201), (Outcome.STATUS, 500), (Outcome.TIMEOUT, 0)]
ENDS += [(Outcome.REFUSED, 0), (Outcome.CENSORED, 0)]


def play(recorder: Recorder, events: Iterable[int]) -> Metrics:
    """Tell a recorder a made-up run; each event is told alike to whichever process it falls to."""
    recorder.start(0)
    current = 0
    for event in events:
        rng = random.Random(event)
        outcome, status = rng.choice(ENDS)
        name, started = f"GET /{event % 3}", event * 7 * MS
        waited, delay = rng.randrange(MS, S), rng.randrange(S)
        if started // S != current:
            current = started // S
            recorder.tick(started)
        if status:
            first = started + waited
            recorder.response(name, outcome, status, started, started + 9, first, first + MS, 300, 900, delay)
        else:
            recorder.no_response(name, outcome, started, started + waited, 300, delay)
        if outcome.is_error:
            recorder.error_sample(name, outcome, status, "what happened")
        recorder.connected(name, MS, 2 * MS, 3 * MS)
        recorder.blocked(name, waited)
        recorder.iteration(started, started + waited, failed=event % 5 == 0, delay_ns=delay)
        if event % 5 == 0:
            recorder.metrics.count_failure("AssertionError", "test_a.py:7", "assert False", "...")
        recorder.check("works", event % 4 > 0)
        recorder.rate("hits", event % 2 > 0)
        recorder.count("made", event)
        recorder.trend("build", waited)
    recorder.gauge(7, 1)
    recorder.dropped(5 * S, 2)
    recorder.interrupted()
    recorder.flush()
    return recorder.metrics


def counts(series: SliceCounts) -> list[int]:
    return [series[index] for index in range(10)]


def figures(histogram: Histogram) -> tuple[object, ...]:
    return hash(histogram.counts.tobytes()), histogram.n, histogram.sum, histogram.min, histogram.max


def latencies(timeline: LatencyTimeline) -> list[tuple[object, ...]]:
    return [figures(timeline.histogram(((index, index + 1),))) for index in range(10)]


def everything_of(series: RequestSeries) -> list[object]:
    return [
        *(counts(part) for part in (series.total, series.failed, series.finished)),
        *(latencies(part) for part in (series.service, series.response, series.censored)),
        {name: figures(histogram) for name, histogram in series.phases.items()},
        (dict(series.outcomes), dict(series.statuses), series.bytes_sent, series.bytes_received),
    ]


def everything(metrics: Metrics) -> list[object]:
    iterations = metrics.iterations
    return [
        {name: everything_of(series) for name, series in metrics.requests.items()},
        *(
            counts(part)
            for part in (iterations.finished, iterations.ended, iterations.failed, iterations.dropped)
        ),
        *(latencies(part) for part in (iterations.service, iterations.response)),
        (figures(iterations.start_delay), iterations.interrupted),
        [
            (name, counts(s.yes), counts(s.no))
            for name, s in (*metrics.checks.items(), *metrics.rates.items())
        ],
        {name: counts(counter) for name, counter in metrics.counters.items()},
        {name: latencies(trend) for name, trend in metrics.trends.items()},
        {key: (group.count, group.sample) for key, group in metrics.errors.items()},
        {key: (group.count, group.traceback) for key, group in metrics.failures.items()},
    ]


def test_two_merged_processes_equal_one_that_did_it_all() -> None:
    one = play(Recorder(S, open_model=True), range(400))
    merged = play(Recorder(S, open_model=True), range(0, 400, 2))
    merged.merge(play(Recorder(S, open_model=True), range(1, 400, 2)))
    one.iterations.dropped.add(5, 2)  # each play ends with two dropped iterations and one interrupted
    one.iterations.interrupted += 1
    for name in ("GET /0", "GET /1", "GET /2"):
        assert one.requests[name].censored.total() > 10
    assert everything(merged) == everything(one)


def test_levels_of_two_processes_add_up() -> None:
    merged = play(Recorder(S), range(400))
    merged.merge(play(Recorder(S), range(400)))
    assert (merged.vus[2], merged.queued[2]) == (14, 2)


def test_merging_into_empty_metrics_copies_and_shares_nothing() -> None:
    source = play(Recorder(S, open_model=True), range(60))
    before = everything(source)
    merged = Metrics(S)
    merged.merge(source)
    assert everything(merged) == before
    merged.merge(source)
    assert everything(source) == before


def test_slices_of_different_lengths_do_not_merge() -> None:
    with pytest.raises(ValueError, match="slices of 500000000 ns do not merge into slices of 1000000000 ns"):
        Metrics(S).merge(Metrics(S // 2))


def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    """10 s of load: 3,000 requests, then 9,000 more in the same slices and with the same latencies."""
    recorder = Recorder(S)
    tracemalloc.start()
    try:
        tell_requests(recorder, 3_000)
        first, _ = tracemalloc.get_traced_memory()
        tell_requests(recorder, 9_000)
        second, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert recorder.metrics.requests["a"].total.total() == 12_000
    assert second - first < 9_000, "not even one byte for each further request"


def tell_requests(recorder: Recorder, n: int) -> None:
    for number in range(n):
        started = number % 10 * S
        ended = started + (20 + number % 7) * MS
        recorder.response("a", Outcome.OK, 200, started, started, ended, ended, 1, 1, 0)
        recorder.check("c", True)
        recorder.trend("t", ended - started)
        if number % 500 == 499:
            recorder.tick(started)
    recorder.flush()


def test_the_first_sample_of_an_error_group_is_kept() -> None:
    metrics = Metrics(S)
    metrics.count_error("a", Outcome.STATUS, 500, "first")
    metrics.count_error("a", Outcome.STATUS, 500, "second", 4)
    metrics.count_error("a", Outcome.STATUS, 503, "other status")
    metrics.count_error("a", Outcome.REFUSED, 0, "other end")
    groups = [(group.reason, group.count, group.sample) for group in metrics.errors.values()]
    assert groups == [
        ("status 500", 5, "first"),
        ("status 503", 1, "other status"),
        ("connection refused", 1, "other end"),
    ]


def test_failed_iterations_are_grouped_by_type_and_place() -> None:
    metrics = Metrics(S)
    metrics.count_failure("AssertionError", "a.py:1", "assert 1 == 2", "first traceback")
    metrics.count_failure("AssertionError", "a.py:1", "assert 1 == 3", "second traceback", 2)
    metrics.count_failure("AssertionError", "a.py:9", "assert 0", "elsewhere")
    groups = [(group.place, group.count, group.traceback) for group in metrics.failures.values()]
    assert groups == [("a.py:1", 3, "first traceback"), ("a.py:9", 1, "elsewhere")]


@pytest.mark.parametrize(
    ("name", "pattern", "matches"),
    [
        pytest.param("agent details", "agent details", True, id="a name means itself"),
        pytest.param("GET /agents/{id}", "GET /agents/*", True, id="a glob means what it matches"),
        pytest.param("list [all]", "list [all]", True, id="a name with brackets means itself"),
        pytest.param("GET /Agents", "GET /agents", False, id="capitals matter"),
        pytest.param("agent details", "details", False, id="a part of a name means nothing"),
    ],
)
def test_which_names_a_pattern_means(name: str, pattern: str, matches: bool) -> None:
    assert name_matches(name, pattern) is matches


def test_requests_are_found_by_pattern() -> None:
    metrics = play(Recorder(S), range(9))
    assert len(list(metrics.matching_requests("GET /*"))) == 3
    assert list(metrics.matching_requests("GET /1")) == [metrics.requests["GET /1"]]
    assert list(metrics.matching_requests("POST *")) == []


def test_latencies_of_several_names_merge_into_one_histogram() -> None:
    metrics = play(Recorder(S), range(30))
    series = metrics.requests.values()
    merged = merged_latency(each.service for each in series)
    assert merged.n == sum(each.service.total() for each in series) > 0
