"""Ours: the iteration of browse.py, with the generator's measuring of itself switched on and off as it runs.

Pieces of BENCH_PIECE_SECONDS with and without it follow each other as with, without, without, with, so that a
drift of the machine favours neither. What each cost, in CPU time of all threads, goes to BENCH_PIECES, a line
of JSON each. Between two pieces is a pause in which the load goes on: to switch is to begin or end a thread,
which waits for its turn on a busy core, and belongs to the beginning of a load and not to its course.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.engine.scheduling import LoadClock

PIECE_S = float(os.environ["BENCH_PIECE_SECONDS"])
PAUSE_S = 0.02  # requests take less than 5 ms: those that waited for the switch have ended
ORDER = (True, False, False, True)

finished = 0  # requests so far


class SwitchedProbe:
    """In the place of a `GeneratorProbe`: another one in every piece that has one."""

    def __init__(self) -> None:
        self._pieces: list[dict[str, Any]] = []
        self._probe: GeneratorProbe | None = None
        self._handle: asyncio.TimerHandle | None = None

    def begin(self, clock: LoadClock, recorder: Recorder) -> None:
        self._clock, self._recorder = clock, recorder
        self._switch()

    def tick(self) -> None:
        if self._probe is not None:
            self._probe.tick()

    def end(self) -> None:
        """The piece that is cut short does not count."""
        if self._handle is None:
            return
        self._handle.cancel()
        self._handle = None
        if self._probe is not None:
            self._probe.end()
        lines = [json.dumps(piece) + "\n" for piece in self._pieces]
        Path(os.environ["BENCH_PIECES"]).write_text("".join(lines))

    def _switch(self) -> None:
        """As the next piece is to be."""
        if self._probe is not None:
            self._probe.end()
            self._probe = None
        if ORDER[len(self._pieces) % len(ORDER)]:
            self._probe = GeneratorProbe()
            self._probe.begin(self._clock, self._recorder)
        self._handle = asyncio.get_running_loop().call_later(PAUSE_S, self._begin_piece)

    def _begin_piece(self) -> None:
        self._wall_then_ns, self._cpu_then_ns = time.perf_counter_ns(), time.process_time_ns()
        self._finished_then = finished
        self._handle = asyncio.get_running_loop().call_later(PIECE_S, self._end_piece)

    def _end_piece(self) -> None:
        piece = {
            "measured": self._probe is not None,
            "requests": finished - self._finished_then,
            "wall_ns": time.perf_counter_ns() - self._wall_then_ns,
            "cpu_ns": time.process_time_ns() - self._cpu_then_ns,
        }
        self._pieces.append(piece)
        self._switch()


@pytest.fixture(scope="session", autouse=True)
def switched_probe() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_loadtest.plugin.running.GeneratorProbe", SwitchedProbe)
        yield


@pytest.mark.load(vus=64, duration="5s")
async def test_browse(http: Any, vu: Any) -> None:
    global finished
    response = await http.get("/api/store/agents", params={"page": 1, "page_size": 20}, name="agents")
    vu.check("status is 200", response.status_code == 200)
    vu.check("agents are listed", len(response.json()["agents"]) > 0)
    finished += 1
