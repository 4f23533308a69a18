"""Query parameters, checked: a wrong value is an ``InvalidInput`` (422); and the reading of strict JSON.

The words and types of the errors are those of FastAPI with Pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from .responses import InvalidInput, Page

MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000  # keeps the row offset far inside SQLite's 64-bit integers
MAX_VERSION = 1_000_000
DEFAULT_PAGE_SIZE = 20
MOST_NESTED = 200  # objects and lists in one another; SQLite takes 1000, and stored values are nested further

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


def read_version(query: Mapping[str, str]) -> int | None:
    """The version of a graph that is asked for; None: the newest."""
    return _read_integer(query, "version", 1, MAX_VERSION) if "version" in query else None


def version_in_path(text: str) -> int:
    return _read_integer({"graph_version": text}, "graph_version", 1, MAX_VERSION, "path")


def _read_integer(
    query: Mapping[str, str], name: str, default: int, highest: int, where: str = "query"
) -> int:
    text = query.get(name)
    if text is None:
        return default
    # ASCII digits only, and few: int() would take "1_0" and " 1 ", and refuse more than 4300 digits.
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise InvalidInput((where, name), "int_parsing", message, text)
    if text.startswith("-") or not text.strip("0"):
        raise InvalidInput(
            (where, name), "greater_than_equal", "Input should be greater than or equal to 1", text
        )
    if len(text) > len(str(highest)) or int(text) > highest:
        message = f"Input should be less than or equal to {highest}"
        raise InvalidInput((where, name), "less_than_equal", message, text)
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
    """Strict JSON (no NaN, no half surrogate pairs, nothing infinite); ValueError for anything else."""
    try:
        parsed = json.loads(content, parse_constant=_refuse_constant)
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _nests_too_deeply(content, parsed):
        raise ValueError("nested too deeply")
    return parsed


def _nests_too_deeply(content: bytes, parsed: Any) -> bool:
    if content.count(b"[") + content.count(b"{") <= MOST_NESTED:
        return False  # as good as always, and quick
    level = [parsed]
    for _ in range(MOST_NESTED):
        containers = [value.values() if isinstance(value, dict) else value for value in level]
        level = [value for values in containers for value in values if isinstance(value, (dict, list))]
        if not level:
            return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
