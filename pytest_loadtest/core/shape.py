"""How much load at which time. Owns the closed and the open model's shapes as pure functions of time.

Time is ns since the load's start. What the level is at which time is the profile's.
"""

from __future__ import annotations

import enum
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from pytest_loadtest.core.arrival_times import ArrivalTimes, constant_marks, poisson_marks
from pytest_loadtest.core.profile import Profile
from pytest_loadtest.core.units import NS_PER_S

DEFAULT_GRACEFUL_STOP_NS = 30 * NS_PER_S
# As long as k6 gives a test that is limited by iterations before it is stopped.
DEFAULT_ITERATIONS_TIME_NS = 600 * NS_PER_S
# Enough users for a mean response time of 2 s (Little's law: users = rate x time), and not fewer than 10.
DEFAULT_RESPONSE_TIME_S = 2
FEWEST_OPEN_VUS = 10
MOST_DEFAULT_OPEN_VUS = 1000


class Arrivals(enum.StrEnum):
    """How an open model spaces its arrivals."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class ClosedShape:
    """Closed model: so many virtual users, each starting its next iteration when the last has ended.

    With `iterations` (shared by all users) or `iterations_per_vu`, the load ends when they are done,
    at the latest when the profile ends. With `pacing_ns` each user's iterations have intended starts.
    """

    profile: Profile
    iterations: int | None = None
    iterations_per_vu: int | None = None
    graceful_stop_ns: int = DEFAULT_GRACEFUL_STOP_NS
    pacing_ns: int | None = None

    @property
    def vus(self) -> int:
        """The most virtual users at one time."""
        return math.ceil(self.profile.peak)

    @property
    def has_schedule(self) -> bool:
        """Whether iterations have intended starts, hence response times."""
        return self.pacing_ns is not None

    def lifetimes(self, vu: int) -> tuple[tuple[int, int], ...]:
        """When virtual user `vu` (1-based) is active: half-open spans of ns.

        User k is active while the level is above k - 1, so the first starts at once and the last
        stops last; a profile that falls and rises again gives a user several spans.
        """
        return self.profile.spans_above(vu - 1)

    def first_start_ns(self, vu: int, begins_ns: int) -> int:
        """With pacing: the first intended start of user `vu` in a span of its time.

        Users that begin together are spread evenly over one interval: all at once every 100 ms would
        be another load than the same number of starts in the course of 100 ms.
        """
        assert self.pacing_ns is not None, "only paced iterations have intended starts"
        return begins_ns + self.pacing_ns * (vu - 1) // self.vus

    @property
    def duration_ns(self) -> int:
        """How long it lasts at most, without the graceful stop."""
        return self.profile.duration_ns

    def steady_spans(self) -> tuple[tuple[int, int], ...]:
        """What budgets judge; empty when the whole shape ramps."""
        return self.profile.steady_spans()

    @property
    def hold_ends_ns(self) -> int | None:
        """The end of the last steady span; None without one, and where iterations end the load."""
        is_counted = self.iterations is not None or self.iterations_per_vu is not None
        return None if is_counted else self.profile.hold_ends_ns

    def extended(self, extra_ns: int) -> Self:
        """The same shape with its last hold longer."""
        return replace(self, profile=self.profile.extended(extra_ns))


@dataclass(frozen=True, slots=True)
class OpenShape:
    """Open model: iterations arrive at a rate, whether or not the earlier ones have ended."""

    profile: Profile
    max_vus: int
    arrivals: Arrivals = Arrivals.CONSTANT
    graceful_stop_ns: int = DEFAULT_GRACEFUL_STOP_NS

    @property
    def vus(self) -> int:
        """The most virtual users at one time."""
        return self.max_vus

    @property
    def has_schedule(self) -> bool:
        """Whether iterations have intended starts, hence response times."""
        return True

    @property
    def duration_ns(self) -> int:
        """How long iterations arrive."""
        return self.profile.duration_ns

    def steady_spans(self) -> tuple[tuple[int, int], ...]:
        """What budgets judge; empty when the whole shape ramps."""
        return self.profile.steady_spans()

    @property
    def hold_ends_ns(self) -> int | None:
        """The end of the last steady span; None without one."""
        return self.profile.hold_ends_ns

    def extended(self, extra_ns: int) -> Self:
        """The same shape with its last hold longer."""
        return replace(self, profile=self.profile.extended(extra_ns))

    def arrivals_in_turn(self, rng: random.Random) -> ArrivalTimes:
        """The arrivals one after the other, for whom the profile may still become longer."""
        return ArrivalTimes(poisson_marks(rng) if self.arrivals is Arrivals.POISSON else constant_marks())

    def arrival_times(self, rng: random.Random) -> Iterator[int]:
        """The intended start of each iteration, in ns, ascending."""
        arrivals = self.arrivals_in_turn(rng)
        while (due_ns := arrivals.due_ns(self.profile)) is not None:
            yield due_ns
            arrivals.advance()


Shape = ClosedShape | OpenShape


def default_max_vus(peak_rate: float) -> int:
    """How many users an open model may use when nobody says."""
    wanted = math.ceil(peak_rate * DEFAULT_RESPONSE_TIME_S)
    return min(max(wanted, FEWEST_OPEN_VUS), MOST_DEFAULT_OPEN_VUS)


def slices_of(spans: tuple[tuple[int, int], ...], slice_ns: int) -> tuple[tuple[int, int], ...]:
    """The whole slices inside the spans, as half-open ranges: cut slices are left out."""
    ranges = ((-(-begins // slice_ns), ends // slice_ns) for begins, ends in spans)
    return tuple((first, end) for first, end in ranges if first < end)
