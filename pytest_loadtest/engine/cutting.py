"""Cutting: cancelling what a virtual user is doing, and knowing when its code has obeyed.

Owns the cancellations that the engine asked for, so that each can be taken back once it has arrived:
the task of a user that was cut goes on to its tear-down as if it had never been cancelled. It does not
know why a user is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_loadtest.engine.virtual_user import VirtualUser

# What code that was cancelled may take to clean up, and how often it is cancelled before it is given up.
CLEAN_UP_S = 5.0
MOST_CUTS = 3


@dataclass(slots=True)
class _Cut:
    task: asyncio.Task[None]
    times: int
    again: asyncio.TimerHandle


class Cutter:
    """Cancels tasks of virtual users; `give_up` is told of a user whose code goes on all the same."""

    def __init__(self, give_up: Callable[[VirtualUser], None]) -> None:
        self._give_up = give_up
        self._cuts: dict[int, _Cut] = {}

    def cut(self, user: VirtualUser, task: asyncio.Task[None]) -> None:
        """Cancel what the user is doing, once: it may be asked for by several. Not from its own task."""
        if user.id not in self._cuts and not task.done():
            self._cancel(user, task, 1)

    def take(self, user: VirtualUser) -> None:
        """What the user was doing has ended: its task is no longer being cancelled."""
        cut = self._cuts.pop(user.id, None)
        if cut is None:
            return
        cut.again.cancel()
        user.was_cut = False
        for _ in range(cut.times):
            cut.task.uncancel()

    @contextmanager
    def surviving(self, user: VirtualUser) -> Iterator[None]:
        """A user that is cut while it waits for its turn goes on behind this block."""
        try:
            yield
        except asyncio.CancelledError:
            if not user.was_cut:
                raise
            self.take(user)

    def close(self) -> None:
        """Nobody is cancelled again."""
        for cut in self._cuts.values():
            cut.again.cancel()
        self._cuts.clear()

    def _cancel(self, user: VirtualUser, task: asyncio.Task[None], times: int) -> None:
        again = asyncio.get_running_loop().call_later(CLEAN_UP_S, self._cancel_again, user)
        self._cuts[user.id] = _Cut(task, times, again)
        user.was_cut = True
        task.cancel()

    def _cancel_again(self, user: VirtualUser) -> None:
        cut = self._cuts.pop(user.id)
        if cut.task.done():
            return
        if cut.times < MOST_CUTS:
            self._cancel(user, cut.task, cut.times + 1)
        else:
            self._give_up(user)
