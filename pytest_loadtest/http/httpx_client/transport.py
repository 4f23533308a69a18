"""Our connections as a transport of httpx: what any httpx client sends through it is measured as `http` is.

Owns the way from a request of httpx to an exchange and from its answer to a response of httpx. Must not know
clients: what they have decided is in the request's extensions and in what they leave in `sending`.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.arguments import Terms
from pytest_loadtest.http.encoding import encode_request
from pytest_loadtest.http.exchange import Exchanger
from pytest_loadtest.http.httpx_client.requests import RequestBuilder
from pytest_loadtest.http.httpx_client.response import (
    AnswerStream,
    StreamedResponse,
    WholeResponse,
)
from pytest_loadtest.http.httpx_client.sending import Sending, TermsTable, name_of, sending
from pytest_loadtest.http.response import extensions_of
from pytest_loadtest.http.waiting import AwaitOnly, pumped


class LoadTransport(httpx.AsyncBaseTransport):
    """One per client. The connections belong to whoever made the exchanger, who closes them."""

    def __init__(self, exchanger: Exchanger, builder: RequestBuilder, terms: TermsTable) -> None:
        self._exchanger = exchanger
        self._builder = builder
        self._terms = terms

    def __repr__(self) -> str:
        return f"<LoadTransport {self._exchanger!r}>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer with its body still to come, unless the client said that it reads all of it."""
        now = sending.get()
        if now is not None and now.answered is not None and now.request is request:
            return now.answered
        terms = self._terms.while_sending(request, now)
        if now is not None and now.whole:
            return await self.exchange(request, terms, now)
        route = self._builder.route(request)
        sent = await self._builder.write_any(request, route.origin)
        answer = await self._exchanger.open(route, sent, name_of(request, route.name, now), terms)
        stream, max_body_bytes = AnswerStream(answer), self._exchanger.max_body_bytes
        return StreamedResponse(answer.head, answer, stream, extensions_of(answer.head), max_body_bytes)

    async def exchange(
        self, request: httpx.Request, terms: Terms, now: Sending | None = None
    ) -> WholeResponse:
        """The whole answer; read already unless it goes through httpx, as `now` says."""
        route = self._builder.route(request)
        sent = self._builder.write(request, route.origin)
        if sent is None:
            sent = await encode_request(request, route.origin)
        name = name_of(request, route.name, now)
        try:
            response = await self._exchanger.exchange(route, sent, name, terms)
        except httpx.RequestError as error:
            error.request = request
            raise
        return WholeResponse(response, request, is_read=now is None)

    def too_many_redirects(self, request: httpx.Request, message: str) -> None:
        """One more failed request, under the name of the first hop."""
        name = name_of(request, self._builder.route(request).name)
        self._exchanger.record_unsent(name, Outcome.TOO_MANY_REDIRECTS, message)


class SyncTransport(httpx.BaseTransport):
    """An asynchronous transport for the plain code of the same virtual user: waits in its greenlet."""

    def __init__(self, transport: httpx.AsyncBaseTransport, await_only: AwaitOnly) -> None:
        self._transport = transport
        self._await_only = await_only

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(request.stream, httpx.AsyncByteStream):
            request.read()
        response = self._await_only(self._transport.handle_async_request(request))
        if not isinstance(response.stream, httpx.SyncByteStream):
            assert isinstance(response.stream, httpx.AsyncByteStream)
            response.stream = _SyncStream(response.stream, self._await_only)
        return response


class _SyncStream(httpx.SyncByteStream):
    """An asynchronous body for plain code."""

    def __init__(self, stream: httpx.AsyncByteStream, await_only: AwaitOnly) -> None:
        self._stream = stream
        self._await_only = await_only

    def __iter__(self) -> Iterator[bytes]:
        return pumped(aiter(self._stream), self._await_only)

    def close(self) -> None:
        self._await_only(self._stream.aclose())
