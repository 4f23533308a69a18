"""Real clients of httpx on our connections: `httpx.AsyncClient`, and `httpx.Client` for plain functions.

Owns which requests take the short way past httpx's machinery: those without hooks, authentication or
streaming. Their results are those of the long way, which all others take. Only public methods of httpx are
overridden. Must not know the engine: how a plain function waits is told by whoever makes its client.

In turn in one process (GET, JSON parsed, 64 virtual users, uvloop, nginx, medians of 9 rounds on a busy
machine): 151 us of processor time by the short way, 759 us by the long one on the same connections, 1669 us
with a client of httpx for each user, 3844 us with one for all, and 73 us with `http`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Protocol

import httpx

from pytest_loadtest.http.arguments import (
    UNSET,
    AuthTypes,
    ContentTypes,
    CookieTypes,
    FilesTypes,
    HeaderTypes,
    QueryParamTypes,
    TimeoutTypes,
    Unset,
    URLTypes,
)
from pytest_loadtest.http.httpx_client.hooks import awaitable, waited_for, with_hooks
from pytest_loadtest.http.httpx_client.requests import RequestBuilder
from pytest_loadtest.http.httpx_client.response import WholeResponse
from pytest_loadtest.http.httpx_client.sending import Sending, TermsTable, sending
from pytest_loadtest.http.httpx_client.transport import LoadTransport, SyncTransport
from pytest_loadtest.http.redirects import REDIRECT_STATUSES
from pytest_loadtest.http.waiting import AwaitOnly

_logger: Final = logging.getLogger("httpx")  # where httpx logs its requests

# httpx.AsyncClient or httpx.Client: httpx keeps what both inherit from to itself.
_Either: Any = object


class MeasuringTransport(Protocol):
    """What the clients need of their transport beside httpx's part."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response: ...

    def too_many_redirects(self, request: httpx.Request, message: str) -> None: ...


class _LoadClient(_Either):  # type: ignore[misc]  # see above
    """What both have: defaults that requests are built from quickly, and the two ways of sending."""

    _builder: RequestBuilder
    _terms: TermsTable
    _measuring: MeasuringTransport
    _short: LoadTransport | None = None  # None: there is no short way
    _text_encoding: Any = "utf-8"

    # -- defaults ------------------------------------------------------------------------------------

    @property
    def base_url(self) -> httpx.URL:
        return self._builder.base_url

    @base_url.setter
    def base_url(self, url: URLTypes) -> None:
        self._builder.base_url = url

    @property
    def headers(self) -> httpx.Headers:
        return self._builder.headers

    @headers.setter
    def headers(self, headers: HeaderTypes | None) -> None:
        self._builder.set_headers(headers)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._builder.cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes | None) -> None:
        self._builder.set_cookies(cookies)

    def build_request(
        self,
        method: str,
        url: URLTypes,
        *,
        content: ContentTypes | None = None,
        data: Mapping[str, Any] | None = None,
        files: FilesTypes | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> httpx.Request:
        """The request httpx would build; from what is remembered if it is an ordinary one."""
        if data is None and files is None and cookies is None and not self.params:
            told = self._with_timeout(extensions, timeout)
            request = self._builder.build(method, url, content, json, params, headers, told)
            if request is not None:
                return request
        return super().build_request(  # type: ignore[no-any-return]  # see _Either
            method,
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            extensions=extensions,
        )

    def _with_timeout(
        self, extensions: Mapping[str, Any] | None, timeout: TimeoutTypes | Unset = UNSET
    ) -> dict[str, Any]:
        told = dict(extensions or ())
        if "timeout" not in told:
            limits = self.timeout if isinstance(timeout, Unset) else httpx.Timeout(timeout)
            told["timeout"] = limits.as_dict()
        return told

    # -- the short way -------------------------------------------------------------------------------

    def _short_way(self, request: httpx.Request, auth: AuthTypes | Unset | None) -> LoadTransport | None:
        """The transport, if httpx would do nothing between the request and the end of its answer."""
        if self._short is None or self.is_closed or callable(self._text_encoding):
            return None
        if not (auth is None or (auth is UNSET and self.auth is None)) or request.url.userinfo:
            return None
        hooks = self.event_hooks
        if hooks["request"] or hooks["response"] or not isinstance(request.stream, httpx.ByteStream):
            return None
        if "timeout" not in request.extensions:
            request.extensions = self._with_timeout(request.extensions)
        return self._short

    def _is_complete(self, response: WholeResponse) -> bool:
        """Does what httpx does with every answer. False for a redirect, which is left to httpx altogether."""
        if response.status_code in REDIRECT_STATUSES and response.has_redirect_location:
            return False
        response.default_encoding = self._text_encoding
        if response.sets_cookies:
            self.cookies.extract_cookies(response)
        if _logger.isEnabledFor(logging.INFO):
            request, version = response.request, response.http_version
            status, phrase = response.status_code, response.reason_phrase
            _logger.info(
                'HTTP Request: %s %s "%s %d %s"', request.method, request.url, version, status, phrase
            )
        return True

    # -- the long way --------------------------------------------------------------------------------

    def _sending(
        self,
        request: httpx.Request,
        auth: AuthTypes | Unset | None,
        follow_redirects: bool | Unset,
        *,
        stream: bool,
        answered: WholeResponse | None = None,
    ) -> Sending:
        return Sending(
            request,
            whole=not (stream or callable(self._text_encoding)),
            follows=self._follows(follow_redirects),
            by_digest=isinstance(self.auth if auth is UNSET else auth, httpx.DigestAuth),
            answered=None if answered is None else answered.unread(),
        )

    def _follows(self, follow_redirects: bool | Unset) -> bool:
        follows: bool = self.follow_redirects if isinstance(follow_redirects, Unset) else follow_redirects
        return follows

    @contextmanager
    def _through_httpx(self, how: Sending) -> Iterator[None]:
        """For as long as httpx sends, its transport knows how."""
        token = sending.set(how)
        try:
            yield
        except httpx.TooManyRedirects as error:
            self._measuring.too_many_redirects(how.request, str(error))
            raise
        finally:
            sending.reset(token)


class LoadAsyncClient(_LoadClient, httpx.AsyncClient):
    """`options` are arguments of httpx.AsyncClient. The connections stay open when it is closed: its virtual
    user's `http` has the same ones, and whoever made them closes them."""

    def __init__(
        self,
        transport: MeasuringTransport,
        builder: RequestBuilder,
        terms: TermsTable,
        options: Mapping[str, Any],
    ) -> None:
        self._builder = builder
        self._terms = terms
        self._measuring = transport
        self._short = transport if isinstance(transport, LoadTransport) else None
        self._options = options
        self._text_encoding = options.get("default_encoding", "utf-8")
        own = with_hooks(options, awaitable)
        super().__init__(transport=transport, trust_env=False, **own)  # type: ignore[arg-type]  # it is one
        self.base_url = options.get("base_url", "")
        if options.get("cookies"):
            self.cookies = options["cookies"]

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
    ) -> httpx.Response:
        """As httpx; the answer to an ordinary request comes without its machinery."""
        short = None if stream else self._short_way(request, auth)
        response = None
        if short is not None:
            terms = self._terms.of(request, follows=self._follows(follow_redirects))
            response = await short.exchange(request, terms)
            if self._is_complete(response):
                return response
        with self._through_httpx(
            self._sending(request, auth, follow_redirects, stream=stream, answered=response)
        ):
            return await super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)

    def for_sync(self, await_only: AwaitOnly) -> LoadClient:
        """The same client for plain functions of the same virtual user."""
        return LoadClient(self, await_only)


class LoadClient(_LoadClient, httpx.Client):
    """`httpx.Client` for plain functions: base URL, header fields and cookies are those of `client`."""

    def __init__(self, client: LoadAsyncClient, await_only: AwaitOnly) -> None:
        self.client = client
        self._await_only = await_only
        self._builder = (
            client._builder.blank()
        )  # httpx sets the header fields anew, which is not to be shared
        self._terms = client._terms
        self._measuring = client._measuring
        self._short = client._short
        self._text_encoding = client._text_encoding
        transport = SyncTransport(client._measuring, await_only)  # type: ignore[arg-type]  # it is one
        own = with_hooks(client._options, partial(waited_for, await_only))
        super().__init__(transport=transport, trust_env=False, **own)
        self._builder = client._builder

    def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
    ) -> httpx.Response:
        """As httpx; the answer to an ordinary request comes without its machinery."""
        short = None if stream else self._short_way(request, auth)
        response = None
        if short is not None:
            terms = self._terms.of(request, follows=self._follows(follow_redirects))
            response = self._await_only(short.exchange(request, terms))
            if self._is_complete(response):
                return response
        with self._through_httpx(
            self._sending(request, auth, follow_redirects, stream=stream, answered=response)
        ):
            return super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
