"""The pytest plugin: the only place that imports pytest.

This module is imported by every pytest session that has the package installed, so it imports nothing
heavy: what a load test needs comes with the first one that is collected.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_loadtest.plugin.collection import makeitem, misplaced_key
from pytest_loadtest.plugin.fixtures import _http_transport, http, load_env, vu
from pytest_loadtest.plugin.options import add_options

__all__ = ["_http_transport", "http", "load_env", "vu"]

_MARKERS = (
    "load(vus, duration, stages, iterations, rate, ...): many virtual users run this test as a load test",
    "budget(p95='500ms', error_rate='1%', ..., request=, metric=, check=): what must hold of a load test",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the --load options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the collection of load tests before that of any other plugin."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(_Collection(), "loadtest-collection")


class _Collection:
    """Registered from pytest_configure: later than plugins of entry points, so tried before them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: object) -> list[pytest.Item] | None:
        """Turn marked functions into load items."""
        return makeitem(collector, name, obj)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """A load marker that has no effect is an error, even in a session without any load test."""
        if misplaced := session.config.stash.get(misplaced_key, None):
            raise pytest.UsageError("\n".join(misplaced))
