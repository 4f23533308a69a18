"""The same calls through httpx.AsyncClient and ours: the server sees, and the caller gets, the same.

Deliberate differences are not in the table: the User-Agent, time-outs, the warning on per-request cookies.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for
from tests.http.parity_calls import CALLS, Call
from tests.http.parity_server import respond
from tests.http.servers import Seen, Server, answer, answering, serving

Form = Callable[[Any, str, Any, dict[str, Any]], Awaitable[Any]]


def normal(seen: Seen, *servers: Server) -> tuple[Any, ...]:
    """A request without what differs on purpose or by chance."""
    fields = sorted((name, _normal_value(name.lower(), value)) for name, value in seen.headers)
    return seen.method, seen.target, fields, seen.body


def _normal_value(name: str, value: str) -> str:
    if name == "user-agent" and value.startswith(("python-httpx/", "pytest-loadtest/")):
        return "<default>"
    if name == "authorization" and value.startswith("Digest "):  # its nonce and response are random
        return "Digest " + ",".join(sorted(part.split("=")[0].strip() for part in value[7:].split(",")))
    return value


def observed(response: Any) -> dict[str, Any]:
    """Everything a caller can read from a response."""
    try:
        raised = None
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raised = (str(error), error.response.status_code, str(error.request.url))
    try:
        json = response.json()
    except ValueError as error:
        json = type(error)
    following = response.next_request
    names = (
        "status_code content text encoding charset_encoding reason_phrase http_version links "
        "is_informational is_success is_redirect is_client_error is_server_error is_error "
        "has_redirect_location"
    )
    return {name: getattr(response, name) for name in names.split()} | {
        "repr": repr(response),
        "url": str(response.url),
        "headers": response.headers.multi_items(),
        "raw headers": response.headers.raw,
        "cookies": sorted((c.name, c.value, c.path, c.domain) for c in response.cookies.jar),
        "method": response.request.method,
        "request url": str(response.request.url),
        "history": [(str(hop.url), hop.status_code, len(hop.history)) for hop in response.history],
        "next": following and (following.method, str(following.url)),
        "raised": raised,
        "json": json,
    }


async def whole(client: Any, method: str, url: Any, kwargs: dict[str, Any]) -> Any:
    return await client.request(method, url, **kwargs)


async def streamed(client: Any, method: str, url: Any, kwargs: dict[str, Any]) -> Any:
    async with client.stream(method, url, **kwargs) as response:
        await response.aread()
        return response


async def built_and_sent(client: Any, method: str, url: Any, kwargs: dict[str, Any]) -> Any:
    of_sending = {key: kwargs[key] for key in ("auth", "follow_redirects") if key in kwargs}
    of_building = {key: value for key, value in kwargs.items() if key not in of_sending}
    return await client.send(client.build_request(method, url, **of_building), **of_sending)


FORMS: list[Form] = [whole, streamed, built_and_sent]


async def outcome_of(client: httpx.AsyncClient | Client, call: Call, url: Any, form: Form = whole) -> Any:
    client.headers.update(call.headers)
    client.cookies.update(call.cookies)
    for name, value in call.client.items():
        setattr(client, name, value)
    kwargs = {
        key: value() if getattr(value, "is_factory", False) else value
        for key, value in (
            call.kwargs | (call.theirs if isinstance(client, httpx.AsyncClient) else {})
        ).items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # httpx's, on per-request cookies
        try:
            response: Any = await form(client, call.method, url, kwargs)
        except Exception as error:
            return type(error), str(error)
    assert response.elapsed.total_seconds() > 0
    jar = sorted((c.name, c.value, c.path, c.domain) for c in client.cookies.jar)
    return observed(response), jar


def url_of(call: Call, server: Server) -> Any:
    if call.url.startswith("URL:"):
        return httpx.URL(call.url[4:])
    return call.url.replace("HOST", server.url.removeprefix("http://"))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.sentence)
def test_is_the_same_as_in_httpx(call: Call, form: Form, run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(lambda request: respond("", request), seen)) as other:

            def answers(request: Seen) -> bytes:
                return respond(other.url, request)

            async with serving(answering(answers, seen)) as server:
                base_url = server.url + call.base_path
                async with httpx.AsyncClient(base_url=base_url, trust_env=False) as theirs:
                    expected = await outcome_of(theirs, call, url_of(call, server), form)
                expected_requests = [normal(request) for request in seen]
                seen.clear()
                async with client_for(base_url) as (ours, _):
                    for _ in range(2):  # the second time with everything that is kept
                        seen.clear()
                        ours.cookies.clear()
                        assert await outcome_of(ours, call, url_of(call, server), form) == expected
                        assert [normal(request) for request in seen] == expected_requests

    run(scenario())


REFUSED = [
    ("no scheme and no base URL", "GET", "/x", {}),
    ("another scheme", "GET", "ftp://127.0.0.1/x", {}),
    ("no host", "GET", "http:///x", {}),
    ("a line break in the URL", "GET", "http://127.0.0.1:9/a\r\nb", {}),
    ("NUL in the URL", "GET", "http://127.0.0.1:9/a\0", {}),
    ("a bad port", "GET", "http://127.0.0.1:port/", {}),
    ("a bad address", "GET", "http://[::zz]/", {}),
    ("a URL that is no text", "GET", 7, {}),
    ("a line break in a header", "GET", "http://HOST/", {"headers": {"X": "a\r\nEvil: 1"}}),
    ("NUL in a header", "GET", "http://HOST/", {"headers": {"X": "a\0b"}}),
    ("a space around a header value", "GET", "http://HOST/", {"headers": {"X": " a "}}),
    ("a colon in a header name", "GET", "http://HOST/", {"headers": {"X:": "a"}}),
    ("a header that is not ASCII", "GET", "http://HOST/", {"headers": {"X": "å"}}),
    ("a header that is a number", "GET", "http://HOST/", {"headers": {"X": 1}}),
    ("a line break in the method", "GET /evil HTTP/1.1\r\n\r\n", "http://HOST/", {}),
    ("JSON of an object", "POST", "http://HOST/", {"json": object()}),
    ("JSON of infinity", "POST", "http://HOST/", {"json": float("inf")}),
    ("a body of the wrong type", "POST", "http://HOST/", {"content": 7}),
    (
        "more body than declared",
        "POST",
        "http://HOST/",
        {"content": b"abc", "headers": {"Content-Length": "1"}},
    ),
    ("authentication by a number", "GET", "http://HOST/", {"auth": 7}),
]


@pytest.mark.parametrize(("sentence", "method", "url", "kwargs"), REFUSED, ids=[row[0] for row in REFUSED])
def test_is_refused_with_the_exception_of_httpx(
    sentence: str, method: str, url: Any, kwargs: dict[str, Any], run: Run
) -> None:
    """Before anything is sent: a mistake of the caller is not a measurement."""

    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            target = url.replace("HOST", server.url.removeprefix("http://")) if isinstance(url, str) else url
            call = Call("", method, target, kwargs)
            async with httpx.AsyncClient(trust_env=False) as theirs:
                expected = await outcome_of(theirs, call, target)
            async with client_for() as (ours, owner):
                ours_raised = (await outcome_of(ours, call, target))[0]
                assert ours_raised.__name__ == expected[0].__name__  # httpx lets one of h11's through
                assert owner.recorder.requests == []

    run(scenario())
