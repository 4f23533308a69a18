"""How the ``http`` clients behave, from the values of the chosen environment.

``api`` is their base URL; ``headers``, ``timeout``, ``connect_timeout``, ``follow_redirects`` and ``verify``
are as in httpx, with durations in the project's forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_loadtest.core.environment import Environment
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.units import UnitError, parse_duration
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings


def client_settings(environment: Environment) -> ClientSettings:
    """The settings of the environment's clients. Raises ConfigurationError."""
    values = {
        setting: parse(environment, key, value)
        for key, (setting, parse) in _PARSERS.items()
        if (value := environment.get(key)) is not None
    }
    return ClientSettings(**values)


def _wrong(environment: Environment, key: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"environment {environment.name!r}: {key}: {redact(problem)}")


def _duration(environment: Environment, key: str, value: object) -> int:
    try:
        return parse_duration(value)
    except UnitError as error:
        raise _wrong(environment, key, str(error)) from None


def _url(environment: Environment, key: str, value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(environment, key, f"{redact(repr(value))} is not a URL such as http://localhost:8006")
    return str(value)


def _headers(environment: Environment, key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(field, str) for field in value.values()):
        raise _wrong(environment, key, "not a table of names and texts")  # the values may be secret
    return value


def _switch(environment: Environment, key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(environment, key, f"{value!r} is neither true nor false")
    return value


def _verify(environment: Environment, key: str, value: object) -> bool | str:
    if not isinstance(value, (bool, str)):
        raise _wrong(environment, key, f"{value!r} is neither true nor false nor a path of certificates")
    return value


_Parser = Callable[[Environment, str, object], Any]
# What an environment's value is called -> what the client calls it, and how it is read.
_PARSERS: Mapping[str, tuple[str, _Parser]] = {
    "api": ("base_url", _url),
    "timeout": ("timeout_ns", _duration),
    "connect_timeout": ("connect_timeout_ns", _duration),
    "headers": ("headers", _headers),
    "follow_redirects": ("follow_redirects", _switch),
    "verify": ("verify", _verify),
}
