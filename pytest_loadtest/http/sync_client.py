"""The same client for test bodies that are plain functions: every method without `await`.

Owns nothing: how a plain function waits on the event loop is told by whoever makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx

from pytest_loadtest.http.arguments import (
    AuthTypes,
    BodyOptions,
    CookieTypes,
    HeaderTypes,
    QueryParamTypes,
    RequestOptions,
    TimeoutTypes,
    URLTypes,
)
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.gathering import gather
from pytest_loadtest.http.response import Response
from pytest_loadtest.http.streamed_response import StreamedResponse
from pytest_loadtest.http.waiting import AwaitOnly, PlainBody

if TYPE_CHECKING:
    from pytest_loadtest.http.websocket.sync import SyncWebSocketSession


class SyncClient:
    """All three belong to the same virtual user; `new_body` is for functions that run at the same time."""

    def __init__(self, client: Client, await_only: AwaitOnly, new_body: Callable[[], PlainBody]) -> None:
        self._client = client
        self._await_only = await_only
        self._new_body = new_body

    def __repr__(self) -> str:
        return f"<SyncClient {self._client!r}>"

    @property
    def client(self) -> Client:
        """The client behind it, for async code of the same virtual user."""
        return self._client

    @property
    def base_url(self) -> httpx.URL:
        return self._client.base_url

    @base_url.setter
    def base_url(self, url: URLTypes) -> None:
        self._client.base_url = url

    @property
    def headers(self) -> httpx.Headers:
        return self._client.headers

    @headers.setter
    def headers(self, headers: HeaderTypes) -> None:
        self._client.headers = headers

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes) -> None:
        self._client.cookies = cookies

    @property
    def params(self) -> httpx.QueryParams:
        return self._client.params

    @params.setter
    def params(self, params: QueryParamTypes) -> None:
        self._client.params = params

    @property
    def auth(self) -> httpx.Auth | None:
        return self._client.auth

    @auth.setter
    def auth(self, auth: AuthTypes | None) -> None:
        self._client.auth = auth

    @property
    def timeout(self) -> httpx.Timeout:
        return self._client.timeout

    @timeout.setter
    def timeout(self, timeout: TimeoutTypes) -> None:
        self._client.timeout = timeout

    @property
    def follow_redirects(self) -> bool:
        return self._client.follow_redirects

    @follow_redirects.setter
    def follow_redirects(self, follows: bool) -> None:
        self._client.follow_redirects = follows

    @property
    def is_closed(self) -> bool:
        return self._client.is_closed

    def get(self, url: URLTypes, **options: Unpack[RequestOptions]) -> Response:
        return self._await_only(self._client.request("GET", url, **options))

    def options(self, url: URLTypes, **options: Unpack[RequestOptions]) -> Response:
        return self._await_only(self._client.request("OPTIONS", url, **options))

    def head(self, url: URLTypes, **options: Unpack[RequestOptions]) -> Response:
        return self._await_only(self._client.request("HEAD", url, **options))

    def delete(self, url: URLTypes, **options: Unpack[RequestOptions]) -> Response:
        return self._await_only(self._client.request("DELETE", url, **options))

    def post(self, url: URLTypes, **options: Unpack[BodyOptions]) -> Response:
        return self._await_only(self._client.request("POST", url, **options))

    def put(self, url: URLTypes, **options: Unpack[BodyOptions]) -> Response:
        return self._await_only(self._client.request("PUT", url, **options))

    def patch(self, url: URLTypes, **options: Unpack[BodyOptions]) -> Response:
        return self._await_only(self._client.request("PATCH", url, **options))

    def request(self, method: str, url: URLTypes, **options: Unpack[BodyOptions]) -> Response:
        return self._await_only(self._client.request(method, url, **options))

    @contextmanager
    def stream(
        self, method: str, url: URLTypes, **options: Unpack[BodyOptions]
    ) -> Iterator[StreamedResponse]:
        """``with http.stream("GET", url) as response: for line in response.iter_lines(): ...``"""
        response = self._await_only(self._client.open_stream(method, url, **options))
        response.await_only = self._await_only
        with response.left_afterwards():
            yield response

    def websocket(self, url: URLTypes, **options: Any) -> SyncWebSocketSession:
        """As the client's: ``with http.websocket(path) as ws: ws.send("hello")``."""
        session = self._client.websocket(url, **options)
        from pytest_loadtest.http.websocket.sync import SyncWebSocketSession

        return SyncWebSocketSession(session, self._await_only)

    def build_request(self, method: str, url: URLTypes, **options: Any) -> httpx.Request:
        return self._client.build_request(method, url, **options)

    def send(self, request: httpx.Request, **options: Any) -> Response:
        response = self._await_only(self._client.send(request, **options))
        if isinstance(response, StreamedResponse):
            response.await_only = self._await_only
        return response

    def gather(self, *calls: Callable[[], Any], return_exceptions: bool = False) -> list[Any]:
        """Run functions at the same time: ``http.gather(lambda: http.get("/a"), lambda: http.get("/b"))``.

        Gives their results in that order. All run to their end; then the first error is raised, or with
        `return_exceptions` every error stands in its place among the results.
        """
        return self._await_only(gather(calls, self._new_body, return_exceptions=return_exceptions))

    def close(self) -> None:
        self._await_only(self._client.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
