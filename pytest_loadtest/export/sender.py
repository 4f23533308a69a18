"""One exporter and the thread it works in: the load hands over batches and never waits.

Owns the bound of what may wait, what is lost beyond it, and what is said about failures in the end. A library
that hangs is left behind when its time is over: its thread does not keep the process.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic

from pytest_loadtest.core.printable import printable
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.export.exporter import Exporter
from pytest_loadtest.export.points import Batch, merged

# Half a minute of looks: longer than any time-out here, and some MB with 500 names at most.
MOST_WAITING = 30
# When more wait, they become one: a receiver that takes longer than a second gets everything, but less often.
MOST_APART = 3
_LONGEST_REASON = 200  # characters


class Sender:
    """`start` it once; `put` from any thread; `finish` and `wait` in the end."""

    def __init__(self, exporter: Exporter, label: str) -> None:
        self._exporter = exporter
        self._label = label
        self._waiting: deque[Batch] = deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()
        self._is_finishing = False
        self._is_left_behind = False
        self._is_failing = False  # the latest export has failed
        self._thread = threading.Thread(target=self._work, name=f"load export: {label}", daemon=True)
        self.exported = 0
        self.lost = 0
        self.reason = ""  # why the last batch that was lost was lost

    def start(self) -> None:
        """From now on what is put is exported."""
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Returns at once. When too many wait, the oldest is lost."""
        with self._changed:
            if len(self._waiting) == MOST_WAITING:
                self._lose("the receiver is too slow")
            self._waiting.append(batch)
            self._changed.notify()

    def finish(self) -> None:
        """Export what waits, then close. Returns at once. Where nothing arrives, only the last is tried."""
        with self._changed:
            while self._is_failing and len(self._waiting) > 1:
                self._waiting.popleft()
                self._lose(self.reason)
            self._is_finishing = True
            self._changed.notify()

    def wait(self, until_s: float) -> None:
        """For `finish` to be done; no longer than until this time of the monotonic clock."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, until_s - monotonic()))
            self._is_left_behind = self._thread.is_alive()

    @property
    def note(self) -> str:
        """What went wrong; empty if nothing did."""
        with self._changed:
            lost = self.lost + (len(self._waiting) + 1 if self._is_left_behind else 0)
            if not lost and not self.reason:
                return ""
            reason = self.reason or "the receiver does not answer"
            total = self.exported + lost
        what = f"{lost} of {total} exports failed" if lost else "not closed"
        return f"--load-export {self._label}: {what}: {reason}"

    # -- the thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        is_ready = False
        while batches := self._next():
            try:
                if not is_ready:
                    self._exporter.begin()
                    is_ready = True
                self._exporter.export(merged(batches) if len(batches) > 1 else batches[0])
            except Exception as error:
                with self._changed:
                    self._is_failing = True
                    self._lose(_reason_of(error), len(batches))
            else:
                with self._changed:
                    self._is_failing = False
                    self.exported += len(batches)
        try:
            self._exporter.close()
        except Exception as error:
            self.reason = self.reason or _reason_of(error)

    def _next(self) -> list[Batch]:
        """The next to export; several of one load when many wait, none when there will be no more."""
        with self._changed:
            while not self._waiting and not self._is_finishing:
                self._changed.wait()
            if not self._waiting:
                return []
            batches = [self._waiting.popleft()]
            if len(self._waiting) >= MOST_APART:
                while self._waiting and self._waiting[0].common == batches[0].common and not batches[-1].last:
                    batches.append(self._waiting.popleft())
            return batches

    def _lose(self, reason: str, n: int = 1) -> None:
        self.lost += n
        self.reason = reason


def _reason_of(error: Exception) -> str:
    text = redact(str(error)) or type(error).__name__
    return " ".join(printable(text).split())[:_LONGEST_REASON]
