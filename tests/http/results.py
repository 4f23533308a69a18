"""A real recorder behind a client, and what a user would read of it in the end."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.verdict import Measurement
from pytest_loadtest.results.tables import tables_of

SECOND_NS = 1_000_000_000


def started_recorder() -> Recorder:
    recorder = Recorder(SECOND_NS)
    recorder.start(perf_counter_ns())
    return recorder


def tables(recorder: Recorder) -> dict[str, Any]:
    recorder.flush()
    return tables_of(Measurement(recorder.metrics, None, SECOND_NS, SECOND_NS), [])


def assert_one_error(recorder: Recorder, outcome: Outcome, name: str, *good: str) -> None:
    """One failed request of this name and kind; then one good one of each other name."""
    results = tables(recorder)
    (error,) = results["errors"]
    assert (error.name, error.reason, error.count) == (name, outcome.label, 1)
    assert error.sample.startswith(outcome.label)
    assert "secret" not in error.sample
    rows = results["requests"]
    counts = [(row.name, row.count, row.failed, row.censored) for row in rows]
    assert counts == [(name, 1, 1, 0), *((other, 1, 0, 0) for other in good)]
    assert rows[0].latency.n == int(outcome.has_latency), "no answer is not a fast one"
