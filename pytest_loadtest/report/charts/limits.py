"""The budgets that a picture of latencies can draw: percentiles, each with its limit and its interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_loadtest.core.budget import percentile_of
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.report.charts.looks import INK, PERCENTILES
from pytest_loadtest.results.rows import BudgetRow


@dataclass(frozen=True, slots=True)
class Limit:
    """A percentile's budget; times are in seconds."""

    key: str
    share: float
    limit_s: float
    passed: bool
    estimate_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None

    @property
    def label(self) -> str:
        """``p95 ≤ 5 s``: short, as two stand side by side on a phone."""
        return f"{self.key.replace('_', '.')} ≤ {format_duration(self.limit_s * NS_PER_S)}"

    @property
    def told(self) -> str:
        """``p95 ≤ 5 s``, and what became of it if it broke."""
        return self.label if self.passed else f"{self.label}, broken"

    @property
    def color(self) -> str:
        """That of the percentile's line."""
        return PERCENTILES.get(self.key, INK)


def limits_of(budgets: Iterable[BudgetRow], scope: str = "", pattern: str | None = None) -> list[Limit]:
    """The percentile budgets of a scope, the lowest limit first; each limit once."""
    found = {
        (row.key, row.limit_value): Limit(
            row.key, share, row.limit_value, row.passed, row.estimate, row.low, row.high
        )
        for row in budgets
        if row.scope == scope and (pattern is None or row.pattern == pattern)
        if row.limit_value is not None and (share := _share(row.key)) is not None
    }
    return sorted(found.values(), key=lambda each: (each.limit_s, each.share))


def scoped_patterns(budgets: Iterable[BudgetRow]) -> list[str]:
    """The requests that have percentile budgets of their own, in the order they were given."""
    scoped = (row.pattern for row in budgets if row.scope == "request" and _share(row.key) is not None)
    return list(dict.fromkeys(scoped))


def _share(key: str) -> float | None:
    return percentile_of(key) if key else None
