"""A load second by second: from slices to seconds, as plain values, merged with another process's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pytest

from pytest_loadtest.core.generator import GeneratorSecond
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.verdict import Measurement
from pytest_loadtest.results.plain import from_plain
from pytest_loadtest.results.rows import Latency
from pytest_loadtest.results.timeline import MOST_TIMELINES, Timeline, timeline_of

S = 1_000_000_000
MS = 1_000_000


def timeline(recorder: Recorder, *, open_model: bool = False) -> Timeline:
    recorder.flush()
    return timeline_of(Measurement(recorder.metrics, None, 0, 0, open_model))


def figures(histogram: Histogram) -> tuple[object, ...]:
    return histogram.counts.tobytes(), histogram.n, histogram.sum, histogram.min, histogram.max


def request(recorder: Recorder, name: str, at: int, took: int, outcome: Outcome = Outcome.OK) -> None:
    recorder.no_response(name, outcome, at, at + took, 0, 0)


def played(events: Iterable[int], slice_ns: int = S) -> Recorder:
    """A made-up run of 4 s; each event is told alike to whichever process it falls to."""
    recorder = Recorder(slice_ns)
    for event in events:
        at, outcome = event * 37 * MS, Outcome.TIMEOUT if event % 7 == 0 else Outcome.OK
        request(recorder, f"GET /{event % 3}", at, (event % 11 + 1) * 100 * MS, outcome)
        recorder.iteration(at, at + 900 * MS, failed=event % 5 == 0, delay_ns=0)
    return recorder


def test_started_failed_and_latency_are_of_the_second_of_the_start_and_finished_of_the_end() -> None:
    recorder = Recorder(S)
    request(recorder, "a", 100 * MS, 30 * MS)
    request(recorder, "a", 900 * MS, 1500 * MS, Outcome.TIMEOUT)
    request(recorder, "a", 2 * S, 3 * S, Outcome.CENSORED)
    found = timeline(recorder)
    (row,) = found.requests
    assert (row.name, row.started, row.finished, row.failed) == ("a", (2, 0, 1), (1, 0, 1), (1, 0, 0))
    assert [row.latency(second).n for second in range(3)] == [2, 0, 1]
    assert row.latency(0).sum == 1530 * MS
    assert Latency.of(found.latency(0)).p99 == pytest.approx(1500 * MS, rel=0.0039)
    assert row.latencies[1] == ""


def test_where_starts_were_intended_latency_is_response_time_of_the_intended_second() -> None:
    recorder = Recorder(S, open_model=True)
    recorder.no_response("a", Outcome.OK, 2 * S, 2 * S + 50 * MS, 0, 1200 * MS)
    found = timeline(recorder, open_model=True)
    assert found.requests[0].started == (1, 0, 0)
    assert found.latency(0).sum == 1250 * MS


def test_iterations_have_their_columns() -> None:
    recorder = Recorder(S, open_model=True)
    recorder.iteration(100 * MS, 1200 * MS, failed=True, delay_ns=50 * MS)
    recorder.iteration(1 * S, 1800 * MS, failed=False, delay_ns=0)
    recorder.dropped(500 * MS, 3)
    recorder.interrupted()
    found = timeline(recorder)
    assert (found.iterations_started, found.iterations_finished) == ((1, 1), (0, 2))
    assert (found.iterations_failed, found.iterations_dropped) == ((1, 0), (3, 0))


def test_short_slices_make_the_same_seconds_as_long_ones() -> None:
    short, long = timeline(played(range(100), S // 10)), timeline(played(range(100)))
    assert short == long
    assert sum(long.iterations_finished) == sum(long.iterations_started) == 100
    assert sum(sum(each.started) for each in long.requests) == 100


@pytest.mark.parametrize("slice_ns", [3 * S, 300 * MS])
def test_slices_that_do_not_make_up_seconds_are_refused(slice_ns: int) -> None:
    with pytest.raises(ValueError, match="do not make up seconds"):
        timeline(played(range(3), slice_ns))


def test_of_users_and_queue_a_second_shows_the_highest() -> None:
    recorder = Recorder(S // 10)
    for tenth, vus in enumerate([1, 2, 5, 4]):
        recorder.tick(tenth * S // 10)
        recorder.gauge(vus, 10 * vus)
    found = timeline(recorder)
    assert (found.vus, found.queued) == ((5,), (50,))


def test_a_second_in_which_nobody_told_the_users_has_those_before_until_the_last_that_was_told() -> None:
    recorder = Recorder(S)
    recorder.gauge(7, 1)
    recorder.tick(3 * S)
    recorder.gauge(4, 0)
    request(recorder, "a", 0, 5500 * MS)
    assert timeline(recorder).vus == (7, 7, 7, 4, 0, 0)


def test_the_generator_is_part_of_it() -> None:
    recorder = Recorder(S)
    generator = recorder.metrics.generator
    # Measured seconds are a little off: each counts where its middle is.
    generator.seconds += [
        GeneratorSecond(0, 98 * S // 100, S // 4),
        GeneratorSecond(98 * S // 100, S, S // 2, S // 10),
    ]
    generator.read_delay.add(np.repeat([0, 2], 100), np.repeat([MS, 3 * MS], 100))
    recorder.gauge(1, 0)
    request(recorder, "a", 0, 2500 * MS)
    found = timeline(recorder)
    assert (found.cpu, found.run_queue) == ((0.255, 0.5, None), (None, 0.1, None))
    assert found.read_delay_p99_ns == (MS, None, 3 * MS)


def test_nothing_has_an_empty_timeline() -> None:
    assert timeline(Recorder(S)) == Timeline()
    assert Timeline().merged(Timeline()) == Timeline()
    assert timeline(played(range(50))).merged(Timeline()) == timeline(played(range(50)))


def test_it_is_the_same_after_a_journey_as_json() -> None:
    found = timeline(played(range(100)))
    assert from_plain(Timeline, json.loads(json.dumps(asdict(found)))) == found


def merged_metrics(*parts: Metrics) -> Metrics:
    merged = Metrics(parts[0].slice_ns)
    for part in parts:
        merged.merge(part)
    return merged


def with_levels(recorder: Recorder, vus: int, cpu: float, delay: int) -> Recorder:
    recorder.gauge(vus, 1)
    recorder.metrics.generator.seconds.append(GeneratorSecond(0, S, int(cpu * S)))
    recorder.metrics.generator.read_delay.add(np.zeros(9, dtype=np.int64), np.full(9, delay))
    recorder.flush()
    return recorder


def test_two_merged_timelines_equal_that_of_the_merged_metrics() -> None:
    one = with_levels(played(range(0, 80, 2)), 3, 0.5, MS)
    other = with_levels(played([*range(1, 80, 2), 150]), 4, 0.7, 9 * MS)
    found = timeline(one).merged(timeline(other))
    expected = timeline_of(Measurement(merged_metrics(one.metrics, other.metrics), None, 0, 0))
    assert {each.name: each for each in found.requests} == {each.name: each for each in expected.requests}
    assert (found.vus[0], found.queued[0], found.cpu[0]) == (7, 2, 0.7)
    assert found.read_delay_p99_ns[0] == 9 * MS, "the worst process's"
    assert found.iterations_finished == expected.iterations_finished
    assert len({found.seconds, *(len(each.started) for each in found.requests), len(found.cpu)}) == 1


def test_too_many_names_are_shown_as_one() -> None:
    recorder = Recorder(S)
    for number in range(MOST_TIMELINES + 5):
        for _ in range(number + 1):
            request(recorder, f"n{number}", 0, MS)
    found = timeline(recorder)
    assert len(found.requests) == MOST_TIMELINES
    assert sum(each.started[0] for each in found.requests) == sum(range(1, MOST_TIMELINES + 6))
    other = found.requests[-1]
    assert (other.name, other.started, other.latency(0).n) == ("(further names)", (21,), 21)
    assert figures(found.latency(0)) == figures(Histogram.of([MS] * found.latency(0).n))


def test_damaged_latencies_are_no_wrong_figures() -> None:
    plain = asdict(timeline(played(range(20))))
    text = plain["requests"][0]["latencies"][0]
    plain["requests"][0]["latencies"] = (text[:8] + ("A" if text[8] != "A" else "B") + text[9:],)
    with pytest.raises(ValueError, match="damaged histogram"):
        from_plain(Timeline, plain).latency(0)
