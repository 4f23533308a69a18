"""Linux's timerfd: a timer as a file descriptor that any event loop can read. Owns the calls to libc.

Event loops tick in milliseconds: a sleep of uvloop ends 0.2 ms early to 0.9 ms late. The kernel's timers are
exact to its interrupt. Python has `os.timerfd_create` from 3.13 on; until then it is libc's.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from time import perf_counter_ns
from typing import Self

from pytest_loadtest.core.units import NS_PER_S

# From <linux/time.h> and <linux/timerfd.h>; the flags are those of open().
_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerFd:
    """A one-shot timer. Its descriptor is readable from the moment it was armed for."""

    def __init__(self) -> None:
        """Raises OSError when there are no descriptors left."""
        libc = _libc()
        assert libc is not None, "is_supported() says whether there are timers"
        self._set_time = libc.timerfd_settime
        self._spec = _Itimerspec()
        self._spec_ref = ctypes.byref(self._spec)
        self._fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise _last_error()

    def fileno(self) -> int:
        """The descriptor; -1 when closed."""
        return self._fd

    def arm(self, at_ns: int) -> None:
        """Become readable at this time of `perf_counter_ns`, at once if it is past, and not before.

        Arming also takes back an expiry that nobody has read: no read() is needed in between.
        """
        # 0 would disarm it.
        self._spec.value.seconds, self._spec.value.nanoseconds = divmod(max(1, at_ns), NS_PER_S)
        if self._set_time(self._fd, _TFD_TIMER_ABSTIME, self._spec_ref, None):
            raise _last_error()

    def acknowledge(self) -> None:
        """Be not readable until armed: loops call a reader again as long as there is something to read."""
        with suppress(BlockingIOError):  # a call that was on its way when the timer was armed anew
            os.read(self._fd, 8)

    def close(self) -> None:
        """Give the descriptor back. May come twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TimerFd {self._fd}>" if self._fd >= 0 else "<TimerFd closed>"


def open_timer(clock: Callable[[], int] = perf_counter_ns) -> TimerFd | None:
    """A timer for times of `clock`; None on other systems, with other clocks, without descriptors left."""
    if clock is not perf_counter_ns or not is_supported():
        return None
    try:
        return TimerFd()
    except OSError:
        return None


@cache
def is_supported() -> bool:
    """Whether there are such timers, on the clock of `perf_counter_ns`."""
    return _libc() is not None and "CLOCK_MONOTONIC" in time.get_clock_info("perf_counter").implementation


@cache
def _libc() -> ctypes.CDLL | None:
    # On 32 bits the fields of a timespec depend on how libc was built.
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    # PyDLL keeps the GIL: these calls do not wait, and to release it costs more than they do.
    libc = ctypes.PyDLL(None, use_errno=True)
    if not hasattr(libc, "timerfd_create"):
        return None
    libc.timerfd_create.argtypes = (ctypes.c_int, ctypes.c_int)
    libc.timerfd_settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    return libc


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
