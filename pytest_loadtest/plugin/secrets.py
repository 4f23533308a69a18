"""Secrets out of what pytest writes beside tracebacks: what reports carry, live logs, log files, warnings.

Only what was declared a secret is replaced: the rest is the words of others. Runs nothing.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytest

from pytest_loadtest.core.redaction import redact_declared

# pytest's handlers that write past reports, as attributes of its plugin for logging.
_HANDLERS = ("log_cli_handler", "log_file_handler")


def redact_report(report: pytest.TestReport) -> None:
    """What was captured, what was recorded for JUnit, and why a test may fail."""
    report.sections[:] = [(title, redact_declared(text)) for title, text in report.sections]
    report.user_properties = [
        (name, redact_declared(value) if isinstance(value, str) else value)
        for name, value in report.user_properties
    ]
    if hasattr(report, "wasxfail"):
        report.wasxfail = redact_declared(report.wasxfail)


def redact_warning(message: warnings.WarningMessage) -> None:
    """The text takes the warning's place only where it has a secret."""
    text = str(message.message)
    if (shown := redact_declared(text)) != text:
        message.message = shown


def redact_logs(config: pytest.Config) -> None:
    """--log-cli-level and --log-file: libraries write whole requests to their logs."""
    plugin: Any = config.pluginmanager.getplugin("logging-plugin")
    for name in _HANDLERS:
        handler = getattr(plugin, name, None)  # ``-p no:logging``
        if isinstance(handler, logging.Handler) and handler.formatter is not None:
            handler.setFormatter(_Redacting(handler.formatter))


class _Redacting(logging.Formatter):
    """As another formatter writes it."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        return redact_declared(self._formatter.format(record))
