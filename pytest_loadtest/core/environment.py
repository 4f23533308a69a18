"""What load is sent to, as tests see it: a name and configured values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Environment:
    """What load is sent to: a name and its configured values, read as attributes (``load_env.api``).

    `deferred` are values that are made when they are first asked for: what they need, such as a secret,
    need not be there for tests that do without.
    """

    def __init__(
        self,
        name: str,
        values: Mapping[str, Any],
        deferred: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self.name = name
        self._values = dict(values)
        self._deferred = dict(deferred or {})

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        if key not in self:
            there_is = ", ".join(self._names()) or "nothing"
            raise AttributeError(
                f"environment {self.name!r} has no value {key!r}; its configuration gives {there_is}"
            )
        return self.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._values or key in self._deferred

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or the default when the environment does not have it."""
        if key in self._deferred:
            self._values[key] = self._deferred[key]()
            del self._deferred[key]
        return self._values.get(key, default)

    def replace(self, **values: Any) -> Environment:
        """The same environment with some values changed or added."""
        deferred = {key: make for key, make in self._deferred.items() if key not in values}
        return Environment(self.name, {**self._values, **values}, deferred)

    def _names(self) -> list[str]:
        return [*self._values, *self._deferred]

    def __repr__(self) -> str:
        names = ", ".join(self._names()) or "no values"  # the values may be secret
        return f"<Environment {self.name!r} with {names}>"


def known_values(environment: Environment) -> Mapping[str, Any]:
    """All values but those that nobody has asked for yet. (A method's name could be no value's.)"""
    return environment._values
