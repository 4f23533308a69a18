"""A load for the tests of exporters: what was measured is said in a line each, and exported as a batch."""

from __future__ import annotations

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.units import NS_PER_MS, NS_PER_S
from pytest_loadtest.export.growth import Growth
from pytest_loadtest.export.points import Batch, Point

COMMON = ("run-1", "TEST", "test_a.py::test_a")
BEGAN_NS = 1_800_000_000 * NS_PER_S


class Load:
    """Batches' times are on a clock that goes on by a second with each of them."""

    def __init__(self, *, open_model: bool = False, common: tuple[str, ...] = COMMON) -> None:
        self.recorder = Recorder(NS_PER_S, open_model=open_model)
        self.recorder.start(0)
        self._growth = Growth(open_model=open_model)
        self._common = common
        self._second = 0

    def requests(
        self,
        name: str = "GET /",
        *,
        ms: float = 10,
        n: int = 1,
        outcome: Outcome = Outcome.OK,
        status: int = 200,
        delay_ms: float = 0,
    ) -> None:
        """So many requests that took so long: 100 bytes there, 1000 back."""
        started = self._second * NS_PER_S
        finished = started + round(ms * NS_PER_MS)
        for _ in range(n):
            self.recorder.response(
                name,
                outcome,
                status,
                started,
                started,
                finished,
                finished,
                100,
                1000,
                round(delay_ms * NS_PER_MS),
            )

    def points(self, *, vus: int = 5, queued: int = 0) -> list[Point]:
        """A look."""
        self.recorder.flush()
        return list(self._growth.points(self.recorder.metrics, vus=vus, vus_max=8, queued=queued))

    def batch(self, *extra: Point, last: bool = False) -> Batch:
        """A look, a second after the one before."""
        since_ns = BEGAN_NS + self._second * NS_PER_S
        self._second += 1
        points = (*self.points(), *extra)
        return Batch(self._common, BEGAN_NS, since_ns, since_ns + NS_PER_S, points, last)
