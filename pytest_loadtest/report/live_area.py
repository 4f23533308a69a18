"""A few lines beneath whatever else a terminal shows, redrawn in place, gone without a trace.

Between two frames the cursor stands where the others' text goes on, in the middle of a line if need be, and
the block below it. So to take it away is to clear the screen from there on: however the terminal was resized
since, nothing must be counted. Knows what it draws on, not what it draws.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import IO

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
_TAB = 8
_CLEAR_BELOW = "\x1b[J"
# Without automatic breaks a line that is too long after all is cut, and does not push the others down.
_NO_BREAKS, _BREAKS = "\x1b[?7l", "\x1b[?7h"

Size = tuple[int, int]  # columns, lines


class LiveArea:
    """Draws on `stream`. Text of others must come through `write`; threads may call anything.

    `column` is where the cursor stands, counted from 0.
    """

    def __init__(self, stream: IO[str], size: Callable[[], Size], *, column: int = 0) -> None:
        self._stream = stream
        self._size = size
        self._column = column
        self._lines: list[str] = []
        self._is_drawn = False
        self._lock = threading.RLock()  # Ctrl-C's handler may write while we do

    def show(self, lines: Sequence[str]) -> None:
        """Draw these, none wider than the terminal, instead of what was there."""
        with self._lock:
            self._lines = list(lines)
            self._frame("")

    def write(self, text: str) -> None:
        """Somebody else's text, above the block."""
        with self._lock:
            self._frame(text)

    def clear(self) -> None:
        """Leave only what others wrote."""
        self.show(())

    def _frame(self, text: str) -> None:
        """All of it in one write: what is half drawn is never seen."""
        before = _CLEAR_BELOW if self._is_drawn else ""
        self._column = column_after(self._column, text)
        drawn = self._drawn()
        self._is_drawn = bool(drawn)
        self._stream.write(before + text + drawn)
        self._stream.flush()

    def _drawn(self) -> str:
        columns, height = self._size()
        column = self._column % max(columns, 1)
        if self._column and not column:
            return ""  # the cursor waits at the edge, where no sequence can put it back
        room = height - bool(column) - 1
        rows = self._lines[: max(room, 0)]
        if not rows:
            return ""
        begin = "\r\n" if column else ""
        up = len(rows) - 1 + bool(column)
        back = "\r" + (f"\x1b[{up}A" if up else "") + (f"\x1b[{column}C" if column else "")
        return _NO_BREAKS + begin + "\r\n".join(rows) + back + _BREAKS


def column_after(column: int, text: str) -> int:
    """Where the cursor stands after a text, as if the terminal had no right edge."""
    plain = _ESCAPES.sub("", text)
    _, newline, last = plain.rpartition("\n")
    _, is_rewritten, tail = last.rpartition("\r")
    begins = 0 if newline or is_rewritten else column
    for part in tail.split("\t")[:-1]:
        begins = (begins + _cells(part)) // _TAB * _TAB + _TAB
    return begins + _cells(tail.split("\t")[-1])


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


class Beneath:
    """A text stream in another's place, whose text goes above the block. All else is the other's own."""

    def __init__(self, replaced: IO[str], area: LiveArea) -> None:
        self._replaced = replaced
        self._area = area

    def write(self, text: str) -> int:
        """As of any text stream."""
        self._area.write(text)
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        """As of any text stream."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Nothing is kept back."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._replaced, name)
