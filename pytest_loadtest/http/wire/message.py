"""One HTTP/1.1 answer out of bytes that arrive in any pieces: llhttp parses, the rules here decide.

Owns what is an answer, when it is complete, what is too large, and whether anything may follow it. The
outcome does not depend on how the bytes were split. Must not know sockets, clocks or who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httptools

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.wire.head import HEAD_END, Head, HeadCache, RawHeaders

SWITCHING_PROTOCOLS: Final = 101
NO_HEAD_YET: Final = Head(0, b"", "1.1", [], keep_alive=False)

# A chunk of one byte takes six ("1", its line end, the byte, its line end). What takes more is extensions of
# chunks, or a trailer without an end, which llhttp would collect for ever.
FRAMING_BYTES_PER_BODY_BYTE: Final = 16

# So many parts of a body that is read whole are put together: each takes 35 bytes more than it holds, and a
# server may send 64 MiB in chunks of one byte.
PACKED_PARTS: Final = 1024

BodySink = Callable[[bytes], None]


class MessageParser:
    """Reads the answers of one connection, one after the other; `begin` before each.

    `head` is that of the final answer once `in_body`; `complete` says that all of it has come, `failure`
    why it never will. `body` is empty if the parts went to a sink.
    """

    __slots__ = (
        "_body_bytes",
        "_body_parts",
        "_expects_no_body",
        "_headers",
        "_interim_bytes",
        "_junk",
        "_max_body_bytes",
        "_max_header_bytes",
        "_packed",
        "_parser",
        "_reason",
        "_sink",
        "_trailer_bytes",
        "complete",
        "failure",
        "head",
        "in_body",
        "received",
    )

    def __init__(self, max_header_bytes: int, max_body_bytes: int) -> None:
        self._max_header_bytes = max_header_bytes
        self._max_body_bytes = max_body_bytes
        self._parser: httptools.HttpResponseParser | None = None
        self.begin(expects_no_body=False)

    def __repr__(self) -> str:
        state = "complete" if self.complete else "in the body" if self.in_body else "before the body"
        return f"<MessageParser {state} received={self.received}>"

    def begin(self, *, expects_no_body: bool, sink: BodySink | None = None) -> None:
        """The next answer. With a `sink` the parts of its body go there, without a limit on their sum."""
        self._expects_no_body = expects_no_body  # the request was a HEAD
        self._sink = sink
        self._headers: RawHeaders = []
        self._reason = b""
        self._body_parts: list[bytes] = []
        self._packed = 0  # the first so many parts have been put together
        self._body_bytes = 0
        self._interim_bytes = 0
        self._trailer_bytes = 0
        self._junk = False  # something came after the answer
        self.head = NO_HEAD_YET
        self.in_body = False
        self.complete = False
        self.failure: Failure | None = None
        self.received = 0

    def forget(self) -> None:
        """The body has been taken: keep nothing of it while the connection is idle."""
        self._body_parts = []
        self._headers = []
        self._sink = None

    def close(self) -> None:
        """The parser of llhttp holds our methods: a cycle."""
        self._parser = None
        self._sink = None

    # -- what a connection asks ----------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """The next bytes of the answer; afterwards `in_body`, `complete` and `failure` say how it stands.

        What is over a limit fails at the same byte, whatever the pieces: no piece goes past a limit at once.
        """
        while not self.complete and self.failure is None and len(data) > (room := self._room()):
            if not room:
                self._fail_as_too_large()
                return
            self._feed(data[:room])
            data = data[room:]
        self._feed(data)
        if self.in_body and not self.complete and self.failure is None and self._is_announced_too_large():
            self._fail_as_too_large()

    def _room(self) -> int:
        """How many bytes may come before the head, or another byte of the body, has to be there."""
        if not self.in_body:
            return self._max_header_bytes - self.received
        allowed = self._max_header_bytes * 2 + FRAMING_BYTES_PER_BODY_BYTE * self._body_bytes
        return allowed - self.received

    def _feed(self, data: bytes) -> None:
        if self.failure is not None:
            return
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpResponseParser(self)
        self.received += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._junk = True  # told in `on_headers_complete`, unless an answer was complete already
        except httptools.HttpParserError as error:
            self._junk = True
            self._fail(Outcome.PROTOCOL, str(error))

    def end_of_stream(self) -> bool:
        """The server has closed: was that the end of the answer? Then it is complete."""
        if self.in_body and not self.complete and self.failure is None:
            self.complete = self.head.ends_with_the_connection()
        return self.complete

    @property
    def body(self) -> bytes:
        parts = self._body_parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def keeps_alive(self) -> bool:
        """May the connection be used for another request?"""
        return self.complete and self.head.keep_alive and not self._junk

    def remember_head(self, data: bytes, heads: HeadCache) -> None:
        """See head.py: only a message that came alone in one read, its body all that follows the head."""
        head_end = data.find(HEAD_END) + 4
        if (
            len(data) == self.received
            and not self._junk
            and not self._interim_bytes
            and not self._expects_no_body
            and self._body_bytes == len(data) - head_end
        ):
            heads.add(data[:head_end], self.head, self._body_bytes)

    # -- callbacks of llhttp -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._junk = self._junk or self.complete

    def on_status(self, reason: bytes) -> None:
        if not self.complete:
            self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_body:  # a trailer: httpx drops it, too
            self._trailer_bytes += len(name) + len(value) + len(b": \r\n")
            if self._trailer_bytes > self._max_header_bytes:
                self._fail(Outcome.TOO_LARGE, "endless trailers")
        elif not self.complete:
            self._headers.append((name, value.rstrip(b" \t")))  # llhttp strips only what is in front

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        parser = self._parser
        assert parser is not None
        self.head = Head(
            parser.get_status_code(),
            self._reason,
            parser.get_http_version(),
            self._headers,
            parser.should_keep_alive(),
        )
        status = self.head.status
        if status < 100:
            self._fail(Outcome.PROTOCOL, f"status {status}")
        elif status == SWITCHING_PROTOCOLS:
            self._fail(Outcome.PROTOCOL, "switched protocols without being asked to")
        elif b"\0" in self._reason:  # in fields llhttp refuses it
            self._fail(Outcome.PROTOCOL, "NUL in the status line")
        self.in_body = status >= 200 and self.failure is None
        if self.in_body and self._expects_no_body:
            self._complete_without_body()

    def on_chunk_header(self) -> None:
        self._junk = self._junk or self.complete

    def on_body(self, part: bytes) -> None:
        if self.complete:
            self._junk = True
            return
        if self.failure is not None:
            return
        self._body_bytes += len(part)
        if self._sink is not None:
            self._sink(part)
        elif self._body_bytes > self._max_body_bytes:
            self._body_parts.clear()
            self._fail_as_too_large()
        else:
            self._body_parts.append(part)
            if len(self._body_parts) - self._packed >= PACKED_PARTS:
                self._body_parts[self._packed :] = [b"".join(self._body_parts[self._packed :])]
                self._packed += 1

    def on_message_complete(self) -> None:
        if self.complete:
            return
        if self.head.status >= 200:
            self.complete = self.failure is None
        else:  # 100 Continue, 103 Early Hints: the answer follows
            self._interim_bytes = self.received
            self._headers = []
            self._reason = b""

    # -- decisions -----------------------------------------------------------------------------------

    def _complete_without_body(self) -> None:
        """An answer to HEAD is its head. llhttp cannot know that, so this parser is not used again."""
        head = self.head
        named = b",".join(head.values(b"connection")).lower()
        head.keep_alive = b"close" not in named and (head.http_version == "1.1" or b"keep-alive" in named)
        self.complete = True
        self._parser = None

    def _is_announced_too_large(self) -> bool:
        if self._sink is not None:
            return False
        lengths = self.head.values(b"content-length")
        # Python converts at most 4300 digits, and llhttp takes any number of zeros in front.
        return bool(lengths) and int(b"0" + lengths[0].lstrip(b"0")) > self._max_body_bytes

    def _fail_as_too_large(self) -> None:
        what, limit = ("body", self._max_body_bytes) if self.in_body else ("header", self._max_header_bytes)
        self._fail(Outcome.TOO_LARGE, f"the response {what} is over {limit} bytes")

    def _fail(self, outcome: Outcome, what: str) -> None:
        """The first failure counts: llhttp stops at it, but what it had read may still be told."""
        self.failure = self.failure or Failure(outcome, f"{outcome.label}: {what}")
