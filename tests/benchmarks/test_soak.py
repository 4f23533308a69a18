"""A long load: which part is judged, and that memory under too little load proves nothing."""

from __future__ import annotations

from typing import cast

import pytest

from benchmarks.growth import Point, flatness
from benchmarks.measurement import Reading
from benchmarks.processes import Finished
from benchmarks.soak import (
    Watcher,
    figures_of,
    judged_part,
    method,
    parse_arguments,
    point_rows,
    verdict_figure,
)
from benchmarks.target import CounterReader, Counters

START_UP, LOAD = 3, 120  # seconds
RATE = 5000
MB = 1_000_000


def watched(rate: int = RATE, load: int = LOAD, bytes_per_second: float = 0) -> Watcher:
    """A reading a second: start-up, load, two more while the report is made and 9 MB are taken for it.

    The first 40 s of the load fill caches with 20 MB."""
    watcher = Watcher(cast("CounterReader", None))
    for at in range(START_UP + load + 3):
        ran = min(max(at - START_UP, 0), load)
        resident = 60 * MB + min(ran, 40) * MB // 2 + round(ran * bytes_per_second) + (ran == load) * 9 * MB
        watcher.points.append(Point(at, rate * ran, resident))
        watcher.readings.append(Reading(at, rate * ran, 2 + 0.5 * ran))
    return watcher


def states(watcher: Watcher) -> list[bool | None]:
    return [figure.holds for figure in figures_of(*judged_part(watcher), RATE)]


def test_neither_the_first_minute_nor_the_report_is_judged() -> None:
    points, _ = judged_part(watched())
    assert (points[0].at_seconds, points[-1].at_seconds) == (START_UP + 61, START_UP + LOAD - 2)
    assert flatness(points).spread == 0


@pytest.mark.parametrize(
    ("watcher", "expected"),
    [
        pytest.param(watched(), [True, True, True], id="flat"),
        pytest.param(watched(bytes_per_second=50_000), [True, True, True], id="2.9 MB in the judged part"),
        pytest.param(watched(bytes_per_second=100_000), [True, False, False], id="5.7 MB are too much"),
        pytest.param(watched(rate=4000), [False, None, None], id="flat under less load than asked"),
    ],
)
def test_what_is_required(watcher: Watcher, expected: list[bool | None]) -> None:
    assert states(watcher) == expected


def test_memory_that_jumps_and_comes_back_is_not_flat() -> None:
    watcher = watched()
    at = len(watcher.points) // 2 + 20
    jump = watcher.points[at]
    watcher.points[at] = Point(jump.at_seconds, jump.requests, jump.resident_bytes + 6 * MB)
    assert states(watcher) == [True, True, False]


@pytest.mark.parametrize(
    ("watcher", "message"),
    [
        pytest.param(watched(load=50), "did not last 60 s", id="a load that ended early"),
        pytest.param(watched(rate=0), "no request", id="no load"),
    ],
)
def test_a_load_that_was_none_is_an_error(watcher: Watcher, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judged_part(watcher)


def test_the_watcher_reads_once_a_second_and_not_when_the_process_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Counting:
        def read(self) -> Counters:
            return Counters(7, 1)

    now = iter([10.0, 10.5, 11.2, 12.3])
    resident = iter([50 * MB, 51 * MB, 0])
    monkeypatch.setattr("benchmarks.soak.time.perf_counter", lambda: next(now))
    monkeypatch.setattr("benchmarks.soak.resident_bytes", lambda _pid: next(resident))
    monkeypatch.setattr("benchmarks.soak.cpu_seconds", lambda _pid: 1.5)
    watcher = Watcher(cast("CounterReader", Counting()))
    assert all(watcher(1) for _ in range(4))
    assert watcher.points == [Point(10.0, 7, 50 * MB), Point(11.2, 7, 51 * MB)]
    assert watcher.readings == [Reading(10.0, 7, 1.5), Reading(11.2, 7, 1.5)]


def test_the_table_ends_with_the_last_point() -> None:
    points, _ = judged_part(watched())
    rows = point_rows(points, START_UP)
    assert rows[-1] == (f"{LOAD - 2}", str(RATE * (LOAD - 2)), "80.0")
    assert 10 <= len(rows) <= 12


def test_a_failed_load_test_is_said_with_its_words() -> None:
    figure = verdict_figure(Finished(1, "1 budget broken", "", 3.0, timed_out=False))
    assert (figure.measured, figure.holds) == ("failed: 1 budget broken", False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "5000 arrivals/s for 10 minutes"),
        (
            ["--model", "closed", "--minutes", "2"],
            "64 users without pause for 2 minutes, at least 5000 requests/s",
        ),
    ],
)
def test_the_method_in_words(options: list[str], words: str) -> None:
    assert method(parse_arguments(options)) == words


@pytest.mark.parametrize("wrong", [["--minutes", "1"], ["--model", "half"], ["--rate", "0"]])
def test_wrong_options_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(wrong)
