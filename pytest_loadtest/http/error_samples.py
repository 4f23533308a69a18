"""How a failed request is told to a recorder, with one example for each name, kind and status.

Must not know why it failed.
"""

from __future__ import annotations

import unicodedata
from time import perf_counter_ns
from typing import Final

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestRecorder
from pytest_loadtest.core.redaction import redact

# Of what a server says of an error: enough for a sentence, too little for a page.
MOST_OF_BODY: Final = 200  # characters
# Of a body, what is looked through for secrets before it is shortened: half a secret is not known as one.
LOOKED_THROUGH: Final = 4096  # bytes
LONGEST_SECRET: Final = 1024  # characters; so many at the end of what is looked through may be half of one


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
    """The beginning of a body on one line, without secrets; nothing of what is no text."""
    text = body[:LOOKED_THROUGH].decode("utf-8", "ignore").removeprefix("\ufeff")
    words = redact(" ".join(text.split()))
    if len(body) > LOOKED_THROUGH:
        words = words[:-LONGEST_SECRET]
    words = words[:MOST_OF_BODY]
    return f": {words}" if words and not any(map(_is_control, words)) else ""


def _is_control(char: str) -> bool:
    """No text has them, spaces apart; other characters that cannot be seen are part of many languages."""
    return unicodedata.category(char) == "Cc"


def record_unsent(recorder: RequestRecorder, name: str, outcome: Outcome, message: str) -> None:
    """A request that failed before it was sent."""
    now_ns = perf_counter_ns()
    recorder.no_response(name, outcome, now_ns, now_ns, 0, 0)
    recorder.error_sample(name, outcome, 0, message)
