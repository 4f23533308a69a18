"""What holds for all requests of one virtual user: base URL, header fields, cookies, parameters, terms.

Owns how a request's own arguments are laid over it, by the rules of httpx. Must not know how requests are
sent.
"""

from __future__ import annotations

import httpx

from pytest_loadtest.http.arguments import (
    UNSET,
    AuthTypes,
    CookieTypes,
    Expect,
    HeaderTypes,
    QueryParamTypes,
    Terms,
    Timeouts,
    TimeoutTypes,
    Unset,
    URLTypes,
    auth_of,
    terms_of,
    timeout_of,
    timeouts_of,
)
from pytest_loadtest.http.cookies import CookieLines
from pytest_loadtest.http.encoding import HeaderBlocks
from pytest_loadtest.http.response import Response, extract_cookies
from pytest_loadtest.http.transport import SharedTransport


class ClientDefaults:
    """Cheap until used: cookies come when they are needed. `_is_bare`: neither parameters nor auth."""

    def __init__(self, user_id: int, shared: SharedTransport) -> None:
        settings = shared.settings
        self._user_id = user_id
        self._shared = shared
        self._routes = shared.routes(settings.base_url)
        self._headers = shared.default_headers(user_id)
        self._blocks = HeaderBlocks(self._headers)
        self._cookies: CookieLines | None = None
        self._params: httpx.QueryParams | None = None
        self._auth: httpx.Auth | None = None
        self._is_bare = True
        timeouts = Timeouts(settings.timeout_ns, settings.connect_timeout_ns)
        self._terms = terms_of(timeouts, None, follows=settings.follow_redirects)

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
        self._headers = self._shared.default_headers(self._user_id)
        self._headers.update(headers)
        self._blocks = HeaderBlocks(self._headers)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._cookie_lines().cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes) -> None:
        self._cookies = CookieLines(httpx.Cookies(cookies))

    @property
    def params(self) -> httpx.QueryParams:
        """In the query of every request; a request's own are laid over them."""
        return self._params or httpx.QueryParams()

    @params.setter
    def params(self, params: QueryParamTypes) -> None:
        self._params = httpx.QueryParams(params)
        self._set_bareness()

    @property
    def auth(self) -> httpx.Auth | None:
        """Of every request that is not given another, or None."""
        return self._auth

    @auth.setter
    def auth(self, auth: AuthTypes | None) -> None:
        self._auth = auth_of(auth)
        self._set_bareness()

    @property
    def timeout(self) -> httpx.Timeout:
        """`read` is that of a whole request, `connect` that of making its connection."""
        return timeout_of(self._terms.timeouts)

    @timeout.setter
    def timeout(self, timeout: TimeoutTypes) -> None:
        self._terms = self._terms._replace(timeouts=timeouts_of(timeout))

    @property
    def follow_redirects(self) -> bool:
        return self._terms.follows

    @follow_redirects.setter
    def follow_redirects(self, follows: bool) -> None:
        self._terms = terms_of(self._terms.timeouts, None, follows=follows)

    # -- a request's own arguments laid over them ----------------------------------------------------

    def _set_bareness(self) -> None:
        self._is_bare = not self._params and self._auth is None

    def _cookie_lines(self) -> CookieLines:
        if self._cookies is None:
            self._cookies = CookieLines()
        return self._cookies

    def _cookies_set(self, response: Response) -> None:
        extract_cookies(self.cookies, response)

    def _add_cookies(self, request: httpx.Request) -> None:
        if self._cookies is not None:
            self._cookies.cookies.set_cookie_header(request)

    def _merged_cookies(self, cookies: CookieTypes | None) -> httpx.Cookies | None:
        if not cookies and not self._cookies:
            return None
        merged = httpx.Cookies(self._cookies.cookies if self._cookies else None)
        merged.update(cookies)
        return merged

    def _merged_params(self, params: QueryParamTypes | None) -> QueryParamTypes | None:
        if self._params:
            return self._params.merge(params)
        return params

    def _terms_of(
        self, timeout: TimeoutTypes | Unset, follow_redirects: bool | Unset, expect: Expect | None
    ) -> Terms:
        terms = self._terms
        return terms_of(
            terms.timeouts if isinstance(timeout, Unset) else timeouts_of(timeout),
            expect,
            follows=terms.follows if isinstance(follow_redirects, Unset) else follow_redirects,
        )

    def _auth_for(self, request: httpx.Request, auth: AuthTypes | Unset | None) -> httpx.Auth | None:
        """Of the call, else of the client, else the user and password in the URL."""
        chosen = self._auth if auth is UNSET else auth_of(auth)  # type: ignore[arg-type]  # not UNSET
        if chosen is None and request.url.userinfo:
            return httpx.BasicAuth(request.url.username, request.url.password)
        return chosen
