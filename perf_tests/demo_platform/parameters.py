"""Query parameters and request bodies, checked: a wrong value is an ``InvalidInput`` (422).

The words and types of the errors are those of FastAPI with Pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request

from .responses import InvalidInput, Page

MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000  # keeps the row offset far inside SQLite's 64-bit integers
DEFAULT_PAGE_SIZE = 20

FLAGS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def read_page(query: Mapping[str, str]) -> Page:
    return Page(
        _read_integer(query, "page", 1, MAX_PAGE),
        _read_integer(query, "page_size", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE),
    )


def _read_integer(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    # ASCII digits only, and few: int() would take "1_0" and " 1 ", and refuse more than 4300 digits.
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise InvalidInput(("query", name), "int_parsing", message, text)
    if text.startswith("-") or not text.strip("0"):
        raise InvalidInput(
            ("query", name), "greater_than_equal", "Input should be greater than or equal to 1", text
        )
    if len(text) > len(str(highest)) or int(text) > highest:
        message = f"Input should be less than or equal to {highest}"
        raise InvalidInput(("query", name), "less_than_equal", message, text)
    return int(text)


def read_flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false")
    flag = FLAGS.get(text.lower())
    if flag is None:
        message = "Input should be a valid boolean, unable to interpret input"
        raise InvalidInput(("query", name), "bool_parsing", message, text)
    return flag


def read_choice(query: Mapping[str, str], name: str, allowed: Collection[str], default: str) -> str:
    text = query.get(name, default)
    if text not in allowed:
        message = f"Input should be {', '.join(repr(word) for word in allowed)}"
        raise InvalidInput(("query", name), "enum", message, text)
    return text


def parse_json(content: bytes) -> Any:
    """Strict JSON (no NaN, no half surrogate pairs); ValueError for anything else."""
    try:
        parsed = json.loads(content, parse_constant=_refuse_constant)
        json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def read_object(request: Request) -> dict[str, Any]:
    """The request's body, which must be a JSON object."""
    try:
        body = parse_json(await request.body())
    except ValueError as error:
        raise InvalidInput(("body",), "json_invalid", "JSON decode error", None) from error
    if not isinstance(body, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise InvalidInput(("body",), "model_attributes_type", message, body)
    return body


def required_text(body: Mapping[str, Any], name: str) -> str:
    if name not in body:
        raise InvalidInput(("body", name), "missing", "Field required", dict(body))
    value = body[name]
    if not isinstance(value, str):
        raise InvalidInput(("body", name), "string_type", "Input should be a valid string", value)
    return value


def optional_flag(body: Mapping[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(("body", name), "bool_type", "Input should be a valid boolean", value)
    return value
