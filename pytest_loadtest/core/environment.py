"""What load is sent to, as tests see it: a name and configured values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Environment:
    """What load is sent to: a name and its configured values, read as attributes (``load_env.api``)."""

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self.name = name
        self._values = dict(values)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self._values[key]
        except KeyError:
            there_is = ", ".join(self._values) or "nothing"
            raise AttributeError(
                f"environment {self.name!r} has no value {key!r}; its configuration gives {there_is}"
            ) from None

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or the default when the environment does not have it."""
        return self._values.get(key, default)

    def replace(self, **values: Any) -> Environment:
        """The same environment with some values changed or added."""
        return Environment(self.name, {**self._values, **values})

    def __repr__(self) -> str:
        names = ", ".join(self._values) or "no values"  # the values may be secret
        return f"<Environment {self.name!r} with {names}>"
