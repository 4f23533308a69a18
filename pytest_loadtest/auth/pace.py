"""When the next request may be sent to a service that limits them: evenly spaced, and not before it says so.

One pace is shared by all sign-ins of a pool, so one that is told to wait (429) holds the others back. Where
the user has set no rate, or a higher one than the service bears, the service's own is found out: what it
took until it said 429.
"""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from pytest_loadtest.auth.clock import Clock

# A 429 that does not say how long to wait: this long, doubled each time, at most a minute. 5 s is what
# works with a hosted Supabase.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 60.0
# "Retry-After: 0" is not taken for leave to ask again at once.
SHORTEST_WAIT_S = 0.2

# Fewer answers than this say nothing of the service's rate.
FEWEST_ANSWERS = 5
# After so many answers in a row without a 429 the rate that was found is tried a little higher.
STEADY_ANSWERS = 20
GROWTH = 1.1


class Pace:
    """At most `rate` turns a second, none while the service asks to wait."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._limit = rate
        self.rate = rate  # now: the user's or, if that is too fast, what the service was seen to take
        self._clock = clock
        self._limiter: AsyncLimiter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.held_until_s = 0.0
        self._since_s: float | None = None
        self._answers = 0
        self._holds_in_a_row = 0

    async def turn(self) -> None:
        """Return when a request may be sent."""
        while True:
            limiter = self._current_limiter()
            if limiter is not None:
                await limiter.acquire()
            wait_s = self.held_until_s - self._clock.now_s()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
            elif limiter is self._limiter:  # else the rate has changed meanwhile
                break
        if self._since_s is None:
            self._since_s = self._clock.now_s()

    def answered(self) -> None:
        """The service took a request."""
        self._answers += 1
        self._holds_in_a_row = 0
        is_slowed = self.rate is not None and (self._limit is None or self.rate < self._limit)
        if is_slowed and self._answers % STEADY_ANSWERS == 0:
            assert self.rate is not None
            self._set_rate(self.rate * GROWTH)

    def throttled(self, retry_after_s: float | None) -> None:
        """The service said 429: nobody sends before the time it gives."""
        now_s = self._clock.now_s()
        if now_s < self.held_until_s:  # said of a request that was under way when the first was told so
            wait_s = retry_after_s or 0.0
        else:
            wait_s = self._wait_s(retry_after_s)
            self._learn(now_s, wait_s)
        self.held_until_s = max(self.held_until_s, now_s + wait_s)

    def _wait_s(self, retry_after_s: float | None) -> float:
        self._holds_in_a_row += 1
        if retry_after_s is not None:
            return max(retry_after_s, SHORTEST_WAIT_S)
        return min(FIRST_WAIT_S * 2.0 ** (self._holds_in_a_row - 1), LONGEST_WAIT_S)

    def _learn(self, now_s: float, wait_s: float) -> None:
        since_s = now_s if self._since_s is None else self._since_s
        if self._answers >= FEWEST_ANSWERS:
            self._set_rate(self._answers / (now_s - since_s + wait_s))
        elif self.rate is not None:
            self._set_rate(self.rate / 2)
        self._answers = 0
        self._since_s = None

    def _set_rate(self, rate: float) -> None:
        self.rate = rate if self._limit is None else min(rate, self._limit)
        self._limiter = None

    def _current_limiter(self) -> AsyncLimiter | None:
        """One at a time goes through: no burst. A limiter belongs to one event loop."""
        loop = asyncio.get_running_loop()
        if self.rate is not None and (self._limiter is None or self._loop is not loop):
            self._limiter = AsyncLimiter(1, 1 / self.rate)
            self._loop = loop
        return self._limiter
