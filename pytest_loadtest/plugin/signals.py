"""How pytest is asked to end: Ctrl-C by a person, SIGTERM by a CI system. To us they mean the same.

Owns who is told of them for a while. On SIGTERM Python itself leaves at once, with all that was measured.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# What each does where nobody has given it another meaning.
_USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


@contextmanager
def told_to_end(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within this the handler is called instead of what usually happens. Handlers of others stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number, usual in _USUAL.items() if signal.getsignal(number) is usual]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _USUAL[number])


@contextmanager
def undisturbed() -> Iterator[None]:
    """KeyboardInterrupt is raised behind this, and not in it: what was measured is being kept or shown."""
    asked: list[int] = []
    with told_to_end(lambda number, _frame: asked.append(number)):
        yield
    if asked:
        raise KeyboardInterrupt
