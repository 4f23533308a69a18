"""JSON answers and JSON errors, in the shapes of the platform (those of FastAPI).

Endpoints raise these errors; ``exception_handlers`` turns them into answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    size: int

    @property
    def limits(self) -> tuple[int, int]:
        """The parameters of LIMIT and OFFSET."""
        return self.size, (self.number - 1) * self.size


class InvalidInput(HTTPException):
    """A query parameter or a body that the endpoint does not accept."""

    def __init__(self, location: tuple[str | int, ...], kind: str, message: str, value: object) -> None:
        super().__init__(422, message)
        self.errors = [{"type": kind, "loc": list(location), "msg": message, "input": value}]


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return encoded_response(_encode(content), status, headers)


def encoded_response(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose JSON text exists already, written by the database."""
    return Response(text.encode(), status, headers, media_type="application/json")


def list_response(items: Iterable[tuple[Any, ...]]) -> Response:
    """A list of everything: ``items`` are rows of one column, each an object's JSON text."""
    return encoded_response(f"[{','.join([text for (text,) in items])}]")


def page_response(key: str, items: Iterable[tuple[Any, ...]], total: int, page: Page) -> Response:
    """One page of a list: ``items`` are rows of one column, each an object's JSON text."""
    pages = -(-total // page.size)
    listed = ",".join([text for (text,) in items])
    pagination = (
        f'"total_items":{total},"total_pages":{pages},"current_page":{page.number},"page_size":{page.size}'
    )
    return encoded_response(f'{{"{key}":[{listed}],"pagination":{{{pagination}}}}}')


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail: Any = error.errors if isinstance(error, InvalidInput) else error.detail
    return json_response({"detail": detail}, error.status_code, error.headers)


async def _on_any_error(request: Request, error: Exception) -> Response:
    return json_response({"detail": "Internal Server Error"}, 500)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    """The client left before its body was complete; nobody reads this answer, and it is no error of ours."""
    return json_response({"detail": "Client closed the request"}, 400)


exception_handlers = {
    HTTPException: _on_http_error,
    ClientDisconnect: _on_disconnect,
    Exception: _on_any_error,
}
