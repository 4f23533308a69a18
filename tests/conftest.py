"""For all tests: none writes to the summary of its CI step, and none leaves secrets to the next."""

from __future__ import annotations

import gc

import pytest

from pytest_loadtest.core import redaction


def pytest_collection_finish() -> None:
    """What is there by now stays: a load collects garbage before it begins, and this would be in its way."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_step_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test declares secret, such as the word "password", is an ordinary word in another."""
    monkeypatch.setattr(redaction, "_declared", set(redaction._declared))
