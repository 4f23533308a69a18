"""The ways to go through a body that httpx offers: bytes, text, lines; in async and in plain code.

The chunking, the text decoding and the splitting into lines are httpx's own. Must not know where a body
comes from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator

import httpx


class PartsStream(httpx.AsyncByteStream):
    """Parts as a body for httpx. Leaving it does nothing: the response is closed by who opened it."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts


class BodyIteration(ABC):
    """`_body_source` gives the body, content codings undone, as a response of httpx."""

    @abstractmethod
    def _body_source(self) -> httpx.Response: ...

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        return self._body_source().aiter_bytes(chunk_size)

    def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        return self._body_source().aiter_text(chunk_size)

    def aiter_lines(self) -> AsyncIterator[str]:
        return self._body_source().aiter_lines()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._body_source().iter_bytes(chunk_size)

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        return self._body_source().iter_text(chunk_size)

    def iter_lines(self) -> Iterator[str]:
        return self._body_source().iter_lines()
