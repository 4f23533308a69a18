"""How a request ends: what counts as an error, and what has a latency."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.outcome import Outcome


@pytest.mark.parametrize(
    ("outcome", "is_error", "has_latency", "label"),
    [
        (Outcome.OK, False, True, "ok"),
        (Outcome.STATUS, True, True, "unexpected status"),
        (Outcome.TIMEOUT, True, True, "timed out"),
        (Outcome.CANCELLED, True, True, "cancelled by the test"),
        (Outcome.CENSORED, False, True, "open when the run ended"),
        (Outcome.CONNECT_TIMEOUT, True, False, "connecting timed out"),
        (Outcome.REFUSED, True, False, "connection refused"),
        (Outcome.UNREACHABLE, True, False, "host unreachable"),
        (Outcome.DNS, True, False, "name not resolved"),
        (Outcome.TLS, True, False, "TLS handshake failed"),
        (Outcome.RESET, True, False, "connection reset"),
        (Outcome.CLOSED, True, False, "closed before the whole answer"),
        (Outcome.PROTOCOL, True, False, "not valid HTTP"),
        (Outcome.TOO_LARGE, True, False, "answer too large"),
        (Outcome.TOO_MANY_REDIRECTS, True, False, "too many redirects"),
        (Outcome.DECODING, True, True, "content encoding does not decode"),
        (Outcome.OTHER, True, False, "other error"),
        (Outcome.GENERATOR, True, False, "the generator ran out of sockets or ports"),
    ],
)
def test_what_each_end_of_a_request_means(
    outcome: Outcome, is_error: bool, has_latency: bool, label: str
) -> None:
    assert (outcome.is_error, outcome.has_latency, outcome.label) == (is_error, has_latency, label)


def test_the_numbers_are_stored_so_they_count_up_without_a_gap() -> None:
    assert [outcome.value for outcome in Outcome] == list(range(18))
