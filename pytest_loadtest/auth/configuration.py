"""The table ``tokens`` of an environment -> a pool. Owns its keys, and which belong to which source.

What a key's value must be is said by the pool that takes it; where it stands is added here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_loadtest.auth.pool import TokenPool
from pytest_loadtest.auth.signed import SignedTokens
from pytest_loadtest.auth.static import StaticTokens
from pytest_loadtest.auth.supabase_tokens import SupabaseTokens
from pytest_loadtest.errors import ConfigurationError

DEFAULT_SOURCE = "supabase"
SOURCES: Mapping[str, Callable[..., TokenPool]] = {
    "supabase": SupabaseTokens,
    "signed": SignedTokens,
    "static": StaticTokens,
}
# Arguments of the classes that no configuration gives.
_NOT_KEYS = frozenset({"command", "clock"})
# A key that gives another one by a file.
_FILES = {"users_file": "users", "file": "tokens"}

_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "url": (str, "a text"),
    "anon_key": (str, "a text"),
    "password": (str, "a text"),
    "service_key": (str, "a text"),
    "service_key_command": (str, "a text"),
    "jwt_secret": (str, "a text"),
    "algorithm": (str, "a text"),
    "users_file": (str, "a path"),
    "file": (str, "a path"),
    "users": ((str, list, tuple), "a pattern or a list"),
    "tokens": ((list, tuple), "a list"),
    "claims": (Mapping, "a table"),
    "create": (bool, "true or false"),
    "unique": (bool, "true or false"),
    "cache": (bool, "true or false"),
}


def keys_of(source: str) -> tuple[str, ...]:
    """The keys that a source takes, beside `source`."""
    names = [name for name in inspect.signature(SOURCES[source]).parameters if name not in _NOT_KEYS]
    files = [file for file, name in _FILES.items() if name in names]
    return (*names, *files)


def pool_of(values: Mapping[str, Any], *, where: str, command: str, folder: Path = Path()) -> TokenPool:
    """The pool that a table of configuration describes. `folder` is where its relative paths begin.

    Raises ConfigurationError, which begins with `where`.
    """
    try:
        return _pool_of(values, command, folder)
    except ConfigurationError as error:
        message = f"{where}: {error}"
    raise ConfigurationError(message)


def _pool_of(values: Mapping[str, Any], command: str, folder: Path) -> TokenPool:
    arguments = dict(values)
    source = arguments.pop("source", DEFAULT_SOURCE)
    if not isinstance(source, str) or source not in SOURCES:
        raise ConfigurationError(f"source = {source!r}: there are {', '.join(SOURCES)}")
    keys = keys_of(source)
    if unknown := [name for name in arguments if name not in keys]:
        raise ConfigurationError(f"source {source!r} has no key {unknown[0]!r}; it has {', '.join(keys)}")
    for name, value in arguments.items():
        _check_kind(name, value)
    for file, name in _FILES.items():
        _take_file(arguments, file, name, folder)
    _check_required(source, arguments)
    return SOURCES[source](**arguments, command=command)


def _check_kind(name: str, value: object) -> None:
    kind, words = _KINDS.get(name, (object, ""))
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} is not {words}")  # and may be a secret: its value is not shown


def _take_file(arguments: dict[str, Any], file: str, name: str, folder: Path) -> None:
    if file not in arguments:
        return
    if name in arguments:
        raise ConfigurationError(f"{name} and {file} are both given: one of them it is")
    arguments[name] = folder / Path(arguments.pop(file)).expanduser()


def _check_required(source: str, arguments: Mapping[str, Any]) -> None:
    for name, parameter in inspect.signature(SOURCES[source]).parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            instead = "".join(f" (or {file})" for file, given in _FILES.items() if given == name)
            raise ConfigurationError(f"source {source!r} needs {name}{instead}")
