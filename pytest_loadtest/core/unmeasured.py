"""Why a budget has no figure, in words: what it speaks of, and the names that there were instead.

Must not judge: that nothing measured never passes is decided in `verdict`.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_loadtest.core.budget import ITERATION_DURATION, Budget, Scope
from pytest_loadtest.core.metrics import Metrics, name_matches
from pytest_loadtest.core.subjects import is_of_iterations, names_for

_SUBJECTS = {"failure_rate": "iteration", "check_rate": "check"}
_MOST_LISTED = 20  # a screenful; a test with ids in its names has hundreds


def nothing_measured(budget: Budget, metrics: Metrics) -> str:
    """Why there is no figure: the name never occurred, or only outside the steady part."""
    if budget.scope is Scope.ALL:
        subject = _SUBJECTS.get(budget.key, "request")
        return f"no {subject} in the steady part of the run: nothing was measured"
    if is_of_iterations(budget):
        return "no iteration ended in the steady part of the run: nothing was measured"
    kind, names = _names_for(budget, metrics)
    if any(name_matches(name, budget.pattern) for name in names):
        return f"{kind} {budget.pattern!r} did not occur in the steady part of the run"
    return f"no {kind} is named {budget.pattern!r}; there were: {_listed(names)}"


def _names_for(budget: Budget, metrics: Metrics) -> tuple[str, Iterable[str]]:
    """What a budget speaks of, and the names of that kind."""
    names = names_for(budget, metrics)
    if budget.scope is not Scope.METRIC:
        return str(budget.scope), names
    if budget.key in ("max_rate", "min_rate"):
        return "rate (vu.rate)", names
    if budget.rule.is_count:
        return "counter (vu.count)", names
    return "trend (vu.trend, vu.measure)", (*names, ITERATION_DURATION)


def _listed(names: Iterable[str]) -> str:
    known = sorted(names)
    listed = ", ".join(repr(name) for name in known[:_MOST_LISTED]) or "none at all"
    further = len(known) - _MOST_LISTED
    return listed if further <= 0 else f"{listed} and {further} more"
