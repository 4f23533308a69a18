"""Frozen dataclasses as plain values and back, by their fields' types. Owns what is a wrong value, and where.

What a newer version has added is ignored; what an older one had not yet is the field's default. It knows
neither files nor what the values mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pytest_loadtest.errors import ResultError

_T = TypeVar("_T")
_NAMES: Mapping[type, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def to_plain(value: Any) -> Any:
    """As dictionaries, lists, texts and numbers that JSON has: a number that is not finite is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _types_of(type(value))}
    if isinstance(value, Mapping):
        return {key: to_plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def with_texts(value: Any, change: Callable[[str], str], untouched: Collection[str] = ()) -> Any:
    """Plain values with every text and every key changed, but not what stands under `untouched` keys."""
    if isinstance(value, Mapping):
        return {
            change(key): inner if key in untouched else with_texts(inner, change, untouched)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [with_texts(inner, change, untouched) for inner in value]
    return change(value) if isinstance(value, str) else value


def from_plain(cls: type[_T], plain: Any, where: str = "") -> _T:
    """The value that `to_plain` was called on. Raises ResultError with the place of what is wrong."""
    if not isinstance(plain, Mapping):
        raise _wrong(plain, where, "an object")
    described: Any = cls  # mypy takes a type for unhashable
    missing = [name for name in _required(described) if name not in plain]
    if missing:
        raise ResultError(f"{_at(where)}{missing[0]!r} is missing")
    known = {name: kind for name, kind in _types_of(described).items() if name in plain}
    return cls(**{name: _value(kind, plain[name], f"{where}.{name}") for name, kind in known.items()})


@cache
def _types_of(cls: Any) -> dict[str, Any]:
    """The type of each field, in order."""
    hints = get_type_hints(cls)
    return {each.name: hints[each.name] for each in fields(cls)}


@cache
def _required(cls: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls) if each.default is each.default_factory is MISSING)


def _value(kind: Any, plain: Any, where: str) -> Any:
    if kind is Any:
        return plain
    if isinstance(kind, UnionType):  # of one type and None
        inner = next(each for each in get_args(kind) if each is not NoneType)
        return None if plain is None else _value(inner, plain, where)
    if is_dataclass(kind):
        return from_plain(kind, plain, where)  # type: ignore[arg-type]  # a type: fields hold no instances
    return _READERS[get_origin(kind) or kind](kind, plain, where)


def _read_tuple(kind: Any, plain: Any, where: str) -> tuple[Any, ...]:
    """``tuple[X, ...]``, or of a fixed length."""
    if not isinstance(plain, (list, tuple)):
        raise _wrong(plain, where, "a list")
    kinds = get_args(kind)
    if kinds[0] in _NAMES and kinds[-1] is Ellipsis and {type(each) for each in plain} <= {kinds[0]}:
        return tuple(plain)  # columns of a timeline: one by one, 10 minutes of 50 names took 0.4 s
    every: Iterable[Any] = (kinds[0],) * len(plain) if kinds[-1] is Ellipsis else kinds
    if kinds[-1] is not Ellipsis and len(kinds) != len(plain):
        raise _wrong(plain, where, f"a list of {len(kinds)}")
    pairs = zip(every, plain, strict=True)
    return tuple(_value(inner, value, f"{where}[{n}]") for n, (inner, value) in enumerate(pairs))


def _read_dict(kind: Any, plain: Any, where: str) -> dict[str, Any]:
    if not isinstance(plain, Mapping):
        raise _wrong(plain, where, "an object")
    inner = get_args(kind)[1]
    return {key: _value(inner, value, f"{where}[{key!r}]") for key, value in plain.items()}


def _read_scalar(kind: Any, plain: Any, where: str) -> Any:
    """JSON does not tell 1 from 1.0; True is no number, although Python says so."""
    is_right = isinstance(plain, (int, float) if kind is float else kind)
    if not is_right or (isinstance(plain, bool) and kind is not bool):
        raise _wrong(plain, where, _NAMES[kind])
    return plain


_READERS: Mapping[Any, Callable[[Any, Any, str], Any]] = {
    tuple: _read_tuple,
    dict: _read_dict,
    **dict.fromkeys(_NAMES, _read_scalar),
}
_LONGEST_SHOWN = 40  # characters of a wrong value


def _wrong(plain: Any, where: str, wanted: str) -> ResultError:
    shown = repr(plain)
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}..."
    return ResultError(f"{_at(where)}{shown} is not {wanted}")


def _at(where: str) -> str:
    return f"{where.lstrip('.')}: " if where else ""
