"""Says which pytest_loadtest is measured: two checkouts share one environment in the baseline row."""

from __future__ import annotations

from pathlib import Path

import pytest_loadtest


def pytest_report_header() -> str:
    assert pytest_loadtest.__file__ is not None
    return f"pytest_loadtest from {Path(pytest_loadtest.__file__).resolve().parent}"
