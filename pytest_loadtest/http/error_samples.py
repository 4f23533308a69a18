"""How a failed request is told to a recorder, with one example for each name, kind and status.

Must not know why it failed.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Final

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestRecorder

# Of what a server says of an error: enough for a sentence, too little for a page.
MOST_OF_BODY: Final = 200  # characters


def sample_error(
    recorder: RequestRecorder,
    name: str,
    outcome: Outcome,
    status: int,
    phrase: str,
    where: object,
    body: bytes = b"",
) -> None:
    """Count a failed request in its group. Texts are made only if an example is wanted."""
    wanted = recorder.wants_sample(name, outcome, status)
    recorder.error_sample(name, outcome, status, f"{phrase}: {where}{_said_in(body)}" if wanted else "")


def _said_in(body: bytes) -> str:
    """The beginning of a body on one line; nothing of what is no text."""
    text = body[: 4 * MOST_OF_BODY].decode("utf-8", "ignore")  # a character has at most 4 bytes
    words = " ".join(text.split())[:MOST_OF_BODY]
    return f": {words}" if words.isprintable() and words else ""


def record_unsent(recorder: RequestRecorder, name: str, outcome: Outcome, message: str) -> None:
    """A request that failed before it was sent."""
    now_ns = perf_counter_ns()
    recorder.no_response(name, outcome, now_ns, now_ns, 0, 0)
    recorder.error_sample(name, outcome, 0, message)
