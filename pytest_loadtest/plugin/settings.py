"""What the project configures in ``[tool.pytest-loadtest]``: environments and profiles.

Owns reading and checking that table, and which environment and profile a session uses. Reads
pyproject.toml once, and only in a session with load tests.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_loadtest.core.environment import Environment, known_values
from pytest_loadtest.core.plan import OVERRIDABLE, Layer
from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.core.targets import Targets
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin import options

if TYPE_CHECKING:
    import pytest

TABLE = "[tool.pytest-loadtest]"
TOKENS = "tokens"  # the table of an environment that says how its users sign in
# What a developer's machine carries; `cloud` leaves everything as the markers say.
BUILT_IN_PROFILES: Mapping[str, Mapping[str, object]] = {
    "local": {"vus": 5, "duration": "30s", "ramp_up": 0, "ramp_down": 0},
    "cloud": {},
}
_SERVICE_KEY = "service_key"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked table."""

    environments: Mapping[str, Mapping[str, Any]]
    profiles: Mapping[str, Mapping[str, object]]

    @classmethod
    def read(cls, root: Path) -> Settings:
        """From the pyproject.toml of pytest's root folder; empty when there is none."""
        path = root / "pyproject.toml"
        try:
            tools = tomllib.loads(path.read_text("utf-8")).get("tool", {})
        except FileNotFoundError:
            tools = {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: {error}") from None
        return cls.checked(tools.get("pytest-loadtest", {}) if isinstance(tools, Mapping) else {})

    @classmethod
    def checked(cls, table: Mapping[str, Any]) -> Settings:
        """From the table itself. Raises ConfigurationError."""
        for key in _table(table, TABLE):
            if key not in ("environments", "profiles"):
                raise ConfigurationError(f"{TABLE}: unknown key {key!r}; allowed are environments, profiles")
        environments, profiles = (_tables(table, kind) for kind in ("environments", "profiles"))
        for name, values in environments.items():
            if reserved := [word for word in values if hasattr(Environment, word) or word == "name"]:
                raise ConfigurationError(
                    f"{TABLE} environments.{name}: {reserved[0]!r} means something else on load_env"
                )
        for name, values in profiles.items():
            if unknown := [word for word in values if word not in OVERRIDABLE]:
                allowed = ", ".join(OVERRIDABLE)
                raise ConfigurationError(
                    f"{TABLE} profiles.{name}: unknown {unknown[0]!r}; allowed are {allowed}"
                )
        return cls(environments, {**BUILT_IN_PROFILES, **profiles})

    def environment(self, config: pytest.Config) -> Environment:
        """The one that the options choose. Raises ConfigurationError."""
        return self.environment_named(options.value_of(config, "env"), options.values_of(config, "allow"))

    def environment_named(
        self, name: str | None, allowed: Collection[str], allow_option: str = "--load-allow"
    ) -> Environment:
        """The environment of this name; without one the only one when there is one; one without values when
        there is none. A protected one must be among the `allowed`. Raises ConfigurationError.
        """
        if name is None:
            if len(self.environments) > 1:
                raise ConfigurationError(
                    f"which environment? choose one with --load-env: {', '.join(self.environments)}"
                )
            name = next(iter(self.environments), None)
        if name is None:
            return Environment("", {})
        if name not in self.environments:
            raise ConfigurationError(_unknown("environment", name, self.environments))
        values = dict(self.environments[name])
        if values.pop("protected", False) and name not in allowed:
            raise ConfigurationError(
                f"environment {name!r} is protected: load on it needs {allow_option} {name}"
            )
        where = f"environments.{name}"
        deferred = {}  # only tests with tokens need the secrets that make them
        if TOKENS in values:
            deferred[TOKENS] = partial(_expand_tokens, values.pop(TOKENS), f"{where}.{TOKENS}")
        return Environment(name, _expand(values, where), deferred)

    def targets(self, environment: Environment, allowed: Collection[str]) -> Targets:
        """Which hosts load may be sent to: those of configured environments, as far as they are known."""
        others = {name: _expand_known(values) for name, values in self.environments.items()}
        environments = {**others, environment.name: known_values(environment)}
        return Targets.of(environment.name, environments, allowed)

    def profile(self, config: pytest.Config) -> Layer | None:
        """The chosen profile as a layer of overrides; None when none was chosen."""
        name = options.value_of(config, "profile")
        if name is None:
            return None
        if name not in self.profiles:
            raise ConfigurationError(_unknown("profile", name, self.profiles))
        return Layer(f"profile {name}", _expand(self.profiles[name], f"profiles.{name}"))


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown {kind} {name!r}{meant}; {TABLE} has {', '.join(known) or f'no {kind}s'}"


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} is {value!r}, not a table of values")
    return value


def _tables(table: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    named = _table(table.get(kind, {}), f"{TABLE} {kind}")
    return {name: _table(values, f"{TABLE} {kind}.{name}") for name, values in named.items()}


def _expand(value: Any, where: str) -> Any:
    """The value with every ``${VARIABLE}`` replaced by the process environment's value."""
    return _in_texts(value, where, _expanded)


def _expand_tokens(table: Any, where: str) -> Any:
    """Only who creates users needs the service key: without its variable, its text stays as it is."""
    if not isinstance(table, Mapping):
        return table
    now = {key: value for key, value in table.items() if key != _SERVICE_KEY}
    later = {key: value for key, value in table.items() if key == _SERVICE_KEY}
    return {**_expand(now, where), **_expand_known(later)}


def _expand_known(value: Any) -> Any:
    """The value with each ``${VARIABLE}`` that is set replaced; the others stay."""
    return _in_texts(value, "", lambda text, _: _VARIABLE.sub(_known_or_as_it_is, text))


def _in_texts(value: Any, where: str, change: Callable[[str, str], str]) -> Any:
    """The value with each text in it changed, however deep; `change` is told where it stands."""
    if isinstance(value, Mapping):
        return {key: _in_texts(inner, f"{where}.{key}", change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_in_texts(inner, where, change) for inner in value]
    return change(value, where) if isinstance(value, str) else value


def _expanded(text: str, where: str) -> str:
    def look_up(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError:
            raise ConfigurationError(
                f"{TABLE} {where}: the environment variable {match[1]} is not set"
            ) from None

    expanded = _VARIABLE.sub(look_up, text)
    if expanded != text and "://" not in expanded:  # a URL is needed in errors; its password is masked there
        declare_secret(expanded)
    return expanded


def _known_or_as_it_is(match: re.Match[str]) -> str:
    return os.environ.get(match[1], match[0])
