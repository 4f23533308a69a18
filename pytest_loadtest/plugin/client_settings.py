"""How the ``http`` clients behave, from the values of the chosen environment.

``api`` is their base URL; ``headers``, ``timeout``, ``connect_timeout``, ``follow_redirects`` and ``verify``
are as in httpx, with durations in the project's forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_loadtest.core.units import UnitError, parse_duration
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.plugin.settings import Environment


def client_settings(environment: Environment) -> ClientSettings:
    """The settings of the environment's clients. Raises ConfigurationError."""
    values: dict[str, Any] = {"base_url": str(environment.get("api", ""))}
    for key in ("timeout", "connect_timeout"):
        if (value := environment.get(key)) is not None:
            values[f"{key}_ns"] = _duration(environment, key, value)
    for key, kinds in (("headers", Mapping), ("follow_redirects", bool), ("verify", (bool, str))):
        if (value := environment.get(key)) is not None:
            if not isinstance(value, kinds):
                raise ConfigurationError(
                    f"environment {environment.name!r}: {key} = {value!r} is of the wrong type"
                )
            values[key] = value
    return ClientSettings(**values)


def _duration(environment: Environment, key: str, value: object) -> int:
    try:
        return parse_duration(value)
    except UnitError as error:
        raise ConfigurationError(f"environment {environment.name!r}: {key}: {error}") from None
