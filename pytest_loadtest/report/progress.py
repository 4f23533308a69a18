"""The progress of a running load in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics, merged_latency
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate
from pytest_loadtest.core.wording import short_duration

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a load is and what it has measured so far."""

    name: str
    elapsed_ns: int
    total_ns: int
    vus: int
    queued: int
    requests: int
    failed_requests: int
    failed_iterations: int
    latency: Histogram

    @classmethod
    def of(
        cls, name: str, metrics: Metrics, *, elapsed_ns: int, total_ns: int, vus: int, queued: int
    ) -> Self:
        """The state of the metrics now."""
        series = metrics.requests.values()
        return cls(
            name=name,
            elapsed_ns=elapsed_ns,
            total_ns=total_ns,
            vus=vus,
            queued=queued,
            requests=sum(each.total.total() for each in series),
            failed_requests=sum(each.failed.total() for each in series),
            failed_iterations=metrics.iterations.failed.total(),
            latency=merged_latency(each.service for each in series),
        )

    @property
    def share_done(self) -> float:
        """0 to 1."""
        return min(1.0, self.elapsed_ns / self.total_ns) if self.total_ns else 0.0


def _time(snapshot: Snapshot) -> str:
    if not snapshot.elapsed_ns:
        return "setting up"
    elapsed_s = min(snapshot.elapsed_ns, snapshot.total_ns) // NS_PER_S
    return f"{short_duration(elapsed_s * NS_PER_S)}/{short_duration(snapshot.total_ns)}"


def _figures(snapshot: Snapshot) -> str:
    per_second = snapshot.requests / snapshot.elapsed_ns * NS_PER_S if snapshot.elapsed_ns else 0.0
    p50, p95, p99 = (format_duration(snapshot.latency.quantile(share)) for share in (0.5, 0.95, 0.99))
    queued = f"  {snapshot.queued} queued" if snapshot.queued else ""
    return (
        f"{snapshot.vus} VUs{queued}  {format_rate(per_second)}  p50 {p50}  p95 {p95}  p99 {p99}  "
        f"{snapshot.failed_requests} errors  {snapshot.failed_iterations} failed"
    )


def plain_line(snapshot: Snapshot) -> str:
    """For files and CI logs."""
    return f"{snapshot.name}  {_time(snapshot)}  {_figures(snapshot)}"


def live_line(snapshot: Snapshot) -> RenderableType:
    """For terminals: the same with a bar, cut to the terminal's width."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
    line.add_column(no_wrap=True)
    line.add_column(width=12)
    line.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=1.0, completed=snapshot.share_done, width=12)
    line.add_row(snapshot.name, _time(snapshot), bar, _figures(snapshot))
    return line
