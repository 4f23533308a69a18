"""A response whose body comes while the caller reads it: httpx's streaming interface over a StreamedAnswer.

Owns what has been consumed, and the bound on a body that is read whole after all. Must not know connections.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import httpx

from pytest_loadtest.http.body_iteration import PartsStream
from pytest_loadtest.http.content import BodyDecoder, oversize
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.response import Response
from pytest_loadtest.http.routes import Route
from pytest_loadtest.http.streaming import StreamedAnswer
from pytest_loadtest.http.waiting import AwaitOnly, pumped

T = TypeVar("T")


class StreamedResponse(Response):
    """`await_only` is set for plain code, which then has the `iter_` methods."""

    await_only: AwaitOnly | None = None

    def __init__(
        self, answer: StreamedAnswer, route: Route, sent: bytes, name: str, max_body_bytes: int
    ) -> None:
        self._answer = answer
        self._max_body_bytes = max_body_bytes
        self._source: httpx.Response | None = None
        self._is_read = False
        self.is_stream_consumed = False
        self.is_closed = False
        self.status_code = answer.head.status
        self.name = name
        self._head = answer.head
        self._body_bytes = 0
        self._route = route
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        if name == "content":  # set when it has been read
            raise httpx.ResponseNotRead
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # -- reading -------------------------------------------------------------------------------------

    async def aread(self) -> bytes:
        """The rest of the body at once, at most `max_body` of it."""
        if not self._is_read:
            parts: list[bytes] = []
            size = 0
            async for part in self.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > self._max_body_bytes:
                    self._spoil(oversize(self._max_body_bytes))
            self.content = b"".join(parts)
            self._is_read = True
            self._source = None
        return self.content

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """The body as it was sent, content codings and all."""
        return httpx.Response(self.status_code, stream=PartsStream(self._raw_parts())).aiter_raw(chunk_size)

    async def aclose(self) -> None:
        """Leave the answer; what has come counts."""
        self.leave(None)

    def leave(self, error: BaseException | None) -> None:
        """The caller reads no more: `error` is why, if it has not simply seen enough."""
        self.is_closed = True
        self._answer.close(error)

    @contextmanager
    def left_afterwards(self) -> Iterator[Self]:
        """Leaves it with the block, and knows what the block was left with."""
        try:
            yield self
        except BaseException as error:
            self.leave(error)
            raise
        self.leave(None)

    @property
    def num_bytes_downloaded(self) -> int:
        return self._body_bytes

    @property
    def elapsed(self) -> datetime.timedelta:
        """Until the last byte that has come."""
        if not self.is_closed:
            raise RuntimeError("'.elapsed' may only be accessed after the response has been read or closed.")
        return datetime.timedelta(microseconds=self._answer.elapsed_ns / 1000)

    # -- the same for plain code ---------------------------------------------------------------------

    def read(self) -> bytes:
        return self._waiter()(self.aread())

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._pumped(self.aiter_raw(chunk_size))

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._pumped(self.aiter_bytes(chunk_size))

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        return self._pumped(self.aiter_text(chunk_size))

    def iter_lines(self) -> Iterator[str]:
        return self._pumped(self.aiter_lines())

    def close(self) -> None:
        self.leave(None)

    def _pumped(self, iterator: AsyncIterator[T]) -> Iterator[T]:
        return pumped(iterator, self._waiter())

    def _waiter(self) -> AwaitOnly:
        if self.await_only is None:
            raise RuntimeError("Attempted to call a sync method on an async stream.")
        return self.await_only

    # -- where the parts come from -------------------------------------------------------------------

    def _body_source(self) -> httpx.Response:
        if self._is_read:
            return self.to_httpx()
        if self._source is None:
            self._source = httpx.Response(
                self.status_code,
                headers=self._headers_but_content_encoding(),
                stream=PartsStream(self._decoded()),
                request=self.request,
                default_encoding=self.default_encoding,
            )
        return self._source

    async def _raw_parts(self) -> AsyncIterator[bytes]:
        if self.is_stream_consumed:
            raise httpx.StreamConsumed
        if self.is_closed:
            raise httpx.StreamClosed
        self.is_stream_consumed = True
        async for part in self._answer.parts():
            self._body_bytes += len(part)
            yield part
        self.is_closed = True

    async def _decoded(self) -> AsyncIterator[bytes]:
        if not self._head.encoded:
            async for part in self._raw_parts():
                yield part
            return
        try:
            decoder = BodyDecoder(self._head)
            self._answer.at_end = decoder.finish
            async for part in self._raw_parts():
                for piece in decoder.decode(part):
                    yield piece
        except Failure as failure:
            self._spoil(failure)

    def _spoil(self, failure: Failure) -> None:
        """The body is not what it should be: the request has failed."""
        self.leave(failure)
        raise failure.error(f"{failure.phrase}: {self.location}", request=self.request) from None
