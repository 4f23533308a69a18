"""What is measured beside the users while a load runs: slices, levels, and the generator itself.

Owns the recorder's beat, the probe of the generator, and the garbage collector's rest. It knows neither
users nor shapes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.engine.scheduling import LoadClock


class Measuring:
    """Between `begin` and `end` the load's clock runs. `levels` are the active users and the queue."""

    def __init__(
        self,
        recorder: Recorder,
        clock: LoadClock,
        probe: GeneratorProbe | None,
        levels: Callable[[], tuple[int, int]],
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._probe = probe
        self._levels = levels
        self._has_frozen = False

    def begin(self) -> None:
        """Time 0 of the load is now."""
        gc.collect()
        if not gc.get_freeze_count():  # else somebody has done so, and unfreezing would undo that
            gc.freeze()  # a full collection over 300,000 older objects took 75 ms, in the middle of a load
            self._has_frozen = True
        self._recorder.start(self._clock.start())
        if self._probe:
            self._probe.begin(self._clock, self._recorder)

    async def beat(self) -> None:
        """Tell whom it concerns that a slice is over, until cancelled."""
        slice_ns = self._recorder.metrics.slice_ns
        while True:
            await self._clock.sleep_until((self._clock.elapsed_ns() // slice_ns + 1) * slice_ns)
            if self._probe:
                self._probe.tick()
            self.look()
            self._recorder.tick(self._clock.now())

    def look(self) -> None:
        """See how high the levels are. Of a slice the recorder keeps the highest that was seen."""
        self._recorder.gauge(*self._levels())

    def end(self) -> None:
        """Keep everything measured."""
        if self._has_frozen:
            gc.unfreeze()
        if self._probe:
            self._probe.end()
        self.look()
        self._recorder.flush()
