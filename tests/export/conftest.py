"""What tests of exporters share: receivers that are closed again, and an environment that says nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.export.receivers import Datagrams, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
def datagrams() -> Iterator[Datagrams]:
    datagrams = Datagrams()
    yield datagrams
    datagrams.close()


@pytest.fixture(autouse=True)
def _nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("OTEL_", "INFLUX", "DD_", "DATADOG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
