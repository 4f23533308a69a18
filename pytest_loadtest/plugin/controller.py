"""The controller of xdist, which collects nothing itself: what workers found wrong, and their results.

Imported by every session, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_loadtest.plugin.beginning import tell_worker

PROBLEMS = "load_problems"  # the worker's list of usage errors, in its output


class Controller:
    """One per session that is distributed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """What a worker is told before it starts."""
        tell_worker(self._config, node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A usage error is the same on every worker: the first worker's is the session's."""
        if problems := getattr(node, "workeroutput", {}).get(PROBLEMS):
            raise pytest.UsageError("\n".join(problems))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        """The first result of a load test begins the gathering, which takes those that follow by itself."""
        if not hasattr(report, "load_results") or self._config.pluginmanager.hasplugin("loadtest-summary"):
            return (yield)
        from pytest_loadtest.plugin.summary import begin_gathering

        return (yield from begin_gathering(self._config).pytest_runtest_logreport(report))


def tell_controller(config: pytest.Config, problems: list[str]) -> None:
    """On a worker: what is wrong with the load tests."""
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is not None:
        output[PROBLEMS] = problems
