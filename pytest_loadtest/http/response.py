"""What the caller gets: httpx's response interface over the bytes of an answer, worked out when asked for.

Most load tests look at the status and at the JSON. Header fields, text, cookies, the request that was sent:
each is made the first time it is read. Must not know connections or clients.
"""

from __future__ import annotations

import codecs
import datetime
import json as jsonlib
from email.message import Message
from typing import Any, NoReturn

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import RequestRecorder
from pytest_loadtest.http.decoding import DamagedContent, OversizedContent, decode_content, parse_json
from pytest_loadtest.http.head import Head
from pytest_loadtest.http.redirects import redirect_request
from pytest_loadtest.http.routes import Route

DEFAULT_ENCODING = "utf-8"


class Response:
    """An answer. A plain class with defaults for what is worked out later: cheaper to make than slots."""

    _history: list[Response] | None = None
    _headers: httpx.Headers | None = None
    _content: bytes | None = None
    _text: str | None = None
    _encoding: str | None = None
    _cookies: httpx.Cookies | None = None
    _request: httpx.Request | None = None
    followed: bool = False
    default_encoding: str = DEFAULT_ENCODING

    def __init__(
        self,
        head: Head,
        body: bytes,
        elapsed_ns: int,
        route: Route,
        sent: bytes,
        name: str,
        recorder: RequestRecorder,
        max_body_bytes: int,
    ) -> None:
        self.status_code = head.status
        self._head = head
        self._body = body
        self._elapsed_ns = elapsed_ns
        self._route = route
        self._sent = sent
        self.name = name
        self._recorder = recorder
        self._max_body_bytes = max_body_bytes

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    # -- the content ---------------------------------------------------------------------------------

    @property
    def content(self) -> bytes:
        """The body, its content codings undone. Raises httpx.DecodingError if that is not possible."""
        content = self._content
        if content is None:
            content = self._content = self._decoded() if self._head.encoded else self._body
        return content

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

    def _decoded(self) -> bytes:
        codings = [
            coding.strip().lower() for coding in self.headers.get_list("content-encoding", split_commas=True)
        ]
        try:
            return decode_content(self._body, codings, self._max_body_bytes)
        except DamagedContent as error:
            self._raise_damaged(Outcome.DECODING, f"{Outcome.DECODING.label}: {error}")
        except OversizedContent:
            limit = f"the decoded body is over {self._max_body_bytes} bytes"
            self._raise_damaged(Outcome.TOO_LARGE, f"{Outcome.TOO_LARGE.label}: {limit}")

    def _raise_damaged(self, outcome: Outcome, phrase: str) -> NoReturn:
        message = f"{phrase}: {self.location}"
        self._recorder.error_sample(self.name, outcome, self.status_code, message)
        raise httpx.DecodingError(message, request=self.request) from None

    # -- the head ------------------------------------------------------------------------------------

    @property
    def headers(self) -> httpx.Headers:
        if self._headers is None:
            self._headers = httpx.Headers(self._head.raw_headers)
        return self._headers

    @property
    def reason_phrase(self) -> str:
        return self._head.reason.decode("ascii", errors="ignore")

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
        return len(self._body)

    @property
    def extensions(self) -> dict[str, Any]:
        return {"http_version": self.http_version.encode("ascii"), "reason_phrase": self._head.reason}

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
        undecoded = [field for field in self._head.raw_headers if field[0].lower() != b"content-encoding"]
        response = httpx.Response(
            self.status_code,
            headers=undecoded,
            content=self.content,
            request=self.request,
            extensions=self.extensions,
            history=[hop.to_httpx() for hop in self.history],
        )
        response.headers = httpx.Headers(self._head.raw_headers)
        response.elapsed = self.elapsed
        return response


def request_of(route: Route, sent: bytes) -> httpx.Request:
    """The request that was written as `sent`."""
    head, _, body = sent.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    target = line.split(b" ")[1].decode("ascii")
    fields = [(name, value) for name, _, value in (field.partition(b": ") for field in lines)]
    request = httpx.Request(
        route.method, f"{route.origin}{target}", headers=fields, stream=httpx.ByteStream(body)
    )
    request.read()
    return request


def extract_cookies(cookies: httpx.Cookies, response: Response) -> None:
    """Lets httpx read the Set-Cookie fields; it needs only the header fields and the request."""
    cookies.extract_cookies(response)  # type: ignore[arg-type]  # uses headers and request alone


def _is_known_encoding(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True
