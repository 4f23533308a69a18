"""What a load generator measured about itself. Owns the data and its merging; it judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_loadtest.core.timeline import LatencyTimeline

# A test with a blocking call in every line must not eat the memory.
MOST_PLACES = 50


@dataclass(frozen=True, slots=True)
class GeneratorSecond:
    """About a second of one process: its event loop's thread. `begins_ns` counts from the load's start."""

    begins_ns: int
    wall_ns: int
    cpu_ns: int
    waited_ns: int | None = None  # runnable, but without a CPU; only Linux tells

    @property
    def cpu(self) -> float:
        """The share of one core."""
        return self.cpu_ns / self.wall_ns

    @property
    def waiting(self) -> float | None:
        """The share of time with work but without a CPU; None where nobody tells."""
        return None if self.waited_ns is None else self.waited_ns / self.wall_ns

    def __deepcopy__(self, _memo: object) -> GeneratorSecond:
        return self  # it never changes, and a load of an hour has 3600


@dataclass(slots=True)
class BlockedPlace:
    """A line of the test that kept the event loop from everything else."""

    count: int = 0
    longest_ns: int = 0

    def add(self, count: int, longest_ns: int) -> None:
        """So many blocks more, the longest of which took this time."""
        self.count += count
        self.longest_ns = max(self.longest_ns, longest_ns)


@dataclass(slots=True)
class GeneratorSeries:
    """`read_delay`: how late the loop read what was there to be read. `start_delay`: how late iterations
    started though a user was free (open model). `blocked`: by place, ``test_a.py:12 (time.sleep(1))``.
    """

    seconds: list[GeneratorSecond] = field(default_factory=list)
    read_delay: LatencyTimeline = field(default_factory=LatencyTimeline)
    start_delay: LatencyTimeline = field(default_factory=LatencyTimeline)
    blocked: dict[str, BlockedPlace] = field(default_factory=dict)

    def count_blocked(self, places: Iterable[tuple[str, BlockedPlace]]) -> None:
        """Add blocks by place; what is too many is not kept."""
        for place, block in places:
            if place in self.blocked or len(self.blocked) < MOST_PLACES:
                self.blocked.setdefault(place, BlockedPlace()).add(block.count, block.longest_ns)

    def merge(self, other: GeneratorSeries) -> None:
        """Add another process's seconds and delays."""
        self.seconds.extend(other.seconds)
        self.read_delay.merge(other.read_delay)
        self.start_delay.merge(other.start_delay)
        self.count_blocked(other.blocked.items())
