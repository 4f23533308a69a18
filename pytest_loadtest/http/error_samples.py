"""How a failed request is told to a recorder, with one example for each name, kind and status.

Must not know why it failed.
"""

from __future__ import annotations

from time import perf_counter_ns

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestRecorder


def sample_error(
    recorder: RequestRecorder, name: str, outcome: Outcome, status: int, phrase: str, where: object
) -> None:
    """Count a failed request in its group. `where` is made into text only if an example is wanted."""
    message = f"{phrase}: {where}" if recorder.wants_sample(name, outcome, status) else ""
    recorder.error_sample(name, outcome, status, message)


def record_unsent(recorder: RequestRecorder, name: str, outcome: Outcome, message: str) -> None:
    """A request that failed before it was sent."""
    now_ns = perf_counter_ns()
    recorder.no_response(name, outcome, now_ns, now_ns, 0, 0)
    recorder.error_sample(name, outcome, 0, message)
