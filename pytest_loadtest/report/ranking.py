"""Which verdicts a reader must look at first."""

from __future__ import annotations

_RANKS = {"failed": 0, "passed": 2}
_BETWEEN = 1  # what neither passed nor failed: invalid, interrupted, ...


def rank_of(state: str) -> int:
    """Failed load tests first, then those that nobody can say of, then passed ones."""
    return _RANKS.get(state, _BETWEEN)
