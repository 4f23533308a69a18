"""How pytest is asked to end: Ctrl-C by a person, SIGTERM by a CI system. To us they mean the same.

Owns who is told of them for a while. On SIGTERM Python itself leaves at once, with all that was measured.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

_OURSELVES = os.getpid()


def _as_by_ctrl_c(number: int, _frame: FrameType | None) -> None:
    """A handler of SIGTERM. What was forked meanwhile, such as a server of a fixture, ends as ever."""
    if os.getpid() == _OURSELVES:
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


# What each does where nobody has given it another meaning, or we have made the one mean the other.
_USUAL: dict[signal.Signals, tuple[Any, ...]] = {
    signal.SIGINT: (signal.default_int_handler,),
    signal.SIGTERM: (signal.SIG_DFL, _as_by_ctrl_c),
}


@contextmanager
def told_to_end(
    handler: Callable[[int, FrameType | None], Any], signals: Iterable[signal.Signals] = tuple(_USUAL)
) -> Iterator[None]:
    """Within this the handler is called instead of what usually happens. Handlers of others stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: signal.getsignal(number) for number in signals}
    ours = [number for number, then in usual.items() if then in _USUAL[number]]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in reversed(ours):  # Ctrl-C last: what it raises would keep the others
            if signal.getsignal(number) is handler:  # else somebody has given it another meaning meanwhile
                signal.signal(number, usual[number])


def terminated_as_by_ctrl_c() -> AbstractContextManager[None]:
    """Within this SIGTERM raises KeyboardInterrupt, too."""
    return told_to_end(_as_by_ctrl_c, [signal.SIGTERM])


@contextmanager
def undisturbed() -> Iterator[None]:
    """KeyboardInterrupt is raised behind this, and not in it: what was measured is being kept or shown. An
    error of what is in it does not make it forgotten.
    """
    asked: list[int] = []
    try:
        with told_to_end(lambda number, _frame: asked.append(number)):
            yield
    finally:
        if asked:
            raise KeyboardInterrupt
