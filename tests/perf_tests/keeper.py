"""A pytest plugin for runs of the suite: keeps the results of load tests, and leaves think time out.

With xdist it is the controller that sees all reports.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable
from pathlib import Path

import pytest

from pytest_loadtest.engine.virtual_user import VirtualUser

FILE_VARIABLE = "KEEP_RESULTS_IN"

_think = VirtualUser.think


def _hastily(vu: VirtualUser, low: object, high: object = None) -> Awaitable[None]:
    """Wait no longer than any other user may run in between."""
    return _think(vu, "1ms")


def pytest_configure(config: pytest.Config) -> None:
    VirtualUser.think = _hastily  # type: ignore[method-assign]
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Keeper(Path(os.environ[FILE_VARIABLE])))


class _Keeper:
    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        with self._path.open("a", encoding="utf-8") as results:
            for result in getattr(report, "load_results", ()):
                results.write(json.dumps(result) + "\n")
