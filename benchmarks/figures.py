"""Measured figures beside their limits: one line each, and the exit status of all together. Pure.

Must not know how a figure was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MEGABYTE, KILOBYTE = 1_000_000, 1_000
HEADER = ("figure", "measured", "limit", "verdict")


@dataclass(frozen=True)
class Figure:
    """One line of the result. `holds` is None where it was not checked."""

    name: str
    measured: str
    limit: str
    holds: bool | None

    def row(self) -> tuple[str, str, str, str]:
        verdict = {True: "met", False: "not met", None: "not checked"}[self.holds]
        return self.name, self.measured, self.limit, verdict


def exit_status(figures: Sequence[Figure]) -> int:
    """As of benchmarks.throughput: 0 all met, 1 not met, 3 not all checked."""
    if any(figure.holds is False for figure in figures):
        return 1
    return 3 if any(figure.holds is None for figure in figures) else 0


def with_range(middle: float, low: float, high: float, unit: str, digits: int = 2) -> str:
    """``0.31 ms (0.28 - 0.35)``: a figure of several rounds and from which to which they went."""
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} - {high:.{digits}f})"
