"""A virtual user's HTTP client: the interface of httpx on a transport made for load.

Owns the short way of an ordinary request: encode, exchange. What is not ordinary goes through httpx.Request
and a Conversation. Must not know the engine; it sees its virtual user only as a RequestOwner.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx

from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.http.arguments import (
    UNSET,
    AuthTypes,
    BodyOptions,
    ContentTypes,
    CookieTypes,
    Expect,
    FilesTypes,
    HeaderTypes,
    QueryParamTypes,
    RequestOptions,
    Terms,
    TimeoutTypes,
    Unset,
    URLTypes,
)
from pytest_loadtest.http.conversation import Conversation
from pytest_loadtest.http.defaults import ClientDefaults
from pytest_loadtest.http.encoding import merge_headers
from pytest_loadtest.http.exchange import Exchanger
from pytest_loadtest.http.ordinary import encode_ordinary
from pytest_loadtest.http.redirects import REDIRECT_STATUSES
from pytest_loadtest.http.response import Response
from pytest_loadtest.http.routes import merge_url
from pytest_loadtest.http.streamed_response import StreamedResponse
from pytest_loadtest.http.transport import SharedTransport
from pytest_loadtest.http.websocket.user import WebSocketUser

if TYPE_CHECKING:
    from pytest_loadtest.http.websocket.session import SessionOptions, WebSocketSession

PendingResponse = Coroutine[Any, Any, Response]


class Client(ClientDefaults):
    """One per virtual user."""

    def __init__(self, owner: RequestOwner, shared: SharedTransport) -> None:
        super().__init__(owner.id, shared)
        self._exchanger = Exchanger(owner, shared, self._cookies_set)
        self._websockets = WebSocketUser(owner, shared)

    def __repr__(self) -> str:
        return f"<Client base_url={self.base_url!r} {self._exchanger!r}>"

    @property
    def exchanger(self) -> Exchanger:
        """For another client of the same virtual user, on the same connections."""
        return self._exchanger

    # Not `async def`: a coroutine of its own was 3 % of a request's CPU in a sampled profile.

    def get(self, url: URLTypes, **options: Unpack[RequestOptions]) -> PendingResponse:
        return self.request("GET", url, **options)

    def options(self, url: URLTypes, **options: Unpack[RequestOptions]) -> PendingResponse:
        return self.request("OPTIONS", url, **options)

    def head(self, url: URLTypes, **options: Unpack[RequestOptions]) -> PendingResponse:
        return self.request("HEAD", url, **options)

    def delete(self, url: URLTypes, **options: Unpack[RequestOptions]) -> PendingResponse:
        return self.request("DELETE", url, **options)

    def post(self, url: URLTypes, **options: Unpack[BodyOptions]) -> PendingResponse:
        return self.request("POST", url, **options)

    def put(self, url: URLTypes, **options: Unpack[BodyOptions]) -> PendingResponse:
        return self.request("PUT", url, **options)

    def patch(self, url: URLTypes, **options: Unpack[BodyOptions]) -> PendingResponse:
        return self.request("PATCH", url, **options)

    async def request(
        self,
        method: str,
        url: URLTypes,
        *,
        content: ContentTypes | None = None,
        data: Mapping[str, Any] | None = None,
        files: FilesTypes | None = None,
        json: Any = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,  # noqa: ASYNC109 - httpx's argument
        extensions: Mapping[str, Any] | None = None,
        name: str | None = None,
        expect: Expect | None = None,
    ) -> Response:
        """Send a request. `name` groups it in the results; `expect` says which statuses are successes.

        Raises the exceptions of httpx when there is no answer; an unexpected status is counted, not raised.
        """
        terms = self._terms
        if timeout is not UNSET or follow_redirects is not UNSET or expect is not None:
            terms = self._terms_of(timeout, follow_redirects, expect)
        if (
            content is None
            and data is None
            and files is None
            and cookies is None
            and auth is UNSET
            and extensions is None
            and self._is_bare
        ):
            route = self._routes.get(method, url)
            sent = encode_ordinary(route, params, headers, json, self._blocks, self._cookies)
            if sent is not None:
                response = await self._exchanger.exchange(route, sent, name or route.name, terms)
                if response.status_code in REDIRECT_STATUSES and terms.follows:
                    return await self._conversation(terms).follow(response)
                return response
        request = self.build_request(
            method,
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            extensions=extensions,
        )
        if extensions is not None and "timeout" in extensions:
            terms = self._terms_of(_timeout_of(request), follow_redirects, expect)
        return await self._conversation(terms).authenticated(
            request, self._auth_for(request, auth), name or ""
        )

    @asynccontextmanager
    async def stream(
        self, method: str, url: URLTypes, **options: Unpack[BodyOptions]
    ) -> AsyncIterator[StreamedResponse]:
        """``async with http.stream("GET", url) as response``: the body comes while it is read.

        It is one request in the results, from its start to the last byte that came before the block was left.
        """
        response = await self.open_stream(method, url, **options)
        with response.left_afterwards():
            yield response

    async def open_stream(
        self, method: str, url: URLTypes, **options: Unpack[BodyOptions]
    ) -> StreamedResponse:
        """What `stream` enters: to be left with the response's `aclose`."""
        auth = options.pop("auth", UNSET)
        name, expect = options.pop("name", None), options.pop("expect", None)
        follow_redirects = options.pop("follow_redirects", UNSET)
        return await self.send(  # type: ignore[return-value]  # what stream=True gives
            self.build_request(method, url, **options),  # type: ignore[misc]  # what is left are its arguments
            stream=True,
            auth=auth,
            follow_redirects=follow_redirects,
            name=name,
            expect=expect,
        )

    def build_request(
        self,
        method: str,
        url: URLTypes,
        *,
        content: ContentTypes | None = None,
        data: Mapping[str, Any] | None = None,
        files: FilesTypes | None = None,
        json: Any = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> httpx.Request:
        """A request of httpx with this user's defaults, to be changed and sent with `send`."""
        carried = dict(extensions or {})
        if not isinstance(timeout, Unset):
            carried["timeout"] = httpx.Timeout(timeout).as_dict()
        return httpx.Request(
            method,
            merge_url(self.base_url, url),
            content=content,
            data=data,
            files=files,
            json=json,
            params=self._merged_params(params),
            headers=merge_headers(self._headers, headers),
            cookies=self._merged_cookies(cookies),
            extensions=carried,
        )

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        name: str | None = None,
        expect: Expect | None = None,
    ) -> Response:
        """Send a built request; with `stream` the answer is a StreamedResponse, which the caller closes."""
        terms = self._terms_of(_timeout_of(request), follow_redirects, expect)
        conversation = self._conversation(terms, streamed=stream)
        return await conversation.authenticated(request, self._auth_for(request, auth), name or "")

    def websocket(
        self,
        url: URLTypes,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        name: str | None = None,
        expect: Expect | None = None,
        **options: Unpack[SessionOptions],
    ) -> WebSocketSession:
        """``async with http.websocket(path) as ws``: a WebSocket until the block is left."""
        # Imported where it is used: the library behind it takes 40 ms, and is not installed everywhere.
        from pytest_loadtest.http.websocket.session import WebSocketSession, http_url, opening_of

        request = self.build_request("GET", http_url(url), params=params, headers=headers, cookies=cookies)
        opening = opening_of(
            request,
            self._auth_for(request, auth),
            self._terms_of(timeout, UNSET, expect),
            self._routes.of("WS", request.url),
            name,
            lambda response: self.cookies.extract_cookies(response),
        )
        return WebSocketSession(self._websockets, opening, options)

    async def aclose(self) -> None:
        """Close every connection; afterwards no socket is left. Requests that are still open fail."""
        await self._websockets.aclose()
        await self._exchanger.aclose()

    @property
    def is_closed(self) -> bool:
        return self._exchanger.is_closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _conversation(self, terms: Terms, *, streamed: bool = False) -> Conversation:
        return Conversation(
            self._exchanger,
            self._routes,
            self._shared.settings,
            self._add_cookies,
            self._cookies_set,
            terms,
            streamed=streamed,
        )


def _timeout_of(request: httpx.Request) -> TimeoutTypes | Unset:
    """What its extensions say; a limit that they leave out is none."""
    limits = request.extensions.get("timeout")
    return UNSET if limits is None else httpx.Timeout(None, **limits)
