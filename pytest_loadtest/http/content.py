"""A body undone as its head says it was coded; what does not decode is a Failure of the request.

Between decoding.py, which knows bytes only, and whoever has an answer.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.decoding import ContentDecoder, DamagedContent, OversizedContent, decode_content
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.wire.head import Head


def codings_of(head: Head) -> list[str]:
    """What Content-Encoding says, in the order in which it was applied."""
    named = b",".join(head.values(b"content-encoding")).decode("ascii", errors="replace")
    return [coding.strip().lower() for coding in named.split(",") if coding.strip()]


def decode_body(head: Head, body: bytes, max_bytes: int) -> tuple[bytes, Failure | None]:
    """The content, or why there is none."""
    try:
        return decode_content(body, codings_of(head), max_bytes), None
    except DamagedContent as error:
        return b"", damage(error)
    except OversizedContent:
        return b"", oversize(max_bytes)


class BodyDecoder:
    """The same part by part, for one body; every method raises Failure for what does not decode."""

    def __init__(self, head: Head) -> None:
        try:
            self._decoder = ContentDecoder(codings_of(head))
        except DamagedContent as error:
            raise damage(error) from None
        self._any_came = False

    def decode(self, part: bytes) -> Iterator[bytes]:
        """What the next part gives, in bounded pieces."""
        self._any_came = True
        try:
            yield from self._decoder.decode(part)
        except DamagedContent as error:
            raise damage(error) from None

    def finish(self) -> None:
        """There is no further part."""
        try:
            if self._any_came:
                self._decoder.finish()
        except DamagedContent as error:
            raise damage(error) from None


def damage(error: DamagedContent) -> Failure:
    return Failure(Outcome.DECODING, f"{Outcome.DECODING.label}: {error}")


def oversize(max_bytes: int) -> Failure:
    """As what does not decode: the answer came, but it cannot be given."""
    phrase = f"{Outcome.TOO_LARGE.label}: the decoded body is over {max_bytes} bytes"
    return Failure(Outcome.TOO_LARGE, phrase, error=httpx.DecodingError)
