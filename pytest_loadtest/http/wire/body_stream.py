"""The body of a streamed answer on its way from the connection to its caller, in the parts that were read.

Owns the few parts that wait: when they are too many the connection is told to stop reading, so that an
endless answer to a slow caller takes no memory. Must not know connections or requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pytest_loadtest.http.failures import Failure

HIGH_WATER_BYTES: Final = 256 * 1024  # one read of the event loop; above it reading stops


class BodyStream:
    """One reader, one writer, on one event loop. `expect` is called when the reader begins to wait."""

    __slots__ = (
        "_buffered",
        "_ended",
        "_expect",
        "_parts",
        "_pause",
        "_resume",
        "_waiter",
        "failure",
        "is_paused",
    )

    def __init__(
        self, pause: Callable[[], None], resume: Callable[[], None], expect: Callable[[], None]
    ) -> None:
        self._pause = pause
        self._resume = resume
        self._expect = expect
        self._parts: list[bytes] = []
        self._buffered = 0
        self._ended = False
        self.failure: Failure | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.is_paused = False

    def __repr__(self) -> str:
        state = "failed" if self.failure else "ended" if self._ended else "open"
        return f"<BodyStream {state} buffered={self._buffered}>"

    # -- the connection ------------------------------------------------------------------------------

    def put(self, part: bytes) -> None:
        self._parts.append(part)
        self._buffered += len(part)
        if self._buffered > HIGH_WATER_BYTES and not self.is_paused:
            self.is_paused = True
            self._pause()
        self._wake()

    def end(self) -> None:
        self._ended = True
        self.is_paused = False
        self._wake()

    def fail(self, failure: Failure) -> None:
        """What came before is still given; then `get` raises."""
        self.failure = failure
        self.end()

    # -- the caller ----------------------------------------------------------------------------------

    async def get(self) -> bytes:
        """All that has come since the last time; empty at the end. Raises Failure if there is none.

        In one piece: a server may send its body in chunks of one byte.
        """
        while not self._parts:
            if self.failure is not None:
                raise self.failure
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            self._expect()
            try:
                await self._waiter
            finally:
                self._waiter = None
        parts, self._parts, self._buffered = self._parts, [], 0
        if self.is_paused:
            self.is_paused = False
            self._resume()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
