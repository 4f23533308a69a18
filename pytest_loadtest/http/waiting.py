"""How plain code waits on the event loop: the contracts between the sync client and whoever drives it.

Must not know greenlets or virtual users.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class AwaitOnly(Protocol):
    """Waits for an awaitable from plain code that runs on the event loop, and gives its result."""

    def __call__(self, awaitable: Awaitable[T], /) -> T: ...


def pumped(iterator: AsyncIterator[T], await_only: AwaitOnly) -> Iterator[T]:
    """What an asynchronous iterator gives, for plain code."""
    end = object()
    while (item := await_only(anext(iterator, end))) is not end:
        yield item  # type: ignore[misc]  # not the end, so a T


class PlainBody(Protocol):
    """Makes plain functions awaitable, one at a time; what they wait for lets others go on."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...

    def close(self) -> None: ...
