"""The results of a run of pytest, as its reports carry them."""

from __future__ import annotations

import json

from pytest_loadtest.results.result import LoadResult
from tests.plugin.conftest import Project

# For a project's conftest.py. With xdist it is the controller that sees all reports.
KEEP_RESULTS = """
import json, pathlib

class Keeper:
    def pytest_runtest_logreport(self, report):
        with pathlib.Path("results").open("a") as results:
            for result in getattr(report, "load_results", ()):
                results.write(json.dumps(result) + chr(10))

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Keeper())
"""


def results_of(project: Project) -> dict[str, LoadResult]:
    """The result of each load test, by the name of its function; the project's conftest.py kept them."""
    lines = (project.pytester.path / "results").read_text().splitlines()
    results = [LoadResult.from_plain(json.loads(line)) for line in lines]
    return {result.test.rpartition("::")[2]: result for result in results}
