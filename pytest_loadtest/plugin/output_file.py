"""An output that is one file of the session, replaced as a whole after each load test and at the end.

Owns its path: what the option's template means, and that it is looked at before any load. What is written is
each file's own affair.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from pytest_loadtest.plugin import options
from pytest_loadtest.results.paths import check_path, path_of

if TYPE_CHECKING:
    import pytest

    from pytest_loadtest.results.run import Run


class OutputFile(ABC):
    """The file of one session. `option` asks for it; `what` it is, for the terminal."""

    option: ClassVar[str]
    what: ClassVar[str]

    def __init__(self, template: str) -> None:
        self._template = template

    @classmethod
    def asked_for(cls, config: pytest.Config) -> Self | None:
        """The file that the options ask for, if they do. Raises ConfigurationError."""
        template, source = options.value_and_source(config, cls.option.removeprefix(options.PREFIX))
        if not template:
            return None
        cls.check(template, source)
        return cls(template)

    @classmethod
    def check(cls, template: str, source: str) -> None:
        """Raise ConfigurationError if it could not be written; `source` is what asks for it."""
        check_path(template, source)

    @abstractmethod
    def write(self, run: Run, path: Path) -> None:
        """Write what there is so far: who reads the file meanwhile sees the old one. Raises OSError."""

    def update(self, run: Run) -> None:
        """After a load test."""
        self.write(run, self._path(run))

    def finish(self, run: Run) -> None:
        """At the end."""
        self.write(run, self._path(run))

    def note(self, run: Run) -> str | None:
        """Where it is."""
        return f"{self.what} in {self._path(run)}"

    def _path(self, run: Run) -> Path:
        return path_of(self._template, run.began_at)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._template!r}>"
