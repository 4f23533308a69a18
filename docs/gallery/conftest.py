"""A demo platform for each test of the gallery, with the faults that its marker asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perf_tests.demo_platform import Faults, Platform, running_platform


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "faults(latency_s, error_rate, freeze_s, ...): how the platform misbehaves"
    )


@pytest.fixture
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A platform of the test's own."""
    marker = request.node.get_closest_marker("faults")
    with running_platform(faults=Faults(**marker.kwargs) if marker else Faults()) as platform:
        yield platform
