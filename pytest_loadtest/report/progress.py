"""The progress of a running load in one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics, merged_latency
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate
from pytest_loadtest.core.wording import short_duration

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

BAR_WIDTH = 12
LONGEST_NAME = 30
SHORTEST_NAME = 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a load is and what it has measured so far: until `counted_ns`."""

    name: str
    elapsed_ns: int
    counted_ns: int
    total_ns: int
    vus: int
    queued: int
    requests: int
    failed_requests: int
    failed_iterations: int
    latency: Histogram

    @classmethod
    def of(
        cls,
        name: str,
        metrics: Metrics,
        *,
        elapsed_ns: int,
        counted_ns: int,
        total_ns: int,
        vus: int,
        queued: int,
    ) -> Self:
        """The state of the metrics now."""
        series = metrics.requests.values()
        return cls(
            name=name,
            elapsed_ns=elapsed_ns,
            counted_ns=counted_ns,
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


def _figures(snapshot: Snapshot, quantiles: tuple[float, ...] = (0.5, 0.95, 0.99)) -> str:
    per_second = snapshot.requests / snapshot.counted_ns * NS_PER_S if snapshot.counted_ns else 0.0
    latencies = [
        f"p{share * 100:.0f} {format_duration(snapshot.latency.quantile(share))}" for share in quantiles
    ]
    parts = [f"{snapshot.vus} VUs", format_rate(per_second), *latencies, f"{snapshot.failed_requests} errors"]
    if snapshot.queued:
        parts.insert(1, f"{snapshot.queued} queued")
    if snapshot.failed_iterations:
        parts.append(f"{snapshot.failed_iterations} failed iterations")
    return "  ".join(parts)


def plain_line(snapshot: Snapshot) -> str:
    """For files and CI logs."""
    return f"{snapshot.name}  {_time(snapshot)}  {_figures(snapshot)}"


class LiveLine:
    """For terminals: the same with a bar. What does not fit gives way: the bar, then p50, then the name."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Drawn by rich, for its width."""
        from rich.text import Text

        snapshot, width = self._snapshot, options.max_width
        time, figures = _time(snapshot), _figures(snapshot)
        if len(snapshot.name) + len(time) + len(figures) + len("  " * 2) > width:
            figures = _figures(snapshot, (0.95, 0.99))
        room = width - len(time) - len(figures) - len("  " * 2)
        name = _cut(snapshot.name, min(LONGEST_NAME, max(room, SHORTEST_NAME)))
        line = Text(f"{name}  {time}  ", no_wrap=True, overflow="ellipsis", end="")
        if room - len(name) >= BAR_WIDTH + len("  "):
            _append_bar(line, snapshot.share_done).append("  ")
        yield line.append(figures)


class SignInLine:
    """For terminals: how many of the tokens that a load needs there are."""

    def __init__(self, name: str, done: int, total: int) -> None:
        self._name = name
        self._done = done
        self._total = total

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> Iterator[Text]:
        """Drawn by rich."""
        from rich.text import Text

        line = Text(
            f"{_cut(self._name, LONGEST_NAME)}  signing in  ", no_wrap=True, overflow="ellipsis", end=""
        )
        yield _append_bar(line, self._done / max(self._total, 1)).append(f"  {self._done}/{self._total}")


def _append_bar(line: Text, share_done: float) -> Text:
    done = round(share_done * BAR_WIDTH)
    return line.append("━" * done, "green").append("━" * (BAR_WIDTH - done), "bright_black")


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"
