"""The calls that are compared with httpx. Deliberate differences are not among them."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import httpx


class Call(NamedTuple):
    sentence: str
    method: str = "GET"
    url: str = "/echo"
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - never changed
    headers: Any = None  # of the client
    cookies: Any = None  # of the client
    client: dict[str, Any] = {}  # noqa: RUF012 - never changed; attributes of the client
    base_path: str = ""
    theirs: dict[str, Any] = {}  # noqa: RUF012 - what httpx is given instead: it takes no plain iterators here


class Odd:
    def __str__(self) -> str:
        return "odd & even"


def chunks():
    yield b"one"
    yield b""
    yield b"two"


async def async_chunks():
    yield b"one"
    yield b"two"


def authorise(request: httpx.Request) -> httpx.Request:
    request.headers["X-Auth"] = "signed"
    return request


def made(factory: Any) -> Any:
    """Marks a value that each client must get fresh, as it is used up."""
    factory.is_factory = True
    return factory


LAZY_CHUNKS = made(lambda: chunks())
LAZY_ASYNC_CHUNKS = made(lambda: async_chunks())
LAZY_FILE = made(lambda: io.BytesIO(b"file content"))
LAZY_DIGEST = made(lambda: httpx.DigestAuth("u", "p"))
LAZY_FILES = made(lambda: {"f": ("n.txt", io.BytesIO(b"file content"), "text/plain")})
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=fixed"}

CALLS = [
    Call("a plain GET"),
    Call("a trailing slash", url="/echo/"),
    Call("a query in the URL", url="/echo?a=1&b=two%20words"),
    Call("an empty query in the URL", url="/echo?"),
    Call("spaces and unicode in the path", url="/échø/a b"),
    Call("percent signs in the path", url="/a%2Fb/100%/c%zz"),
    Call("dot segments", url="/a/./b/../c"),
    Call("two leading slashes", url="//echo/x"),
    Call("a fragment", url="/echo#part"),
    Call("no leading slash", url="echo"),
    Call("an empty URL", url=""),
    Call("a base path", url="/echo", base_path="/api/v1"),
    Call("a base path with a trailing slash", url="echo?x=1", base_path="/api/v1/"),
    Call("brackets and quotes in the query", url="/echo?a[]=1&b='\"<>"),
    Call("sub-delimiters in the path", url="/a!$&'()*+,;=:@b"),
    Call("params of text and numbers", kwargs={"params": {"page": 1, "q": "x"}}),
    Call("params with a float", kwargs={"params": {"x": 1.5, "big": 1e30}}),
    Call("params True, False and None", kwargs={"params": {"t": True, "f": False, "n": None}}),
    Call("params with unicode and spaces", kwargs={"params": {"søk": "blå bær", "q": "a+b&c=d/e?f#g"}}),
    Call("params with safe punctuation", kwargs={"params": {"a-b_c.d~e": "-_.~*"}}),
    Call("params with an empty text", kwargs={"params": {"a": "", "b": "x"}}),
    Call("params with a list", kwargs={"params": {"a": [1, 2, "x"], "b": ("y",)}}),
    Call("params as pairs", kwargs={"params": [("a", 1), ("b", 2), ("a", 3)]}),
    Call("params as text", kwargs={"params": "a=1&b=%20"}),
    Call("params as bytes", kwargs={"params": b"a=1"}),
    Call("params as QueryParams", kwargs={"params": httpx.QueryParams(a="1")}),
    Call("params with a key that is a number", kwargs={"params": {1: 2}}),
    Call("params with an object", kwargs={"params": {"a": Odd()}}),
    Call("params replace the URL's query", url="/echo?old=1", kwargs={"params": {"new": 2}}),
    Call("empty params drop the URL's query", url="/echo?old=1", kwargs={"params": {}}),
    Call("params with a line break", kwargs={"params": {"a": "x\r\ny"}}),
    Call("headers of the request", kwargs={"headers": {"X-One": "1", "x-two": "2"}}),
    Call("headers over the defaults", kwargs={"headers": {"accept": "text/html", "USER-AGENT": "me"}}),
    Call("headers of the client", headers={"X-Client": "c", "Authorization": "Bearer t"}),
    Call(
        "headers over those of the client", headers={"X-Client": "c"}, kwargs={"headers": {"x-client": "r"}}
    ),
    Call("repeated headers", kwargs={"headers": [("X-A", "1"), ("X-A", "2")]}),
    Call("headers as bytes", kwargs={"headers": {b"X-A": b"1"}}),
    Call("headers as Headers", kwargs={"headers": httpx.Headers({"X-A": "1"})}),
    Call("an empty header value", kwargs={"headers": {"X-Empty": ""}}),
    Call("a header with a tab inside", kwargs={"headers": {"X-Tab": "a\tb"}}),
    Call("a Host header", kwargs={"headers": {"Host": "other.example"}}),
    Call("connection close", kwargs={"headers": {"Connection": "close"}}),
    Call("a content-type without a body", kwargs={"headers": {"Content-Type": "text/x"}}),
    Call("HEAD", method="HEAD"),
    Call("OPTIONS", method="OPTIONS"),
    Call("DELETE", method="DELETE"),
    Call("a method in small letters", method="get"),
    Call("a method of one's own", method="PURGE"),
    Call("POST without a body", method="POST"),
    Call("PUT without a body", method="PUT"),
    Call("PATCH without a body", method="PATCH"),
    Call("JSON", method="POST", kwargs={"json": {"a": [1, 2.5, None, True], "ü": "ñ"}}),
    Call("JSON of an empty object", method="POST", kwargs={"json": {}}),
    Call("JSON of a text", method="PUT", kwargs={"json": "x"}),
    Call("JSON of 0", method="PUT", kwargs={"json": 0}),
    Call(
        "JSON with params and headers",
        method="PATCH",
        kwargs={"json": [1], "params": {"a": 1}, "headers": {"X": "y"}},
    ),
    Call(
        "JSON with a content-type of one's own",
        method="POST",
        kwargs={"json": {"a": 1}, "headers": {"Content-Type": "application/vnd.api+json"}},
    ),
    Call("JSON with DELETE", method="DELETE", kwargs={"json": {"a": 1}}),
    Call("a form", method="POST", kwargs={"data": {"a": "1", "b": "two words", "ü": "ñ"}}),
    Call(
        "a form with lists, True and None",
        method="POST",
        kwargs={"data": {"a": [1, 2], "t": True, "n": None}},
    ),
    Call("an empty form", method="POST", kwargs={"data": {}}),
    Call("bytes", method="POST", kwargs={"content": b"\x00\xff"}),
    Call("text", method="POST", kwargs={"content": "blå"}),
    Call("empty bytes", method="POST", kwargs={"content": b""}),
    Call(
        "an iterator", method="POST", kwargs={"content": LAZY_CHUNKS}, theirs={"content": LAZY_ASYNC_CHUNKS}
    ),
    Call("an asynchronous iterator", method="POST", kwargs={"content": LAZY_ASYNC_CHUNKS}),
    Call(
        "an iterator with a length",
        method="POST",
        kwargs={"content": LAZY_CHUNKS, "headers": {"Content-Length": "6"}},
        theirs={"content": LAZY_ASYNC_CHUNKS},
    ),
    Call(
        "a file as the body", method="PUT", kwargs={"content": LAZY_FILE}, theirs={"content": b"file content"}
    ),
    Call("a file to upload", method="POST", kwargs={"files": LAZY_FILES, "headers": BOUNDARY}),
    Call(
        "a file and a form",
        method="POST",
        kwargs={"files": {"f": b"x"}, "data": {"a": "1"}, "headers": BOUNDARY},
    ),
    Call(
        "two files of one name",
        method="POST",
        kwargs={"files": [("f", b"x"), ("f", b"y")], "headers": BOUNDARY},
    ),
    Call("basic authentication", kwargs={"auth": ("user", "pässword")}),
    Call("basic authentication in the URL", url="http://user:pw@HOST/echo"),
    Call("authentication by a function", kwargs={"auth": authorise}),
    Call("authentication by an object", kwargs={"auth": httpx.BasicAuth("u", "p")}),
    Call("digest authentication", url="/digest", kwargs={"auth": LAZY_DIGEST}),
    Call("no authentication in spite of the header", kwargs={"auth": None}),
    Call("cookies of the client", cookies={"a": "1", "b": "2"}),
    Call("cookies of the client with JSON", method="POST", cookies={"a": "1"}, kwargs={"json": 1}),
    Call("cookies of the request", kwargs={"cookies": {"a": "1"}}),
    Call("cookies of both", cookies={"a": "1", "b": "2"}, kwargs={"cookies": {"b": "3"}}),
    Call("a Cookie header wins", cookies={"a": "1"}, kwargs={"headers": {"Cookie": "z=9"}}),
    Call("an absolute URL", url="http://HOST/echo?x=1"),
    Call("an httpx.URL", url="URL:/echo?x=1"),
    Call("a redirect that is not followed", url="/redirect/302"),
    Call("a redirect 301", url="/redirect/301", kwargs={"follow_redirects": True}),
    Call(
        "a redirect 302 of POST",
        method="POST",
        url="/redirect/302",
        kwargs={"follow_redirects": True, "json": {"a": 1}},
    ),
    Call(
        "a redirect 301 of POST",
        method="POST",
        url="/redirect/301",
        kwargs={"follow_redirects": True, "content": b"x"},
    ),
    Call(
        "a redirect 301 of PUT",
        method="PUT",
        url="/redirect/301",
        kwargs={"follow_redirects": True, "content": b"x"},
    ),
    Call("a redirect 302 of HEAD", method="HEAD", url="/redirect/302", kwargs={"follow_redirects": True}),
    Call(
        "a redirect 303 of PUT",
        method="PUT",
        url="/redirect/303",
        kwargs={"follow_redirects": True, "content": b"x"},
    ),
    Call(
        "a redirect 307 of POST",
        method="POST",
        url="/redirect/307",
        kwargs={"follow_redirects": True, "json": {"a": 1}},
    ),
    Call(
        "a redirect 308 of POST",
        method="POST",
        url="/redirect/308",
        kwargs={"follow_redirects": True, "data": {"a": 1}},
    ),
    Call("a redirect with a fragment", url="/redirect/302#part", kwargs={"follow_redirects": True}),
    Call("a redirect to a relative URL", url="/dir/relative", kwargs={"follow_redirects": True}),
    Call(
        "a redirect to another origin",
        url="/elsewhere",
        headers={"Authorization": "Bearer t"},
        kwargs={"follow_redirects": True},
    ),
    Call(
        "a redirect within the origin",
        url="/redirect/302",
        headers={"Authorization": "Bearer t"},
        kwargs={"follow_redirects": True},
    ),
    Call(
        "a redirect that sets a cookie",
        url="/cookie-redirect",
        cookies={"a": "1"},
        kwargs={"follow_redirects": True},
    ),
    Call(
        "a redirect with a Cookie header",
        url="/redirect/302",
        kwargs={"follow_redirects": True, "headers": {"Cookie": "z=9"}},
    ),
    Call("a redirect without a location", url="/no-location", kwargs={"follow_redirects": True}),
    Call("a chain of redirects", url="/chain/5", kwargs={"follow_redirects": True}),
    Call("cookies that are set", url="/set-cookies"),
    Call("gzip", url="/encoded/gzip"),
    Call("deflate", url="/encoded/deflate"),
    Call("deflate without its wrapper", url="/encoded/raw-deflate"),
    Call("brotli", url="/encoded/br"),
    Call("zstandard", url="/encoded/zstd"),
    Call("two codings", url="/encoded/both"),
    Call("an unknown coding", url="/encoded/unknown"),
    Call("an empty body with a coding", url="/encoded/empty"),
    Call("latin-1", url="/text/latin-1"),
    Call("an unknown charset", url="/text/klingon"),
    Call("damaged UTF-8", url="/text/damaged"),
    Call("UTF-8 without a charset", url="/text/none"),
    Call("JSON in UTF-16", url="/text/json16"),
    Call("links", url="/links"),
    Call("a status with its own reason", url="/status/299"),
    Call("a status without a reason", url="/status/418"),
    Call("a client error", url="/status/404"),
    Call("a server error", url="/status/503"),
    Call("headers that repeat", url="/repeated"),
    Call("headers in latin-1", url="/latin-header"),
    Call("204", url="/status/204"),
    Call("params of the client", client={"params": {"key": "1"}}),
    Call("params of the client and of the request", kwargs={"params": {"b": 2}}, client={"params": {"a": 1}}),
    Call("equal params of both", kwargs={"params": {"a": 2}}, client={"params": [("a", 1), ("a", 3)]}),
    Call("params of the client and in the URL", url="/echo?x=1", client={"params": {"a": 1}}),
    Call("authentication of the client", client={"auth": ("ada", "secret")}),
    Call("a function of the client", client={"auth": authorise}),
    Call("a request without the client's authentication", kwargs={"auth": None}, client={"auth": ("a", "b")}),
    Call("another authentication", kwargs={"auth": ("c", "d")}, client={"auth": ("a", "b")}),
    Call(
        "the client's default passed on",
        kwargs={"auth": httpx.USE_CLIENT_DEFAULT},
        client={"auth": ("a", "b")},
    ),
    Call("time-outs passed on", kwargs={"timeout": httpx.USE_CLIENT_DEFAULT}),
    Call("a client that follows", url="/chain/3", client={"follow_redirects": True}),
    Call(
        "a client that follows, but not now",
        url="/chain/3",
        kwargs={"follow_redirects": False},
        client={"follow_redirects": True},
    ),
    Call("extensions", kwargs={"extensions": {"sni_hostname": "other", "mine": 1}}),
    Call("a digest challenge of a POST", "POST", "/digest", {"auth": LAZY_DIGEST, "content": b"body"}),
    Call("many content codings", url="/encoded/both", kwargs={"headers": {"Accept-Encoding": "gzip, br"}}),
    Call("a redirect with a secret", url="/elsewhere", kwargs={"follow_redirects": True, "auth": ("u", "p")}),
]
