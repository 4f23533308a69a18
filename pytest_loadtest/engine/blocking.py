"""Finds the line of a test that blocks the event loop: ``time.sleep``, ``requests.get``, long computing.

A thread of its own looks at a heartbeat, which the probe of the read delay is: while the loop does not come
to read a timer, nothing else happens either. Whose code a frame is, is decided here for the engine.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter_ns
from types import FrameType

from pytest_loadtest.core.generator import MOST_PLACES, BlockedPlace
from pytest_loadtest.core.redaction import redact_source
from pytest_loadtest.core.units import NS_PER_S

# Long enough for no garbage collection to be taken for it; users of a web page notice it.
BLOCKED_NS = 100_000_000
# While the loop is known to be blocked.
LOOK_AGAIN_S = 0.05
# What a line of source keeps of itself.
LONGEST_SOURCE = 60
_FOREIGN = (
    str(Path(__file__).parents[1]),
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("platstdlib"),
    sysconfig.get_path("purelib"),
    sysconfig.get_path("platlib"),
    "<",  # frozen and made-up modules
    "uvloop/",  # compiled: its frames carry a relative path
)


class BlockWatch:
    """Watches the thread that made it. `due_ns` tells the time by which the loop is to move next."""

    def __init__(self, due_ns: Callable[[], int]) -> None:
        self._due_ns = due_ns
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="load block watch", daemon=True)
        self._caught: tuple[int, tuple[str, int]] | None = None  # since when, at which line
        self._places: dict[tuple[str, int], BlockedPlace] = {}
        # Below the loop are whoever runs it: pytest, and wrappers of tests that are the user's code too.
        self._below = frozenset(id(frame) for frame in _chain(sys._getframe()) if _is_users(frame))

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()

    def moved_on(self, due_ns: int, late_ns: int, waited_ns: int) -> None:
        """The loop's own word: it was to move at `due_ns`, and has done so only so much later, of which it
        waited for a CPU for `waited_ns`.
        """
        caught, self._caught = self._caught, None
        if caught is None or caught[0] != due_ns:
            return  # not looked at in time, or in code that is not the user's
        if late_ns - waited_ns < BLOCKED_NS:
            return  # whatever line it was at: others had the CPU
        place = caught[1]
        if place in self._places or len(self._places) < MOST_PLACES:
            self._places.setdefault(place, BlockedPlace()).add(1, late_ns)

    def places(self) -> Iterator[tuple[str, BlockedPlace]]:
        """Where it was blocked, with the source of the line."""
        for (filename, line), block in self._places.items():
            source = redact_source(linecache.getline(filename, line).strip())[:LONGEST_SOURCE]
            yield f"{_short(filename)}:{line}" + (f" ({source})" if source else ""), block

    def _watch(self) -> None:
        """Sleep until the loop could be called blocked: nine wake-ups a second when it never is."""
        wait_s = 0.0
        while not self._over.wait(wait_s):
            due_ns = self._due_ns()
            left_ns = due_ns + BLOCKED_NS - perf_counter_ns()
            if left_ns > 0:
                wait_s = left_ns / NS_PER_S
                continue
            place, caught = self._place(), self._caught
            is_known = caught is not None and caught[0] == due_ns
            if place is not None and not is_known and self._due_ns() == due_ns:
                self._caught = due_ns, place
            wait_s = LOOK_AGAIN_S

    def _place(self) -> tuple[str, int] | None:
        """The innermost line of the watched thread that is neither a library's nor ours."""
        innermost = sys._current_frames().get(self._watched)  # in a sync body, of its greenlet
        frame = next(filter(_is_users, _chain(innermost)), None)
        if frame is None or id(frame) in self._below:
            return None
        return frame.f_code.co_filename, frame.f_lineno


def _chain(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_users(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(_FOREIGN)


def _short(filename: str) -> str:
    """Relative to where pytest was started, if it lies below."""
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive
        return filename
    return filename if relative.startswith("..") else relative
