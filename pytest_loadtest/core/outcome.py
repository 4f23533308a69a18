"""How one request ended. Owns the kinds, and what each kind means for errors and for latency."""

from __future__ import annotations

import enum


class Outcome(enum.IntEnum):
    """The kind of end of one request. The numbers are stored in records, so they never change meaning."""

    OK = 0
    STATUS = 1
    TIMEOUT = 2
    CANCELLED = 3
    CENSORED = 4
    CONNECT_TIMEOUT = 5
    REFUSED = 6
    UNREACHABLE = 7
    DNS = 8
    TLS = 9
    RESET = 10
    CLOSED = 11
    PROTOCOL = 12
    TOO_LARGE = 13
    TOO_MANY_REDIRECTS = 14
    DECODING = 15
    OTHER = 16
    GENERATOR = 17

    @property
    def is_error(self) -> bool:
        """Whether the request failed. A censored one has not: nobody knows how it would have ended."""
        return self not in _NO_ERRORS

    @property
    def has_latency(self) -> bool:
        """Whether the time it took says something about the target's latency.

        A request that got no answer is not a fast one: it has no latency. A time-out counts its full
        wait; a cancelled or censored request is at least as slow as it already was.
        """
        return self in _WITH_LATENCY

    @property
    def label(self) -> str:
        """What people call it: ``connection refused``."""
        return _LABELS.get(self, self.name.lower().replace("_", " "))


_NO_ERRORS = frozenset({Outcome.OK, Outcome.CENSORED})
_WITH_LATENCY = frozenset(
    {Outcome.OK, Outcome.STATUS, Outcome.DECODING, Outcome.TIMEOUT, Outcome.CANCELLED, Outcome.CENSORED},
)
_LABELS = {
    Outcome.OK: "ok",
    Outcome.STATUS: "unexpected status",
    Outcome.TIMEOUT: "timed out",
    Outcome.CANCELLED: "cancelled by the test",
    Outcome.CENSORED: "open when the run ended",
    Outcome.CONNECT_TIMEOUT: "connecting timed out",
    Outcome.REFUSED: "connection refused",
    Outcome.UNREACHABLE: "host unreachable",
    Outcome.DNS: "name not resolved",
    Outcome.TLS: "TLS handshake failed",
    Outcome.RESET: "connection reset",
    Outcome.CLOSED: "closed before the whole answer",
    Outcome.PROTOCOL: "not valid HTTP",
    Outcome.TOO_LARGE: "answer too large",
    Outcome.DECODING: "content encoding does not decode",
    Outcome.OTHER: "other error",
    Outcome.GENERATOR: "the generator ran out of sockets or ports",
}
