"""Telling a recorder about single requests, with all that a test does not speak of filled in."""

from __future__ import annotations

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import RequestSeries
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder

S = 1_000_000_000
MS = 1_000_000
ORIGIN = 5_000 * S


def started(*, open_model: bool = False) -> Recorder:
    recorder = Recorder(S, open_model=open_model)
    recorder.start(ORIGIN)
    return recorder


def answer(
    recorder: Recorder,
    name: str = "a",
    outcome: Outcome = Outcome.OK,
    status: int = 200,
    *,
    at: int = 0,
    sending: int = 0,
    waiting: int = 10 * MS,
    receiving: int = 0,
    delay: int = 0,
) -> None:
    begun = ORIGIN + at
    sent = begun + sending
    first = sent + waiting
    recorder.response(name, outcome, status, begun, sent, first, first + receiving, 300, 900, delay)


def flushed(recorder: Recorder, name: str = "a") -> RequestSeries:
    recorder.flush()
    return recorder.metrics.requests[name]


def only_value(histogram: Histogram) -> int:
    assert histogram.n == 1
    return histogram.sum
