"""A generator that is as busy as a test says, whatever this machine does."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_loadtest.core.generator import GeneratorSecond
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.scheduling import LoadClock

MS = 1_000_000
S = 1_000_000_000


@dataclass
class MadeUpProbe:
    """Tells what a test says instead of what this machine does."""

    cpu: float
    read_ms: float

    def begin(self, clock: LoadClock, recorder: Recorder) -> None:
        recorder.metrics.generator.seconds.append(GeneratorSecond(0, S, round(self.cpu * S), 0))
        for _ in range(100):
            recorder.read_late(clock.at(0), round(self.read_ms * MS))

    def tick(self) -> None:
        pass

    def end(self) -> None:
        pass
