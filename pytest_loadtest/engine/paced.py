"""The intended starts of one paced user: on absolute times, at even distances, none of them skipped.

It waits for them and counts those that never came to be. What is started is not its business.
"""

from __future__ import annotations

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.alarm import Alarm
from pytest_loadtest.engine.horizon import Horizon
from pytest_loadtest.engine.scheduling import LoadClock


class PacedStarts:
    """Those of one span of the user's time, of which `ends_ns` is the planned end."""

    def __init__(
        self,
        first_ns: int,
        pacing_ns: int,
        ends_ns: int,
        *,
        horizon: Horizon,
        clock: LoadClock,
        alarm: Alarm,
        recorder: Recorder,
    ) -> None:
        self._next_ns = first_ns
        self._pacing_ns = pacing_ns
        self._ends_ns = ends_ns
        self._horizon = horizon
        self._clock = clock
        self._alarm = alarm
        self._recorder = recorder

    async def is_due(self) -> bool:
        """Wait for the next one; False when the span ends before it.

        Users go home only when their time is over: until then, the load may become longer.
        """
        while (ends_ns := self._horizon.moment(self._ends_ns)) <= self._next_ns:
            if ends_ns <= self._clock.elapsed_ns():
                return False
            await self._clock.sleep_until(ends_ns)
        if self._next_ns > self._clock.elapsed_ns():
            await self._alarm.sleep_until(self._next_ns)
            # The user was free, so only we can be why it begins late.
            late_ns = self._clock.elapsed_ns() - self._next_ns
            self._recorder.started_late(self._clock.at(self._next_ns), late_ns)
        return True

    def take(self) -> int:
        """It begins now. Returns how late that is."""
        delay_ns = max(0, self._clock.elapsed_ns() - self._next_ns)
        self._next_ns += self._pacing_ns
        return delay_ns

    def drop(self) -> None:
        """None of the others can begin any more: count them."""
        slice_ns, ends_ns = self._recorder.metrics.slice_ns, self._horizon.moment(self._ends_ns)
        while self._next_ns < ends_ns:  # a slice at a time: there may be very many
            slice_ends_ns = min((self._next_ns // slice_ns + 1) * slice_ns, ends_ns)
            n = -((self._next_ns - slice_ends_ns) // self._pacing_ns)
            self._recorder.dropped(self._clock.at(self._next_ns), n)
            self._next_ns += n * self._pacing_ns
