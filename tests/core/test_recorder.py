"""The recorder: what is told goes where it belongs. All times are plain numbers."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.outcome import Outcome
from tests.core.telling import MS, ORIGIN, S, answer, flushed, only_value, started


def test_a_request_is_counted_with_its_latency_phases_status_and_bytes() -> None:
    recorder = started()
    answer(recorder, at=2 * S + 5, sending=1 * MS, waiting=20 * MS, receiving=4 * MS)
    series = flushed(recorder)
    assert (series.total[2], series.total.total(), series.failed.total()) == (1, 1, 0)
    assert only_value(series.service.histogram(((2, 3),))) == 25 * MS
    assert {phase: histogram.sum for phase, histogram in series.phases.items()} == {
        "sending": 1 * MS,
        "waiting": 20 * MS,
        "receiving": 4 * MS,
    }
    assert (series.outcomes, series.statuses) == ({Outcome.OK: 1}, {200: 1})
    assert (series.bytes_sent, series.bytes_received) == (300, 900)


@pytest.mark.parametrize(
    ("sent", "first", "finished", "phases"),
    [
        pytest.param(5, 20, 30, (5, 15, 10), id="one after the other"),
        pytest.param(5, 3, 30, (5, 0, 25), id="the answer began while the write was still returning"),
        pytest.param(5, 3, 4, (5, 0, 0), id="the answer was over before the write had returned"),
        pytest.param(5, 20, 20, (5, 15, 0), id="the answer came in one piece"),
    ],
)
def test_phases_are_never_negative(
    sent: int, first: int, finished: int, phases: tuple[int, int, int]
) -> None:
    recorder = started()
    at = ORIGIN
    recorder.response("a", Outcome.OK, 200, at, at + sent * MS, at + first * MS, at + finished * MS, 1, 1, 0)
    series = flushed(recorder)
    spent = tuple(series.phase(name).sum // MS for name in ("sending", "waiting", "receiving"))
    assert spent == phases
    assert series.service.histogram().sum == sum(phases) * MS


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda outcome: outcome.label)
def test_every_end_is_counted_and_only_some_have_a_latency(outcome: Outcome) -> None:
    recorder = started()
    recorder.no_response("a", outcome, ORIGIN + S, ORIGIN + 3 * S, 300, 0)
    series = flushed(recorder)
    assert series.total[1] == 1
    assert series.outcomes == {outcome: 1}
    assert series.statuses == {}
    assert series.failed[1] == int(outcome.is_error)
    assert series.service.histogram().sum == (2 * S if outcome.has_latency else 0)
    assert series.service.total() == int(outcome.has_latency)
    assert series.finished[3] == int(outcome is not Outcome.CENSORED)
    assert series.censored.total() == int(outcome in (Outcome.CENSORED, Outcome.CANCELLED))
    assert series.bytes_sent == 300, "bytes were sent, whatever came of it"


def test_an_answer_without_a_latency_still_counts_its_bytes_and_status() -> None:
    recorder = started()
    answer(recorder, outcome=Outcome.TOO_LARGE)
    answer(recorder)
    series = flushed(recorder)
    assert (series.bytes_received, series.statuses[200], series.service.total()) == (1800, 2, 1)


def test_a_censored_request_is_counted_with_the_time_it_had_taken_and_once_more_apart() -> None:
    recorder = started()
    recorder.no_response("a", Outcome.CENSORED, ORIGIN, ORIGIN + 8 * S, 300, 0)
    answer(recorder)
    series = flushed(recorder)
    assert series.service.total() == 2
    assert only_value(series.censored.histogram()) == 8 * S


def test_what_the_test_cancelled_is_a_lower_bound_too() -> None:
    recorder = started(open_model=True)
    recorder.no_response("a", Outcome.CANCELLED, ORIGIN + S, ORIGIN + 3 * S, 300, 500 * MS)
    answer(recorder)
    series = flushed(recorder)
    assert only_value(series.censored.histogram()) == 2500 * MS
    assert (series.outcomes[Outcome.CENSORED], series.failed.total()) == (0, 1)


def test_a_request_started_in_one_slice_and_finished_in_another() -> None:
    recorder = started(open_model=True)
    answer(recorder, at=2 * S, sending=S, waiting=S, receiving=S, delay=S)
    answer(recorder, at=2 * S)
    series = flushed(recorder)
    assert [series.total[index] for index in range(6)] == [0, 1, 1, 0, 0, 0]
    assert [series.finished[index] for index in range(6)] == [0, 0, 1, 0, 0, 1]


def test_names_in_one_buffer_do_not_mix() -> None:
    recorder = started()
    for number in range(90):
        answer(recorder, f"n{number % 3}", at=number % 2 * S, waiting=(1 + number % 3) * MS)
    recorder.flush()
    for number in range(3):
        series = recorder.metrics.requests[f"n{number}"]
        assert (series.total[0], series.total[1]) == (15, 15)
        assert series.service.histogram().min == series.service.histogram().max == (1 + number) * MS
        assert (series.bytes_sent, series.outcomes[Outcome.OK]) == (30 * 300, 30)


# -- slices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "slice_"),
    [
        pytest.param(-S, 0, id="before time 0 belongs to the first slice"),
        pytest.param(0, 0, id="time 0 is in the first slice"),
        pytest.param(S - 1, 0, id="the last nanosecond of the first slice"),
        pytest.param(S, 1, id="the first nanosecond of the second"),
        pytest.param(3600 * S, 3600, id="an hour later"),
    ],
)
def test_a_request_belongs_to_the_slice_it_started_in(at: int, slice_: int) -> None:
    recorder = started()
    answer(recorder, at=at, waiting=30 * S)
    series = flushed(recorder)
    assert (series.total[slice_], series.service.histogram(((slice_, slice_ + 1),)).n) == (1, 1)


def test_checks_and_metrics_belong_to_the_slice_that_was_current() -> None:
    recorder = started()
    recorder.check("c", True)
    recorder.tick(ORIGIN + S)
    recorder.check("c", False)
    recorder.rate("r", True)
    recorder.count("n", 5)
    recorder.trend("t", 7 * MS)
    recorder.tick(ORIGIN + 4 * S + 1)
    recorder.count("n", 2)
    recorder.flush()
    metrics = recorder.metrics
    assert (metrics.checks["c"].yes[0], metrics.checks["c"].no[1]) == (1, 1)
    assert metrics.rates["r"].yes[1] == 1
    assert (metrics.counters["n"][1], metrics.counters["n"][4]) == (5, 2)
    assert only_value(metrics.trends["t"].histogram(((1, 2),))) == 7 * MS


def test_of_users_and_queued_arrivals_a_slice_keeps_the_highest() -> None:
    recorder = started()
    recorder.gauge(3, 0)
    recorder.gauge(5, 2)
    recorder.gauge(4, 1)
    recorder.tick(ORIGIN + 2 * S)
    recorder.gauge(0, 0)
    vus, queued = recorder.metrics.vus, recorder.metrics.queued
    assert [vus[index] for index in range(3)] == [5, 5, 0]  # nobody looked in the second
    assert (queued[0], queued[1], 2 in vus) == (2, 2, True)


# -- open model -------------------------------------------------------------------------------------


def test_in_the_open_model_response_time_is_service_time_and_the_delay_of_the_start() -> None:
    recorder = started(open_model=True)
    answer(recorder, at=2 * S, waiting=10 * MS, delay=300 * MS)
    recorder.no_response("a", Outcome.CENSORED, ORIGIN + 2 * S, ORIGIN + 3 * S, 300, 500 * MS)
    recorder.iteration(ORIGIN + 2 * S, ORIGIN + 3 * S, failed=False, delay_ns=300 * MS)
    series, iterations = flushed(recorder), recorder.metrics.iterations
    assert series.service.histogram().sum == 1010 * MS
    assert series.response.histogram().sum == 1010 * MS + 800 * MS
    assert only_value(series.censored.histogram()) == 1500 * MS
    assert only_value(iterations.service.histogram()) == S
    assert only_value(iterations.response.histogram()) == 1300 * MS
    assert only_value(iterations.start_delay) == 300 * MS
    assert (iterations.finished[1], iterations.ended[3]) == (1, 1)


def test_in_the_closed_model_there_is_no_response_time() -> None:
    recorder = started()
    answer(recorder)
    recorder.iteration(ORIGIN, ORIGIN + S, failed=False, delay_ns=0)
    assert flushed(recorder).response.total() == 0
    assert recorder.metrics.iterations.response.total() == 0


def test_what_was_due_in_the_steady_part_is_judged_there_though_it_started_after_it() -> None:
    recorder = started(open_model=True)
    answer(recorder, at=62 * S, delay=4 * S)
    recorder.iteration(ORIGIN + 62 * S, ORIGIN + 63 * S, failed=True, delay_ns=4 * S)
    series, iterations = flushed(recorder), recorder.metrics.iterations
    steady = ((0, 60),)
    assert (series.total.total(steady), series.response.histogram(steady).max) == (1, 4 * S + 10 * MS)
    assert (iterations.failed[58], iterations.response.histogram(steady).n) == (1, 1)


def test_dropped_iterations_belong_to_the_slice_they_were_due_in() -> None:
    recorder = started(open_model=True)
    recorder.dropped(ORIGIN + 3 * S)
    recorder.dropped(ORIGIN + 3 * S, 4)
    recorder.interrupted()
    iterations = recorder.metrics.iterations
    assert (iterations.dropped[3], iterations.interrupted, iterations.finished.total()) == (5, 1, 0)


# -- connections ------------------------------------------------------------------------------------


def test_a_connection_adds_its_phases_and_no_latency() -> None:
    recorder = started()
    recorder.connected("a", 1 * MS, 2 * MS, 3 * MS)
    recorder.connected("a", 0, 4 * MS, 0)
    recorder.blocked("a", 5 * MS)
    series = flushed(recorder)
    spent = {name: (histogram.n, histogram.sum // MS) for name, histogram in series.phases.items()}
    assert spent == {"looking up": (1, 1), "connecting": (2, 6), "TLS": (1, 3), "blocked": (1, 5)}
    assert (series.total.total(), series.service.total()) == (0, 0)


# -- errors -----------------------------------------------------------------------------------------


def test_errors_are_grouped_with_one_redacted_sample_each() -> None:
    recorder = started()
    assert recorder.wants_sample("a", Outcome.STATUS, 500)
    recorder.error_sample("a", Outcome.STATUS, 500, "500 for /x?token=abc123")
    assert not recorder.wants_sample("a", Outcome.STATUS, 500)
    assert recorder.wants_sample("a", Outcome.STATUS, 503)
    recorder.error_sample("a", Outcome.STATUS, 500, "")
    recorder.error_sample("b", Outcome.REFUSED, 0, "refused")
    groups = [(g.name, g.reason, g.count, g.sample) for g in recorder.metrics.errors.values()]
    assert groups == [
        ("a", "status 500", 2, "500 for /x?token=[redacted]"),
        ("b", "connection refused", 1, "refused"),
    ]


def test_a_body_that_does_not_decode_has_its_latency() -> None:
    """Its answer had come in full: the server took that long."""
    recorder = started()
    answer(recorder, outcome=Outcome.DECODING)
    series = flushed(recorder)
    assert (series.failed.total(), series.service.total()) == (1, 1)


def test_reconnects_are_counted_and_merged() -> None:
    recorder = started()
    recorder.reconnected("a")
    recorder.reconnected("a")
    answer(recorder)
    metrics = recorder.metrics
    flushed(recorder)
    metrics.merge(metrics)
    assert metrics.requests["a"].reconnects == 4
