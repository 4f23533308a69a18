"""The recorder's buffers, its cap on names, and the contract that it keeps."""

from __future__ import annotations

import inspect
import random

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import MOST_NAMES, OTHER_NAMES, Recorder
from pytest_loadtest.core.recording import NullRecorder, RequestRecorder
from pytest_loadtest.core.redaction import declare_secret
from tests.core.made_up_runs import ends, requests, told, verdict
from tests.core.telling import MS, ORIGIN, S, answer, flushed, started

BUFFER = 4096


def test_a_full_buffer_is_counted_without_being_asked() -> None:
    recorder = started()
    for _ in range(BUFFER - 1):
        answer(recorder)
    assert recorder.metrics.requests["a"].total.total() == 0
    answer(recorder)
    assert recorder.metrics.requests["a"].total.total() == BUFFER
    answer(recorder)
    assert flushed(recorder).total.total() == BUFFER + 1


def test_a_full_buffer_of_iterations_is_counted_without_being_asked() -> None:
    recorder = started()
    for number in range(BUFFER):
        recorder.iteration(ORIGIN, ORIGIN + MS, failed=number == 0, delay_ns=0)
    iterations = recorder.metrics.iterations
    assert (iterations.finished.total(), iterations.failed.total()) == (BUFFER, 1)


def test_flushing_twice_counts_once() -> None:
    recorder = started()
    answer(recorder)
    recorder.iteration(ORIGIN, ORIGIN + MS, failed=False, delay_ns=0)
    recorder.blocked("a", MS)
    recorder.check("c", True)
    recorder.count("n", 3)
    recorder.trend("t", MS)
    recorder.flush()
    series = flushed(recorder)
    metrics = recorder.metrics
    assert (series.total.total(), series.phase("blocked").n, metrics.iterations.finished.total()) == (1, 1, 1)
    assert (metrics.checks["c"].total(), metrics.counters["n"].total(), metrics.trends["t"].total()) == (
        1,
        3,
        1,
    )


# -- names with secrets -----------------------------------------------------------------------------


def test_names_with_a_secret_share_one_series_without_it() -> None:
    for secret in ("first-secret-of-names", "second-secret-of-names"):
        declare_secret(secret)
    recorder = started()
    for name in ("a first-secret-of-names", "a second-secret-of-names", "a first-secret-of-names"):
        answer(recorder, name, Outcome.STATUS, 500)
        recorder.error_sample(name, Outcome.STATUS, 500, "sample")
        recorder.check(name, True)
        recorder.rate(name, False)
        recorder.count(name, 1)
        recorder.trend(name, MS)
    recorder.flush()
    metrics = recorder.metrics
    shown = "a [redacted]"
    kept = (metrics.requests, metrics.checks, metrics.rates, metrics.counters, metrics.trends)
    assert [list(each) for each in kept] == [[shown]] * 5
    assert metrics.errors[shown, Outcome.STATUS, 500].count == 3
    assert metrics.requests[shown].total.total() == metrics.checks[shown].total() == 3
    assert metrics.counters[shown].total() == metrics.trends[shown].total() == 3


# -- too many names ---------------------------------------------------------------------------------


def test_names_beyond_the_cap_share_one_series_in_everything() -> None:
    recorder = started()
    for number in range(MOST_NAMES + 7):
        name = f"GET /{number}"
        answer(recorder, name, Outcome.STATUS, 500)
        recorder.error_sample(name, Outcome.STATUS, 500, f"sample of {name}")
        recorder.check(name, True)
        recorder.rate(name, False)
        recorder.count(name, 1)
        recorder.trend(name, MS)
    recorder.flush()
    metrics = recorder.metrics
    assert (len(metrics.requests), metrics.requests[OTHER_NAMES].total.total()) == (MOST_NAMES + 1, 7)
    assert metrics.errors[OTHER_NAMES, Outcome.STATUS, 500].count == 7
    assert len(metrics.errors) == MOST_NAMES + 1
    assert not recorder.wants_sample("one more", Outcome.STATUS, 500)
    assert metrics.checks[OTHER_NAMES].yes.total() == metrics.rates[OTHER_NAMES].no.total() == 7
    assert metrics.counters[OTHER_NAMES].total() == metrics.trends[OTHER_NAMES].total() == 7
    assert sum(series.total.total() for series in metrics.requests.values()) == MOST_NAMES + 7


def test_a_known_name_stays_its_own_when_the_cap_is_reached() -> None:
    recorder = started()
    for number in range(MOST_NAMES + 1):
        answer(recorder, f"GET /{number}")
    answer(recorder, "GET /0")
    assert flushed(recorder, "GET /0").total.total() == 2


# -- the contract -----------------------------------------------------------------------------------


def test_a_random_run_counts_each_request_once_in_every_view() -> None:
    recorder, rng = started(open_model=True), random.Random(1)
    for number in range(10_000):
        outcome = rng.choice(list(Outcome))
        answer(
            recorder,
            f"n{rng.randrange(9)}",
            outcome,
            rng.choice([0, 200, 404]),
            at=number * MS,
            delay=rng.randrange(S),
        )
    recorder.flush()
    requests = recorder.metrics.requests.values()
    assert sum(series.total.total() for series in requests) == 10_000
    for series in requests:
        outcomes = series.outcomes
        assert outcomes.total() == series.total.total()
        assert series.failed.total() == sum(n for outcome, n in outcomes.items() if outcome.is_error)
        with_latency = sum(n for outcome, n in outcomes.items() if outcome.has_latency)
        assert series.service.total() == series.response.total() == with_latency
        assert series.censored.total() == outcomes[Outcome.CENSORED] + outcomes[Outcome.CANCELLED]
        assert series.finished.total() == outcomes.total() - outcomes[Outcome.CENSORED]


def test_the_null_recorder_takes_every_call_and_wants_nothing() -> None:
    null = NullRecorder()
    null.response("a", Outcome.OK, 200, 1, 2, 3, 4, 5, 6, delay_ns=0)
    null.no_response("a", Outcome.RESET, 1, 2, 3, delay_ns=0)
    null.connected("a", lookup_ns=1, connect_ns=2, tls_ns=3)
    null.blocked("a", waited_ns=1)
    null.reconnected("a")
    null.error_sample("a", Outcome.RESET, 0, "message")
    assert null.wants_sample("a", Outcome.RESET, 0) is False


@pytest.mark.parametrize("name", [name for name in vars(RequestRecorder) if not name.startswith("_")])
def test_the_recorder_has_the_parameters_of_the_contract(name: str) -> None:
    promised = inspect.signature(getattr(RequestRecorder, name))
    assert inspect.signature(getattr(Recorder, name)) == promised
    assert callable(getattr(NullRecorder, name))


def test_a_sample_cannot_steer_a_terminal_nor_fill_it() -> None:
    """Servers write parts of it: their reason phrase, the reason for which a WebSocket was closed."""
    recorder = started()
    recorder.error_sample("a", Outcome.STATUS, 500, "500 \x1b[2J\x1b]0;mine\x07\r\n\u202eé" + "x" * 60_000)
    (group,) = recorder.metrics.errors.values()
    assert group.sample.startswith("500 \ufffd[2J\ufffd]0;mine\ufffd  \ufffdéxxx")
    assert len(group.sample) == 500


# -- names beyond those that are kept apart -----------------------------------------------------------

MANY_BAD = told(
    *(("check", f"a{number}", number < MOST_NAMES) for number in range(MOST_NAMES + 9)),
    *(("rate", f"a{number}", number < MOST_NAMES) for number in range(MOST_NAMES + 9)),
    *(("count", f"a{number}", number // MOST_NAMES) for number in range(MOST_NAMES + 9)),
    *(("trend", f"a{number}", (number // MOST_NAMES + 1) * S) for number in range(MOST_NAMES + 9)),
)


@pytest.mark.parametrize(
    ("key", "limit", "subject", "rest"),
    [
        ("error_rate", "1%", "request", "requests"),
        ("p95", "1s", "request", "requests"),
        ("check_rate", "99%", "check", "checks"),
        ("min_rate", "99%", "metric", "metrics"),
        ("max_count", 3, "metric", "metrics"),
        ("p95", "1.1s", "metric", "metrics"),
    ],
)
def test_a_glob_is_not_judged_by_the_names_that_were_kept_alone(
    key: str, limit: object, subject: str, rest: str
) -> None:
    names = (requests(1, f"a{number}") for number in range(MOST_NAMES))
    events = (*names, ends(9, Outcome.RESET, "a too many"), MANY_BAD)
    some = verdict(key, limit, *events, of={subject: "a*"})
    assert not some.passed
    assert "may be in '(further names)'" in some.reason
    assert rest.removesuffix("s") in some.reason
    assert verdict(key, limit, *events, of={subject: "a1"}).passed  # all of it is under its own name
