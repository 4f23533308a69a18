"""Is the generator itself the bottleneck? From what it measured about itself to a state with its reason.

Owns the limits of the states, and what of a latency may be the generator's own. It knows no budgets: what
follows from a state for a verdict is in `verdict`.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_loadtest.core.generator import GeneratorSecond, GeneratorSeries
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.timeline import Window, in_window
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_share

# Shares of one core. Answers are read the later the fuller it is: at 80 % p50/p99 are 138/656 us, where an
# idle one has 100/428; from 90 % on queues form that the target has no part in.
FULL_CPU = 0.9
HIGH_CPU = 0.8
# A second now and then is nobody's bottleneck.
FEW_SECONDS = 0.1
# Of the judged figure: what of it the reading may have added.
MUCH_DELAY = 0.2
SOME_DELAY = 0.05
# Of the time: waiting for a CPU that something else on the machine uses.
MUCH_WAITING = 0.1
# Of the schedule: what may be missing before a load counts as not sent.
FEW_MISSING = 0.01
# Starts of iterations with a free user: what is late, in ns and of the judged figure.
LATE_START_NS = 2_000_000
LATE_START = 0.1
# What an idle event loop needs to read what has come is 0.1 ms in the median and 0.43 ms in the p99. Whatever
# part of a quick target's latency that is, it is not the generator at its limit.
IDLE_DELAY_NS = 500_000
# Below these nothing is said: a second has about 40 looks at the read delay.
SHORTEST_NS = NS_PER_S * 9 // 10
FEWEST_LOOKS = 20

ADVICE = "fewer VUs or a lower rate in this process, think time, nothing else on its machine"
BLOCKED_ADVICE = "no calls in the test that block the event loop, such as at"


def advice_for(series: GeneratorSeries) -> str:
    """What helps: if lines of the test blocked the event loop, these first."""
    if not series.blocked:
        return ADVICE
    worst = max(series.blocked, key=lambda place: series.blocked[place].longest_ns)
    return f"{BLOCKED_ADVICE} {worst}"


class State(enum.IntEnum):
    """How far the generator can be believed; the higher, the less."""

    UNKNOWN = 0  # too short to tell
    OK = 1
    DEGRADED = 2
    LIMITED = 3

    @property
    def label(self) -> str:
        """As people read it."""
        return _LABELS[self]


_LABELS = {
    State.UNKNOWN: "unknown",
    State.OK: "ok",
    State.DEGRADED: "degraded",
    State.LIMITED: "generator-limited",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A state and why it is not a better one; empty when it is ok."""

    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the generator was like in a part of the run. `missing`: the share of the schedule not started."""

    seconds: tuple[GeneratorSecond, ...] = ()
    read_delay: Histogram = field(default_factory=Histogram)
    start_delay: Histogram = field(default_factory=Histogram)
    missing: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether there is enough to tell a state."""
        return self._wall_ns >= SHORTEST_NS and self.read_delay.n >= FEWEST_LOOKS

    @property
    def cpu(self) -> float:
        """The mean share of one core; nan without a second."""
        return sum(each.cpu_ns for each in self.seconds) / self._wall_ns if self.seconds else math.nan

    @property
    def waiting(self) -> float:
        """The share of time without a CPU though there was work; nan where nobody tells."""
        told = [each for each in self.seconds if each.waited_ns is not None]
        wall_ns = sum(each.wall_ns for each in told)
        return sum(each.waited_ns or 0 for each in told) / wall_ns if wall_ns else math.nan

    @property
    def was_delivered(self) -> bool:
        """Whether what was to be sent was sent, or the generator is not why it was not."""
        return not (self.missing > FEW_MISSING and self.is_full)

    @property
    def is_full(self) -> bool:
        """Whether it had all the CPU that one event loop can use."""
        return self.share_above(FULL_CPU) > FEW_SECONDS

    @property
    def _wall_ns(self) -> int:
        return sum(each.wall_ns for each in self.seconds)

    def share_above(self, cpu: float) -> float:
        """Of the seconds, those with at least this CPU."""
        return sum(each.cpu >= cpu for each in self.seconds) / len(self.seconds) if self.seconds else 0.0

    def may_have_added(self, share: float) -> float:
        """What of a latency may be the generator's, in ns: `share` of reads, and of starts, had no more."""
        delays = (self.read_delay, self.start_delay)
        return sum(delay.quantile(share) for delay in delays if delay.n)

    @property
    def mean_added(self) -> float:
        """What the mean latency has of the generator's, in ns."""
        return sum(delay.mean for delay in (self.read_delay, self.start_delay) if delay.n)


def figures_of(
    series: GeneratorSeries, window: Window | None, slice_ns: int, *, missing: float = 0.0
) -> Figures:
    """The figures of a window. A second belongs to it with its middle."""
    seconds = (
        each
        for each in series.seconds
        if in_window((each.begins_ns + each.wall_ns // 2) // slice_ns, window) and each.wall_ns
    )
    return Figures(
        tuple(seconds), series.read_delay.histogram(window), series.start_delay.histogram(window), missing
    )


def assess(figures: Figures, judged_ns: float) -> Finding:
    """The state for one judged latency: the worst that any of the rules finds."""
    if not figures.is_known:
        return Finding(State.UNKNOWN, "the load was too short to tell")
    findings = [finding for rule in _RULES if (finding := rule(figures, judged_ns)) is not None]
    worst = max((finding.state for finding in findings), default=State.OK)
    return Finding(worst, "; ".join(finding.reason for finding in findings if finding.state is worst))


# -- the rules ------------------------------------------------------------------------------------


def _cpu(figures: Figures, _judged_ns: float) -> Finding | None:
    for level, state in ((FULL_CPU, State.LIMITED), (HIGH_CPU, State.DEGRADED)):
        if (share := figures.share_above(level)) > FEW_SECONDS:
            return Finding(
                state,
                f"{format_share(level)} or more of a core in {format_share(share)} of its seconds "
                f"({format_share(figures.cpu)} on average)",
            )
    return None


def _read_delay(figures: Figures, judged_ns: float) -> Finding | None:
    delay_ns = figures.read_delay.quantile(0.99)
    for part, state in ((MUCH_DELAY, State.LIMITED), (SOME_DELAY, State.DEGRADED)):
        if delay_ns > part * judged_ns:
            return Finding(
                state if delay_ns > IDLE_DELAY_NS else State.DEGRADED,
                f"it read up to {format_duration(delay_ns)} late (p99), "
                f"{_part_of(delay_ns, judged_ns)} the judged {format_duration(judged_ns)}",
            )
    return None


def _part_of(delay_ns: float, judged_ns: float) -> str:
    """``12% of``, ``3.5 times``, ``1,360 times``: a delay can be a multiple of what it is to be a part of."""
    if not judged_ns:
        return "all of"
    part = delay_ns / judged_ns
    if part < 1:
        return f"{format_share(part)} of"
    return f"{part:.3g} times" if part < 100 else f"{part:,.0f} times"


def _run_queue(figures: Figures, _judged_ns: float) -> Finding | None:
    if figures.waiting > MUCH_WAITING:
        words = f"for {format_share(figures.waiting)} of the time it waited for a CPU that others used"
        return Finding(State.LIMITED, words)
    return None


def _schedule(figures: Figures, _judged_ns: float) -> Finding | None:
    if figures.was_delivered:
        return None
    words = f"{format_share(figures.missing)} of the schedule did not start while its core was full"
    return Finding(State.LIMITED, words)


def _start_delay(figures: Figures, judged_ns: float) -> Finding | None:
    delay_ns = figures.start_delay.quantile(0.99)
    if delay_ns > max(LATE_START_NS, LATE_START * judged_ns):
        words = f"iterations started up to {format_duration(delay_ns)} late (p99) though a user was free"
        return Finding(State.LIMITED, words)
    return None


_RULES: tuple[Callable[[Figures, float], Finding | None], ...] = (
    _cpu,
    _read_delay,
    _run_queue,
    _schedule,
    _start_delay,
)
