"""One running platform for each module that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perf_tests.demo_platform import Platform, running_platform


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with running_platform() as platform:
        yield platform
