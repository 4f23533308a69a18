"""How many requests per second are let through: a token bucket. It knows no HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """Lets ``per_second`` through, and as many as one second gives (at least one) at once after a pause."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._capacity = max(1.0, per_second)
        self._clock = clock
        self._left = self._capacity
        self._refilled_at = clock()

    def seconds_to_wait(self) -> float:
        """0 when the request may pass, which it is then counted as; else when the next may."""
        now = self._clock()
        self._left = min(self._capacity, self._left + (now - self._refilled_at) * self._per_second)
        self._refilled_at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_second
