"""What the engine is asked to run: the contract between a load and whoever wants it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pytest_loadtest.engine.virtual_user import VirtualUser

Body = Callable[[], Awaitable[object]]


class Program(Protocol):
    """What the users of a load do."""

    def session(self, user: VirtualUser) -> AbstractAsyncContextManager[Body]:
        """Set-up and tear-down of one user around its body."""

    def is_failure(self, error: BaseException) -> bool:
        """Whether an exception of the body fails its iteration; if not, it ends the load."""

    def signature(self, error: BaseException) -> tuple[str, str]:
        """An exception's type and place: failures with the same signature are one group."""

    def describe(self, error: BaseException) -> tuple[str, str]:
        """An exception's message and traceback, without secrets. Called once for each group."""
