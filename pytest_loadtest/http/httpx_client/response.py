"""Responses of httpx made from measured answers: what they tell is httpx's own, their `elapsed` is ours.

Must not know clients or how answers come.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, NoReturn, Protocol, Self

import httpx

from pytest_loadtest.http.body_iteration import PartsStream
from pytest_loadtest.http.content import BodyDecoder, oversize
from pytest_loadtest.http.decoding import parse_json
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.response import Response, extensions_of
from pytest_loadtest.http.streaming import StreamedAnswer
from pytest_loadtest.http.wire.head import Head


class WholeResponse(httpx.Response):
    """All of it is there; `read` at once, or later as httpx does between its hooks.

    Making a response and reading the body that is there takes httpx 23 us (decoders, chunkers, three
    generators); this takes 3.5 us.
    """

    def __init__(self, response: Response, request: httpx.Request, *, is_read: bool) -> None:
        super().__init__(
            response.status_code,
            headers=response.head.raw_headers,
            stream=httpx.ByteStream(response.content),
            request=request,
            extensions=extensions_of(response.head),
        )
        self._measured = response
        self._is_read = self.is_closed = self.is_stream_consumed = is_read

    @property
    def sets_cookies(self) -> bool:
        return self._measured.head.sets_cookies

    def unread(self) -> Self:
        """As it came: for httpx, to do with it what it does with every answer."""
        self._is_read = self.is_closed = self.is_stream_consumed = False
        return self

    @property
    def content(self) -> bytes:
        if not self._is_read:
            raise httpx.ResponseNotRead
        return self._measured.content

    @property
    def elapsed(self) -> datetime.timedelta:
        """From just before the request was written to the last byte of the answer."""
        return self._measured.elapsed

    @elapsed.setter
    def elapsed(self, _: datetime.timedelta) -> None:
        """It is known already; httpx tells when the response was closed."""

    @property
    def num_bytes_downloaded(self) -> int:
        return self._measured.num_bytes_downloaded

    def json(self, **kwargs: Any) -> Any:
        return super().json(**kwargs) if kwargs else parse_json(self.content)

    def read(self) -> bytes:
        self._is_read = self.is_closed = self.is_stream_consumed = True
        return self._measured.content

    async def aread(self) -> bytes:
        return self.read()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        content = self.read()
        size = max(len(content) if chunk_size is None else chunk_size, 1)
        for start in range(0, len(content), size):
            yield content[start : start + size]

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        for part in self.iter_bytes(chunk_size):
            yield part


class Answer(Protocol):
    """A streamed answer, as far as a response needs it.

    `at_end` is called when all of the body has come, before it is recorded; it raises Failure if that should
    not have been the end.
    """

    at_end: Callable[[], None] | None

    @property
    def elapsed_ns(self) -> int: ...

    def close(self, error: BaseException | None = None) -> None: ...


class StreamedResponse(httpx.Response):
    """Its body comes while it is read; one that does not decode is a failed request.

    Content codings are undone by our decoders: their pieces are bounded, so that a few bytes cannot become
    gigabytes. What is read at once, with `read` or `aread`, is bounded as a whole.
    """

    def __init__(
        self,
        head: Head,
        answer: Answer,
        stream: httpx.AsyncByteStream,
        extensions: Mapping[str, Any],
        max_body_bytes: int,
    ) -> None:
        super().__init__(head.status, headers=head.raw_headers, stream=stream, extensions=dict(extensions))
        self._answer = answer
        self._head = head
        self._max_body_bytes = max_body_bytes
        self._is_collected = False

    @property
    def elapsed(self) -> datetime.timedelta:
        """From just before the request was written to the last byte that came; once it is closed."""
        return super().elapsed

    @elapsed.setter
    def elapsed(self, _: datetime.timedelta) -> None:
        """Set by httpx as the response is closed, with a later time than that of the last byte."""
        measured = datetime.timedelta(microseconds=self._answer.elapsed_ns / 1000)
        httpx.Response.elapsed.fset(self, measured)  # type: ignore[attr-defined]  # a property's setter

    def read(self) -> bytes:
        self._is_collected = True
        return super().read()

    async def aread(self) -> bytes:
        self._is_collected = True
        return await super().aread()

    def __getstate__(self) -> dict[str, Any]:
        """As httpx: what has been read, without the connection it came from."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_answer", "_head")}

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        if self.is_closed:  # httpx has kept what was read, or knows why there is nothing
            return super().iter_bytes(chunk_size)
        return httpx.Response(self.status_code, stream=_Parts(self._decoded())).iter_bytes(chunk_size)

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        if self.is_closed:
            return super().aiter_bytes(chunk_size)
        return httpx.Response(self.status_code, stream=PartsStream(self._adecoded())).aiter_bytes(chunk_size)

    def _decoded(self) -> Iterator[bytes]:
        meter = self._piece_meter()
        try:
            decoder = BodyDecoder(self._head)
            self._answer.at_end = decoder.finish
            for part in self.iter_raw():
                for piece in decoder.decode(part):
                    yield meter(piece)
        except Failure as failure:
            self._spoil(failure)

    async def _adecoded(self) -> AsyncIterator[bytes]:
        meter = self._piece_meter()
        try:
            decoder = BodyDecoder(self._head)
            self._answer.at_end = decoder.finish
            async for part in self.aiter_raw():
                for piece in decoder.decode(part):
                    yield meter(piece)
        except Failure as failure:
            self._spoil(failure)

    def _piece_meter(self) -> Callable[[bytes], bytes]:
        """Lets pieces through until a collected body is too large; then raises Failure."""
        left = self._max_body_bytes if self._is_collected else None

        def through(piece: bytes) -> bytes:
            nonlocal left
            if left is not None:
                left -= len(piece)
                if left < 0:
                    raise oversize(self._max_body_bytes)
            return piece

        return through

    def _spoil(self, failure: Failure) -> NoReturn:
        """The body is not what it should be: the request has failed."""
        self._answer.close(failure)
        raise failure.error(failure.phrase, request=self.request) from None


class _Parts(httpx.SyncByteStream):
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


class AnswerStream(httpx.AsyncByteStream):
    """The body of an answer as it comes, once."""

    def __init__(self, answer: StreamedAnswer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.parts():
            yield part

    async def aclose(self) -> None:
        """The exception in flight, if any, is why: a user who is cancelled has not simply seen enough."""
        self._answer.close(sys.exception())
