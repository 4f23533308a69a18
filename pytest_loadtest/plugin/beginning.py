"""When the session began: one moment for its results and for the names of its files, on all workers of xdist.

Imported by every session, so it imports nothing heavy.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

_began_key = pytest.StashKey[int]()
_INPUT = "load_began_ns"  # what a worker is told


def note_beginning(config: pytest.Config) -> None:
    """It begins now; a worker's session began with the controller's."""
    given: int | None = getattr(config, "workerinput", {}).get(_INPUT)
    config.stash[_began_key] = given or time.time_ns()


def tell_worker(config: pytest.Config, node: Any) -> None:
    """On the controller, before the worker starts."""
    node.workerinput[_INPUT] = config.stash[_began_key]


def began_at(config: pytest.Config) -> str:
    """ISO 8601, UTC."""
    from pytest_loadtest.results.moments import utc_text

    return utc_text(config.stash[_began_key])
