"""A virtual user's HTTP client: the interface of httpx on a transport made for load.

Owns the way of a request: encode, exchange, follow redirects and challenges. Must not know the engine; it
sees its virtual user only as a RequestOwner.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Final, NoReturn, Self, Unpack

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import RequestOwner
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
    Timeouts,
    TimeoutTypes,
    Unset,
    URLTypes,
    auth_of,
    terms_of,
    timeouts_of,
    with_challenge,
)
from pytest_loadtest.http.cookies import CookieLines
from pytest_loadtest.http.encoding import (
    HeaderBlocks,
    encode_query,
    encode_request,
    json_parts,
    merge_headers,
)
from pytest_loadtest.http.exchange import Exchanger
from pytest_loadtest.http.redirects import REDIRECT_STATUSES, redirect_request
from pytest_loadtest.http.response import Response, extract_cookies
from pytest_loadtest.http.routes import Route, merge_url
from pytest_loadtest.http.transport import SharedTransport

_EMPTY_BODY: Final = b"Content-Length: 0\r\n\r\n"

PendingResponse = Coroutine[Any, Any, Response]


class Client:
    """One per virtual user. Cheap until used: header fields, cookies and pools come when they are needed."""

    def __init__(self, owner: RequestOwner, shared: SharedTransport) -> None:
        settings = shared.settings
        self._shared = shared
        self._routes = shared.routes(settings.base_url)
        self._headers = shared.default_headers()
        self._blocks = HeaderBlocks(self._headers)
        self._cookies: CookieLines | None = None
        self._exchanger = Exchanger(owner, shared, self._cookies_set)
        timeouts = Timeouts(settings.timeout_ns, settings.connect_timeout_ns)
        self._terms = terms_of(timeouts, None, follows=settings.follow_redirects)

    def __repr__(self) -> str:
        return f"<Client base_url={self.base_url!r} {self._exchanger!r}>"

    # -- defaults of this virtual user ---------------------------------------------------------------

    @property
    def base_url(self) -> httpx.URL:
        return self._routes.base_url

    @base_url.setter
    def base_url(self, url: URLTypes) -> None:
        self._routes = self._shared.routes(url)

    @property
    def headers(self) -> httpx.Headers:
        """Sent with every request; to be changed in place or set as a whole, as in httpx."""
        return self._headers

    @headers.setter
    def headers(self, headers: HeaderTypes) -> None:
        self._headers = self._shared.default_headers()
        self._headers.update(headers)
        self._blocks = HeaderBlocks(self._headers)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._cookie_lines().cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes) -> None:
        self._cookies = CookieLines(httpx.Cookies(cookies))

    def _cookies_set(self, response: Response) -> None:
        extract_cookies(self.cookies, response)

    def _cookie_lines(self) -> CookieLines:
        if self._cookies is None:
            self._cookies = CookieLines()
        return self._cookies

    # -- the interface of httpx ----------------------------------------------------------------------
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
        name: str | None = None,
        expect: Expect | None = None,
    ) -> Response:
        """Send a request. `name` groups it in the results; `expect` says which statuses are successes.

        Raises the exceptions of httpx when there is no answer; an unexpected status is counted, not raised.
        """
        route = self._routes.get(method, url)
        terms = self._terms
        if timeout is not UNSET or follow_redirects is not UNSET or expect is not None:
            terms = self._terms_of(timeout, follow_redirects, expect)
        if content is None and data is None and files is None and cookies is None and auth is UNSET:
            sent = self._encode(route, params, headers, json)
            if sent is not None:
                response = await self._exchanger.exchange(route, sent, name or route.name, terms)
                if response.status_code in REDIRECT_STATUSES and terms.follows:
                    return await self._follow(response, terms)
                return response
        request = httpx.Request(
            route.method,
            merge_url(self.base_url, url),
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=merge_headers(self._headers, headers),
            cookies=self._merged_cookies(cookies),
        )
        return await self._send_authenticated(request, auth_of(auth, request.url), name or route.name, terms)

    async def aclose(self) -> None:
        """Close every connection; afterwards no socket is left. Requests that are still open fail."""
        await self._exchanger.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # -- encoding ------------------------------------------------------------------------------------

    def _terms_of(
        self, timeout: TimeoutTypes | Unset, follow_redirects: bool | Unset, expect: Expect | None
    ) -> Terms:
        terms = self._terms
        return terms_of(
            terms.timeouts if isinstance(timeout, Unset) else timeouts_of(timeout),
            expect,
            follows=terms.follows if isinstance(follow_redirects, Unset) else follow_redirects,
        )

    def _encode(
        self, route: Route, params: QueryParamTypes | None, headers: HeaderTypes | None, json: Any
    ) -> bytes | None:
        """The whole request as bytes, or None if httpx has to encode it."""
        if not route.is_plain or not (headers is None or type(headers) is dict):
            return None
        if params is None:
            line = route.line
        elif type(params) is dict:
            query = encode_query(params)
            if query is None:
                return None
            line = f"{route.start}{'?' if query else ''}{query} HTTP/1.1\r\n".encode("ascii")
        else:
            return None
        block = self._blocks.get(route.origin, headers)
        if block.is_special:
            return None
        if self._cookies is None and json is None and not route.announces_body:
            return line + block.ended
        cookie = b"" if self._cookies is None else self._cookies.get(route.origin, route.path)
        return b"".join((line, block.open, cookie, *_body(route, json)))

    def _merged_cookies(self, cookies: CookieTypes | None) -> httpx.Cookies | None:
        if not cookies and not self._cookies:
            return None
        merged = httpx.Cookies(self._cookies.cookies if self._cookies else None)
        merged.update(cookies)
        return merged

    # -- requests of httpx: authentication, redirects ------------------------------------------------

    async def _send_authenticated(
        self, request: httpx.Request, auth: httpx.Auth | None, name: str, terms: Terms
    ) -> Response:
        """Runs httpx's authentication flows: each gives requests and is shown their answers."""
        if auth is None:
            return await self._send_following(request, name, terms)
        history: list[Response] = []
        flow = auth.async_auth_flow(request)
        try:
            request = await anext(flow)
            while True:
                allowed = terms if history else with_challenge(terms, auth)
                response = await self._send_following(request, name, allowed)
                response.history = history + response.history
                try:
                    request = await flow.asend(response)  # type: ignore[arg-type]  # has what flows read
                except StopAsyncIteration:
                    return response
                history = [*history, response]
        finally:
            await flow.aclose()

    async def _send_following(self, request: httpx.Request, name: str, terms: Terms) -> Response:
        response = await self._send(request, name, terms)
        if terms.follows and response.has_redirect_location:
            return await self._follow(response, terms)
        return response

    async def _follow(self, response: Response, terms: Terms) -> Response:
        """Each hop is a request of its own, named after its own URL."""
        history: list[Response] = []
        while response.has_redirect_location:
            history = [*history, response]
            if len(history) > self._shared.settings.max_redirects:
                self._raise_too_many_redirects(history)
            request = redirect_request(response.request, response.status_code, response.headers["location"])
            response.followed = True
            if self._cookies is not None:
                self._cookies.cookies.set_cookie_header(request)
            route = self._routes.of(request.method, request.url)
            response = await self._send(request, route.name, terms)
            response.history = list(history)
        return response

    def _raise_too_many_redirects(self, history: list[Response]) -> NoReturn:
        """One more failed request, under the name of the first hop."""
        message = f"more than {len(history) - 1} redirects: {history[0].location}"
        self._exchanger.record_unsent(history[0].name, Outcome.TOO_MANY_REDIRECTS, message)
        raise httpx.TooManyRedirects(message, request=history[-1].request)

    async def _send(self, request: httpx.Request, name: str, terms: Terms) -> Response:
        route = self._routes.of(request.method, request.url)
        response = await self._exchanger.exchange(route, await encode_request(request), name, terms)
        response.request = request
        return response


def _body(route: Route, json: Any) -> tuple[bytes, ...]:
    """What follows the header block."""
    if json is not None:
        return json_parts(json)
    return (_EMPTY_BODY if route.announces_body else b"\r\n",)
