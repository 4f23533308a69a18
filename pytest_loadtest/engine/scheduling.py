"""Waiting for the engine: until a moment of the load, until the last of many. No policy.

Moments are ns since the load's start. The clock is an argument, so that tests run on virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable

from pytest_loadtest.core.units import NS_PER_S


class LoadClock:
    """The time since the load began. Before `start` it is 0."""

    __slots__ = ("now", "origin_ns")

    def __init__(self, clock: Callable[[], int]) -> None:
        self.now = clock  # the underlying clock: what recorders are told
        self.origin_ns: int | None = None

    def start(self) -> int:
        """Begin now; returns the origin on the underlying clock."""
        self.origin_ns = self.now()
        return self.origin_ns

    def elapsed_ns(self) -> int:
        """How long the load has been running."""
        return 0 if self.origin_ns is None else self.now() - self.origin_ns

    def at(self, moment_ns: int) -> int:
        """A moment of the load on the underlying clock."""
        return (self.origin_ns or 0) + moment_ns

    async def sleep_until(self, moment_ns: int) -> None:
        """Return at the moment or later, never earlier; at once when it is past.

        uvloop's timers may fire 0.2 ms early (its clock ticks in ms), hence the loop.
        """
        while (left_ns := moment_ns - self.elapsed_ns()) > 0:  # noqa: ASYNC110 - the clock gives no event
            await asyncio.sleep(left_ns / NS_PER_S)


class Countdown:
    """An event that comes when the last of its members has reported. Reporting twice is reporting once."""

    __slots__ = ("_left", "over")

    def __init__(self, members: Iterable[Hashable]) -> None:
        self._left = set(members)
        self.over = asyncio.Event()
        if not self._left:
            self.over.set()

    def __contains__(self, member: Hashable) -> bool:
        """Whether it has not reported yet."""
        return member in self._left

    def report(self, member: Hashable) -> None:
        """One of them has reported."""
        self._left.discard(member)
        if not self._left:
            self.over.set()
