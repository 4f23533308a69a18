"""The same client for test bodies that are plain functions: every method without `await`.

Owns nothing: how a plain function waits on the event loop is told by whoever makes it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Protocol, Self, TypeVar, Unpack

import httpx

from pytest_loadtest.http.arguments import BodyOptions, CookieTypes, HeaderTypes, RequestOptions, URLTypes
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.response import Response

T = TypeVar("T")


class AwaitOnly(Protocol):
    """Waits for an awaitable from plain code that runs on the event loop, and gives its result."""

    def __call__(self, awaitable: Awaitable[T], /) -> T: ...


class SyncClient:
    """`client` and `await_only` belong to the same virtual user."""

    def __init__(self, client: Client, await_only: AwaitOnly) -> None:
        self._client = client
        self._await_only = await_only

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

    def close(self) -> None:
        self._await_only(self._client.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
