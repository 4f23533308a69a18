"""What the caller gets: httpx's response interface over the bytes of an answer, worked out when asked for.

Most load tests look at the status and at the JSON. Header fields, text, cookies, the request that was sent:
each is made the first time it is read. Must not know connections or clients.
"""

from __future__ import annotations

import codecs
import datetime
import json as jsonlib
from email.message import Message
from typing import Any

import httpx

from pytest_loadtest.http.body_iteration import BodyIteration
from pytest_loadtest.http.decoding import parse_json
from pytest_loadtest.http.redirects import redirect_request
from pytest_loadtest.http.routes import Route
from pytest_loadtest.http.wire.head import Head, RawHeaders

DEFAULT_ENCODING = "utf-8"


class Response(BodyIteration):
    """An answer. A plain class with defaults for what is worked out later: cheaper to make than slots."""

    _history: list[Response] | None = None
    _headers: httpx.Headers | None = None
    _text: str | None = None
    _encoding: str | None = None
    _cookies: httpx.Cookies | None = None
    _request: httpx.Request | None = None
    followed: bool = False
    is_closed: bool = True
    is_stream_consumed: bool = True
    default_encoding: str = DEFAULT_ENCODING

    def __init__(
        self,
        head: Head,
        content: bytes,
        body_bytes: int,
        elapsed_ns: int,
        route: Route,
        sent: bytes,
        name: str,
    ) -> None:
        self.status_code = head.status
        self.content = content  # its content codings undone
        self.name = name  # what the request is called in the results
        self._head = head
        self._body_bytes = body_bytes  # as received
        self._elapsed_ns = elapsed_ns
        self._route = route
        self._sent = sent

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    # -- the content ---------------------------------------------------------------------------------

    def json(self, **kwargs: Any) -> Any:
        """What `json.loads` makes of the content."""
        return jsonlib.loads(self.content, **kwargs) if kwargs else parse_json(self.content)

    @property
    def text(self) -> str:
        if self._text is None:
            decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
            self._text = decoder.decode(self.content, final=True)
        return self._text

    @property
    def encoding(self) -> str:
        """The text encoding: what was set, else what the content type says, else UTF-8."""
        if self._encoding is None:
            charset = self.charset_encoding
            known = charset is not None and _is_known_encoding(charset)
            self._encoding = charset if charset is not None and known else self.default_encoding
        return self._encoding

    @encoding.setter
    def encoding(self, value: str) -> None:
        if self._text is not None:
            raise ValueError("Setting encoding after `text` has been accessed is not allowed.")
        self._encoding = value

    @property
    def charset_encoding(self) -> str | None:
        content_type = self.headers.get("content-type")
        if content_type is None:
            return None
        message = Message()
        message["content-type"] = content_type
        return message.get_content_charset(failobj=None)

    def read(self) -> bytes:
        return self.content

    async def aread(self) -> bytes:
        return self.content

    def close(self) -> None:
        """Nothing is open: the body has been read."""

    async def aclose(self) -> None:
        """As `close`."""

    # -- the head ------------------------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """As it was parsed; shared by all answers with the same bytes."""
        return self._head

    @property
    def headers(self) -> httpx.Headers:
        if self._headers is None:
            self._headers = httpx.Headers(self._head.raw_headers)
        return self._headers

    @property
    def sets_cookies(self) -> bool:
        return self._head.sets_cookies

    @property
    def reason_phrase(self) -> str:
        return self._head.reason_phrase

    @property
    def http_version(self) -> str:
        return f"HTTP/{self._head.http_version}"

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies this answer sets; those of the virtual user are at the client."""
        if self._cookies is None:
            self._cookies = httpx.Cookies()
            extract_cookies(self._cookies, self)
        return self._cookies

    @property
    def links(self) -> dict[str | None, dict[str, str]]:
        return httpx.Response(self.status_code, headers=self.headers).links

    # -- the exchange --------------------------------------------------------------------------------

    @property
    def request(self) -> httpx.Request:
        """The request as it was sent, read back from its bytes."""
        if self._request is None:
            self._request = request_of(self._route, self._sent)
        return self._request

    @request.setter
    def request(self, value: httpx.Request) -> None:
        self._request = value

    @property
    def method(self) -> str:
        return self._route.method

    @property
    def location(self) -> str:
        """The URL without its query, which can hold secrets."""
        return self._route.location

    @property
    def url(self) -> httpx.URL:
        return self.request.url

    @property
    def elapsed(self) -> datetime.timedelta:
        """From just before the request was written to when the last byte of the answer was read."""
        return datetime.timedelta(microseconds=self._elapsed_ns / 1000)

    @property
    def history(self) -> list[Response]:
        """The redirects and challenges that led to this answer, oldest first."""
        if self._history is None:
            self._history = []
        return self._history

    @history.setter
    def history(self, value: list[Response]) -> None:
        self._history = value

    @property
    def num_bytes_downloaded(self) -> int:
        return self._body_bytes

    @property
    def extensions(self) -> dict[str, Any]:
        return extensions_of(self._head)

    @property
    def next_request(self) -> httpx.Request | None:
        """The request that would follow this redirect; None if it is none or was followed."""
        if not self.has_redirect_location or self.followed:
            return None
        return redirect_request(self.request, self.status_code, self.headers["location"])

    # -- what the status means -----------------------------------------------------------------------

    @property
    def is_informational(self) -> bool:
        return 100 <= self.status_code <= 199

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code <= 299

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status_code <= 399

    @property
    def is_client_error(self) -> bool:
        return 400 <= self.status_code <= 499

    @property
    def is_server_error(self) -> bool:
        return 500 <= self.status_code <= 599

    @property
    def is_error(self) -> bool:
        return 400 <= self.status_code <= 599

    @property
    def has_redirect_location(self) -> bool:
        return self.status_code in (301, 302, 303, 307, 308) and "location" in self.headers

    def raise_for_status(self) -> Response:
        """Raise httpx.HTTPStatusError, with the words of httpx, unless the status is a success."""
        if not self.is_success:
            response = self.to_httpx()
            try:
                response.raise_for_status()
            except httpx.HTTPStatusError as error:
                raise httpx.HTTPStatusError(str(error), request=self.request, response=response) from None
        return self

    def to_httpx(self) -> httpx.Response:
        """The same answer as a response of httpx, for code that asks for that very type."""
        response = httpx.Response(
            self.status_code,
            headers=self._headers_but_content_encoding(),
            content=self.content,
            request=self.request,
            extensions=self.extensions,
            history=[hop.to_httpx() for hop in self.history],
        )
        response.headers = httpx.Headers(self._head.raw_headers)
        response.elapsed = self.elapsed
        return response

    def _body_source(self) -> httpx.Response:
        return self.to_httpx()

    def _headers_but_content_encoding(self) -> RawHeaders:
        """For a response of httpx that is given the content decoded."""
        return [field for field in self._head.raw_headers if field[0].lower() != b"content-encoding"]


def request_of(route: Route, sent: bytes) -> httpx.Request:
    """The request that was written as `sent`, without what was said to a proxy only."""
    head, _, body = sent.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    target = line.split(b" ")[1].decode("ascii").removeprefix(route.origin.target_prefix)
    fields = [(name, value) for name, _, value in (field.partition(b": ") for field in lines)]
    fields = [field for field in fields if field not in route.origin.proxy_fields]
    request = httpx.Request(
        route.method, f"{route.origin}{target}", headers=fields, stream=httpx.ByteStream(body)
    )
    request.read()
    return request


def extensions_of(head: Head) -> dict[str, Any]:
    """What httpx tells of an answer beside its fields."""
    return {"http_version": b"HTTP/" + head.http_version.encode("ascii"), "reason_phrase": head.reason}


def extract_cookies(cookies: httpx.Cookies, response: Response) -> None:
    """Lets httpx read the Set-Cookie fields; it needs only the header fields and the request."""
    cookies.extract_cookies(response)  # type: ignore[arg-type]  # uses headers and request alone


def _is_known_encoding(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True
