"""The time of day and waiting, as arguments: a test of an hour's tokens does not take an hour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """`now_s` is Unix time: tokens expire by it, and other processes share it."""

    now_s: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


# A wait without an end is made of these: an hour's timer costs nothing.
LONG_WAIT_S = 3600.0


async def wait_for_ever(clock: Clock) -> None:
    """Until cancelled."""
    while True:
        await clock.sleep(LONG_WAIT_S)
