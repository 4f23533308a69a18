"""Runs in plain numbers, told to a recorder: what happened, and the verdict on it."""

from __future__ import annotations

from collections.abc import Callable

from pytest_loadtest.core.budget import Scope, parse_budget
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.verdict import Measurement, Verdict, judge_one

S = 1_000_000_000
MS = 1_000_000

Tell = Callable[[Recorder], None]
STEADY = ((10, 20),)
IN_STEADY, IN_RAMP = 15 * S, 5 * S


def requests(n: int, name: str = "a", took: int = 100 * MS, *, at: int = IN_STEADY, delay: int = 0) -> Tell:
    """`n` answered requests."""

    def tell(recorder: Recorder) -> None:
        for _ in range(n):
            recorder.response(name, Outcome.OK, 200, at, at, at + took, at + took, 1, 1, delay)

    return tell


def ends(n: int, outcome: Outcome, name: str = "a", took: int = 100 * MS, *, at: int = IN_STEADY) -> Tell:
    """`n` requests without an answer."""

    def tell(recorder: Recorder) -> None:
        for _ in range(n):
            recorder.no_response(name, outcome, at, at + took, 1, 0)

    return tell


def iterations(n: int, *, failed: bool = False, took: int = S, at: int = IN_STEADY, delay: int = 0) -> Tell:
    """`n` iterations that ended by themselves."""

    def tell(recorder: Recorder) -> None:
        for _ in range(n):
            recorder.iteration(at, at + took, failed=failed, delay_ns=delay)

    return tell


def told(*calls: tuple[object, ...], at: int = IN_STEADY) -> Tell:
    """Checks and metrics: ("check", "works", True)."""

    def tell(recorder: Recorder) -> None:
        recorder.tick(at)
        for method, *arguments in calls:
            getattr(recorder, str(method))(*arguments)

    return tell


def dropped(n: int, *, at: int = IN_STEADY) -> Tell:
    return lambda recorder: recorder.dropped(at, n)


def measured(*events: Tell, open_model: bool = False) -> Measurement:
    """A run of 30 s whose steady part is from 10 s to 20 s."""
    recorder = Recorder(S, open_model=open_model)
    recorder.start(0)
    for tell in events:
        tell(recorder)
    recorder.flush()
    return Measurement(recorder.metrics, STEADY, 10 * S, 30 * S, open_model)


def verdict(
    key: str, limit: object, *events: Tell, of: dict[str, str] | None = None, open_model: bool = False
) -> Verdict:
    """The verdict on one budget of such a run; `of` is its subject, such as {"request": "a"}."""
    scope, pattern = next(iter((of or {"all": "*"}).items()))
    run = measured(*events, open_model=open_model)
    result = judge_one(parse_budget(key, limit, Scope(scope), pattern), run)
    assert result is not None
    return result
