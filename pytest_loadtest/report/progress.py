"""How far a running load is, as plain values that travel between processes, and in one line for logs.

Must not know a terminal: `live_block` draws the same there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.so_far import BudgetSoFar, Standing
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate, format_share
from pytest_loadtest.core.wording import short_duration


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a load is and what it has measured so far: until `counted_ns`. Latencies are in ns, or nan.

    `iterations_asked` is 0 where time ends the load. `recent` are the answers of each of the last seconds.
    """

    name: str
    elapsed_ns: int = 0
    total_ns: int = 0
    counted_ns: int = 0
    vus: int = 0
    queued: int = 0
    iterations: int = 0
    iterations_asked: int = 0
    requests: int = 0
    failed_requests: int = 0
    failed_iterations: int = 0
    p50: float = math.nan
    p95: float = math.nan
    p99: float = math.nan
    recent: tuple[int, ...] = ()
    budgets: tuple[BudgetSoFar, ...] = ()

    @property
    def share_done(self) -> float:
        """0 to 1."""
        of_time = self.elapsed_ns / self.total_ns if self.total_ns else 0.0
        of_iterations = self.iterations / self.iterations_asked if self.iterations_asked else 0.0
        return min(1.0, max(of_time, of_iterations))

    @property
    def left_ns(self) -> int | None:
        """The time it still has; where iterations end it, as it went so far. None: nobody knows yet."""
        left_ns = max(0, self.total_ns - self.elapsed_ns)
        if not self.iterations_asked:
            return left_ns
        if not self.iterations:
            return None
        todo = max(0, self.iterations_asked - self.iterations)
        return min(left_ns, round(self.elapsed_ns * todo / self.iterations))

    @property
    def per_second(self) -> float:
        """Requests per second so far."""
        return self.requests / self.counted_ns * NS_PER_S if self.counted_ns else 0.0

    @property
    def broken(self) -> tuple[BudgetSoFar, ...]:
        """The budgets that do not hold so far."""
        return tuple(each for each in self.budgets if each.standing is Standing.BROKEN)

    def with_latencies(self, latency: Histogram) -> Self:
        """The same with the percentiles of these."""
        p50, p95, p99 = (latency.quantile(share) for share in (0.5, 0.95, 0.99))
        return replace(self, p50=p50, p95=p95, p99=p99)

    def to_plain(self) -> dict[str, Any]:
        """As what travels between processes."""
        values = asdict(self)
        budgets = [{**each, "standing": str(each["standing"])} for each in values["budgets"]]
        return {**values, "budgets": budgets}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """The snapshot that `to_plain` was called on."""
        plain = ({**each, "standing": Standing(each["standing"])} for each in values["budgets"])
        budgets = tuple(BudgetSoFar(**each) for each in plain)
        return cls(**{**values, "recent": tuple(values["recent"]), "budgets": budgets})


@dataclass(frozen=True, slots=True)
class SignIn:
    """How many of the tokens that a load needs there are."""

    name: str
    done: int
    total: int

    @property
    def share_done(self) -> float:
        """0 to 1."""
        return self.done / max(self.total, 1)

    def to_plain(self) -> dict[str, Any]:
        """As what travels between processes."""
        return asdict(self)


Progress = Snapshot | SignIn


def progress_of(message: Mapping[str, Mapping[str, Any]]) -> Progress | None:
    """What was sent as ``{type: its plain values}``; None of an empty message."""
    if "Snapshot" in message:
        return Snapshot.from_plain(message["Snapshot"])
    return SignIn(**message["SignIn"]) if "SignIn" in message else None


def time_text(snapshot: Snapshot) -> str:
    """``10s/3m``; where iterations end the load, those: ``10s, 30/100 iterations``."""
    if not snapshot.elapsed_ns:
        return "setting up"
    elapsed = _whole_seconds(min(snapshot.elapsed_ns, snapshot.total_ns))
    if snapshot.iterations_asked:
        return f"{elapsed}, {snapshot.iterations:,}/{snapshot.iterations_asked:,} iterations"
    return f"{elapsed}/{short_duration(snapshot.total_ns)}"


def left_text(snapshot: Snapshot) -> str:
    """``1m12s left``; ``about`` where it is guessed."""
    left_ns = snapshot.left_ns
    if not snapshot.elapsed_ns:
        return "setting up"
    if left_ns is None:
        return "0 iterations"
    if snapshot.share_done == 1.0:
        return "finishing"
    about = "about " if snapshot.iterations_asked else ""
    return f"{about}{_whole_seconds(left_ns + NS_PER_S - 1)} left"


def figures(snapshot: Snapshot) -> list[str]:
    """Users, rate, latencies and errors, in words."""
    parts = [f"{snapshot.vus} VUs"]
    if snapshot.queued:
        parts.append(f"{snapshot.queued} queued")
    parts.append(format_rate(snapshot.per_second))
    latencies = {"p50": snapshot.p50, "p95": snapshot.p95, "p99": snapshot.p99}
    parts += [f"{name} {format_duration(value)}" for name, value in latencies.items()]
    return [*parts, *troubles(snapshot)]


def troubles(snapshot: Snapshot) -> list[str]:
    """What failed."""
    failed = snapshot.failed_requests
    share = f" ({format_share(failed / snapshot.requests)})" if failed else ""
    parts = [f"{_number(failed, 'error')}{share}"]
    if snapshot.failed_iterations:
        parts.append(_number(snapshot.failed_iterations, "failed iteration"))
    return parts


def plain_line(progress: Progress) -> str:
    """For files and CI logs."""
    if isinstance(progress, SignIn):
        return f"{progress.name}  signing in {progress.done}/{progress.total}"
    parts = [progress.name, time_text(progress), *figures(progress)]
    if broken := progress.broken:
        words = (f"{each.label} {each.measured} {each.limit}" for each in broken)
        parts.append(f"broken so far: {', '.join(words)}")
    return "  ".join(parts)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _whole_seconds(time_ns: int) -> str:
    return short_duration(time_ns // NS_PER_S * NS_PER_S)
