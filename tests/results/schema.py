"""`python -m tests.results.schema` writes docs/run.schema.json: the JSON Schema of a run's file.

Owns how the types of a run's classes are said in JSON Schema. What the fields mean stands in docs/results.md.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pytest_loadtest.results import files
from pytest_loadtest.results.run import Run, Summary

PATH = Path(__file__).parent.parent.parent / "docs" / "run.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}
_MOMENT = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$"
_BASE64 = "^[A-Za-z0-9+/]*={0,2}$"
# What the types do not say, by class and field.
_CLOSER: dict[str, dict[str, Any]] = {
    "Run.began_at": {"pattern": _MOMENT},
    "Run.ended_at": {"pattern": _MOMENT},
    "LoadResult.began_at": {"pattern": _MOMENT},
    "LoadResult.state": {"minLength": 1},
    "LoadResult.confidence": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "RequestRow.count": {"minimum": 0},
    "RequestRow.histogram": {"pattern": _BASE64},
    "BudgetRow.unit": {"enum": ["s", "share", "/s", ""]},
    "BudgetRow.scope": {"enum": ["", "request", "metric", "check"]},
    "Commit.sha": {"pattern": "^[0-9a-f]{7,64}$"},
}


def schema() -> dict[str, Any]:
    """Of the whole file. All fields are required; a newer version may have more."""
    definitions: dict[str, Any] = {}
    run = _object(Run, definitions)
    envelope = {
        "format": {"const": files.FORMAT},
        "schema_version": {"const": files.SCHEMA_VERSION},
        "summary": _of(Summary, definitions),
    }
    run["properties"] = {**envelope, **run["properties"]}
    run["required"] = [*envelope, *run["required"]]
    head = {"$schema": _DIALECT, "title": files.FORMAT, "description": "See results.md."}
    return {**head, **run, "$defs": dict(sorted(definitions.items()))}


def _object(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    names = [each.name for each in fields(cls)]
    properties = {
        name: {**_of(hints[name], definitions), **_CLOSER.get(f"{cls.__name__}.{name}", {})} for name in names
    }
    return {"type": "object", "properties": properties, "required": names}


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind is Any:
        return {}
    if isinstance(kind, UnionType):
        (inner,) = (each for each in get_args(kind) if each is not NoneType)
        if inner in _SCALARS:
            return {"type": [_SCALARS[inner], "null"]}
        return {"anyOf": [_of(inner, definitions), {"type": "null"}]}
    if is_dataclass(kind):
        name = str(getattr(kind, "__name__", kind))
        if name not in definitions:
            definitions[name] = {}  # it may refer to itself
            definitions[name] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": _of(get_args(kind)[1], definitions)}
    if get_origin(kind) is tuple:
        return _list(get_args(kind), definitions)
    return {"type": _SCALARS[kind]}


def _list(kinds: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if kinds[-1] is Ellipsis:
        return {"type": "array", "items": _of(kinds[0], definitions)}
    of_each = [_of(kind, definitions) for kind in kinds]
    return {"type": "array", "prefixItems": of_each, "minItems": len(kinds), "maxItems": len(kinds)}


if __name__ == "__main__":
    PATH.write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")
