"""What a block is: pins that take checked values, and a function. No HTTP, no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class BlockError(Exception):
    """A block cannot do what its inputs ask for."""


class InputError(BlockError):
    """An input is missing or of a wrong type; the words are those of Pydantic."""

    def __init__(self, name: str, kind: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Input:
    """A pin that takes a value. Without a type it takes any."""

    type: str | None = None
    description: str = ""
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()

    def schema(self, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = {"title": name.replace("_", " ").title(), "description": self.description}
        schema |= {"type": self.type} if self.type else {}
        schema |= {"enum": list(self.choices)} if self.choices else {}
        return schema if self.required else schema | {"default": self.default}

    def checked(self, name: str, value: Any) -> Any:
        if value is None and not self.required:
            return self.default
        if self.type and not _is_of_type(value, self.type):
            raise InputError(name, f"{self.type}_type", f"Input should be a valid {self.type}")
        if self.choices and value not in self.choices:
            raise InputError(name, "enum", f"Input should be {', '.join(map(repr, self.choices))}")
        return value


def _is_of_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


@dataclass(frozen=True, slots=True)
class Block:
    id: str
    name: str
    description: str
    category: str
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    run: Callable[[Values], Values] = field(repr=False)
    cost: int = 1
    """Credits that one run takes."""
    ui_type: str = "Standard"

    def checked(self, values: Values) -> Values:
        """All inputs, with defaults where nothing is given. Raises InputError."""
        for name, pin in self.inputs.items():
            if pin.required and name not in values:
                raise InputError(name, "missing", "Field required")
        return {name: pin.checked(name, values.get(name)) for name, pin in self.inputs.items()}

    def description_of_itself(self) -> dict[str, Any]:
        """The block as the API lists it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "categories": [{"category": self.category, "description": ""}],
            "inputSchema": {
                "type": "object",
                "properties": {name: pin.schema(name) for name, pin in self.inputs.items()},
                "required": [name for name, pin in self.inputs.items() if pin.required],
            },
            "outputSchema": {
                "type": "object",
                "properties": {name: {"title": name.replace("_", " ").title()} for name in self.outputs},
            },
            "costs": [{"cost_amount": self.cost, "cost_filter": {}, "cost_type": "run"}] if self.cost else [],
            "staticOutput": self.ui_type == "Input",
            "uiType": self.ui_type,
        }
