"""Loads on virtual time leave the garbage collector alone: collecting pytest's own heap takes 100 ms."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_loadtest.engine import measuring


@pytest.fixture(autouse=True)
def _no_collection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.module.__name__.rpartition(".")[2] != "test_real_loop":
        nothing = SimpleNamespace(
            collect=lambda: 0, get_freeze_count=lambda: 0, freeze=lambda: None, unfreeze=lambda: None
        )
        monkeypatch.setattr(measuring, "gc", nothing)
