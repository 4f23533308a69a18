"""What client libraries log in an exporter's thread: told once at the end, not in every test's output."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self


class Overheard(logging.Filter):
    """While entered, these loggers' records of the current thread are kept from all handlers."""

    def __init__(self, loggers: Iterable[str]) -> None:
        super().__init__()
        self._loggers = [logging.getLogger(name) for name in loggers]
        self._thread: int | None = None
        self.first = ""  # message: later ones say that it was tried again, in vain

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is somebody else's."""
        if record.thread != self._thread:
            return True
        self.first = self.first or record.getMessage()
        return False

    def __enter__(self) -> Self:
        self._thread = threading.get_ident()
        self.first = ""
        for logger in self._loggers:
            logger.filters.insert(0, self)  # before the library's own, which drop repetitions
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for logger in self._loggers:
            logger.removeFilter(self)
