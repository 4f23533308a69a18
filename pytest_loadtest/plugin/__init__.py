"""The pytest plugin: the only place that imports pytest.

This module is imported by every pytest session that has the package installed, so it imports nothing
heavy: what a load test needs comes with the first one that is collected.
"""

from __future__ import annotations

import pytest

from pytest_loadtest.plugin.beginning import note_beginning
from pytest_loadtest.plugin.collection import Collection
from pytest_loadtest.plugin.controller import Controller
from pytest_loadtest.plugin.fixtures import (
    _http_client,
    _http_transport,
    _httpx_options,
    _httpx_setup,
    http,
    httpx_client,
    httpx_client_options,
    load,
    load_env,
    signed_in_http,
    token,
    token_pool,
    vu,
)
from pytest_loadtest.plugin.last_reports import LastReports
from pytest_loadtest.plugin.options import add_options
from pytest_loadtest.plugin.relay import Board

__all__ = [
    "_http_client",
    "_http_transport",
    "_httpx_options",
    "_httpx_setup",
    "http",
    "httpx_client",
    "httpx_client_options",
    "load",
    "load_env",
    "signed_in_http",
    "token",
    "token_pool",
    "vu",
]

_MARKERS = (
    "load(vus, duration, stages, iterations, rate, ...): many virtual users run this test as a load test",
    "budget(p95='500ms', error_rate='1%', ..., request=, metric=, check=): what must hold of a load test",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the --load options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Note the time; register the markers, and our collection before that of any other plugin."""
    note_beginning(config)
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(Collection(), "loadtest-collection")
    if config.getoption("dist", "no") != "no":  # xdist's; workers have "no"
        config.pluginmanager.register(Controller(config), "loadtest-controller")
        config.pluginmanager.register(Board(config), "loadtest-progress")
        config.pluginmanager.register(LastReports(config), "loadtest-last-reports")
    if config.getoption("htmlpath", None) and not hasattr(config, "workerinput"):  # pytest-html's report
        from pytest_loadtest.plugin.html_rows import HtmlRows

        config.pluginmanager.register(HtmlRows(), "loadtest-html-rows")
