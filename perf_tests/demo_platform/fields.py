"""The fields of a JSON object that was sent, checked one by one: a wrong value is an ``InvalidInput`` (422).

The words and types of the errors are those of FastAPI with Pydantic.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from starlette.requests import Request

from .parameters import parse_json
from .responses import InvalidInput

REQUIRED: Final = object()


class Fields:
    """One object of a body, at ``location`` in it. Fields that nobody asks for are ignored."""

    def __init__(self, content: object, *location: str | int) -> None:
        if not isinstance(content, dict):
            message = "Input should be a valid dictionary or object to extract fields from"
            raise InvalidInput(location, "model_attributes_type", message, content)
        self.content: dict[str, Any] = content
        self._location = location

    def text(self, name: str, default: Any = REQUIRED, *, longest: int | None = None) -> Any:
        value = self._typed(name, str, "string", default)
        if longest is not None and isinstance(value, str) and len(value) > longest:
            message = f"String should have at most {longest} characters"
            raise self.invalid(name, "string_too_long", message)
        return value

    def flag(self, name: str) -> bool | None:
        flag: bool | None = self._typed(name, bool, "boolean", None)
        return flag

    def integer(self, name: str, default: Any = REQUIRED, *, highest: int) -> Any:
        """A whole number from 1."""
        value = self._typed(name, int, "integer", default)
        if isinstance(value, bool):
            raise self.invalid(name, "int_type", "Input should be a valid integer")
        if value is not None and value < 1:
            message = "Input should be greater than or equal to 1"
            raise self.invalid(name, "greater_than_equal", message)
        if value is not None and value > highest:
            message = f"Input should be less than or equal to {highest}"
            raise self.invalid(name, "less_than_equal", message)
        return value

    def objects(self, name: str) -> list[Fields]:
        """A list of objects; empty when it is not there."""
        values = self._typed(name, list, "list", [])
        return [Fields(value, *self._location, name, index) for index, value in enumerate(values)]

    def object(self, name: str, default: Any = REQUIRED) -> Fields:
        return Fields(self._present(name, default), *self._location, name)

    def words(self, name: str, allowed: Collection[str], default: Any = REQUIRED) -> Any:
        """A list of words, each of which must be allowed."""
        values = self._typed(name, list, "list", default)
        for index, word in enumerate(values or ()):
            if not isinstance(word, str) or word not in allowed:
                message = f"Input should be {', '.join(repr(word) for word in allowed)}"
                raise InvalidInput((*self._location, name, index), "enum", message, word)
        return values

    def invalid(self, name: str | int | None, kind: str, message: str) -> InvalidInput:
        """The error about one field, or with None about the whole object."""
        if name is None:
            return InvalidInput(self._location, kind, message, self.content)
        return InvalidInput((*self._location, name), kind, message, self.content.get(str(name)))

    def _typed(self, name: str, kind: type, word: str, default: Any) -> Any:
        value = self._present(name, default)
        if value is not default and not isinstance(value, kind):
            short = {"boolean": "bool", "integer": "int"}.get(word, word)
            raise self.invalid(name, f"{short}_type", f"Input should be a valid {word}")
        return value

    def _present(self, name: str, default: Any) -> Any:
        """What stands there. null is as good as nothing for a field that may be left out."""
        value = self.content.get(name)
        if value is not None or (name in self.content and default is REQUIRED):
            return value
        if default is REQUIRED:
            raise InvalidInput((*self._location, name), "missing", "Field required", self.content)
        return default


async def read_fields(request: Request) -> Fields:
    """The request's body, which must be a JSON object."""
    try:
        body = parse_json(await request.body())
    except ValueError as error:
        raise InvalidInput(("body",), "json_invalid", "JSON decode error", None) from error
    return Fields(body, "body")
