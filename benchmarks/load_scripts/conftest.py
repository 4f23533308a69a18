"""Says which pytest_loadtest is measured (two checkouts share one environment in the baseline row), and keeps
the load tests' results where a benchmark asks for them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import pytest_loadtest


def pytest_report_header() -> str:
    assert pytest_loadtest.__file__ is not None
    return f"pytest_loadtest from {Path(pytest_loadtest.__file__).resolve().parent}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if (path := os.environ.get("BENCH_RESULTS")) is not None:
        with Path(path).open("a") as kept:
            kept.writelines(json.dumps(result) + "\n" for result in getattr(report, "load_results", ()))
