"""Which broken budget ends a load: looks at runs told second by second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from pytest_loadtest.core.abort import AbortWatch
from pytest_loadtest.core.budget import parse_budgets
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from tests.core.made_up_runs import MS, S, ends, requests

RAMP = 5  # seconds, before the steady part


def looks(seconds: str) -> Iterator[tuple[Measurement, int]]:
    """A look after each second: ``.`` ten quick requests, ``s`` slow, ``x`` failed ones, ``-`` nothing."""
    recorder = Recorder(S, open_model=True)
    recorder.start(0)
    for second, kind in enumerate(seconds):
        at = second * S
        if kind == "x":
            ends(10, Outcome.RESET, at=at)(recorder)
        elif kind != "-":
            requests(10, took=2 * S if kind == "s" else 100 * MS, at=at)(recorder)
        elapsed = second + 1
        recorder.tick(elapsed * S)
        steady = ((RAMP, elapsed),) if elapsed > RAMP else ()
        length = max(0, elapsed - RAMP) * S
        yield Measurement(recorder.metrics, steady, length, elapsed * S, whole=((0, elapsed),)), elapsed * S


def ended(seconds: str, **values: object) -> int | None:
    """The second after which the load is to end."""
    watch = AbortWatch(parse_budgets(values))
    for run, elapsed_ns in looks(seconds):
        if watch.look(run, elapsed_ns) is not None:
            return elapsed_ns // S
    return None


@pytest.mark.parametrize(
    ("seconds", "values", "after"),
    [
        pytest.param("..........", {"p95": "1s", "abort": "1s"}, None, id="kept"),
        pytest.param(".....sssss", {"p95": "1s", "abort": "3s"}, 9, id="broken from 6 s on, for 3 s"),
        pytest.param(".....sssss", {"p95": "1s", "abort": "4s"}, 10, id="for 4 s"),
        pytest.param(".....sssss", {"p95": "1s", "abort": "5s"}, None, id="not for 5 s"),
        pytest.param(".....sssss", {"p95": "1s", "abort": "500ms"}, 7, id="at the next look at the earliest"),
        pytest.param("sssss.....", {"p95": "1s", "abort": "1s"}, None, id="only the ramp is slow"),
        pytest.param(".....s.........", {"p80": "1s", "abort": "3s"}, 9, id="1 of 4 is more than 20 %"),
        pytest.param(".....s.........", {"p80": "1s", "abort": "4s"}, None, id="1 of 5 is not: kept in time"),
        pytest.param(".....-----", {"p95": "1s", "abort": "1s"}, None, id="nothing measured is not broken"),
        pytest.param(".....xxxxx", {"error_rate": "10%", "abort": "2s"}, 8, id="an error rate"),
        pytest.param(".....-----", {"rps": 5, "abort": "2s"}, None, id="no request yet"),
        pytest.param("......----", {"rps": 5, "abort": "2s"}, 10, id="below 5/s from the third second on"),
        pytest.param(
            "....." + "." * 30 + "ssss", {"p95": "1s", "abort": "2s"}, 39, id="two slow of 32 are 6 %"
        ),
        pytest.param(
            "....." + "." * 30 + "ssss", {"p95": "1s", "abort": "2s", "window": "2s"}, 38,
            id="of the last two seconds all are slow at once",
        ),
        pytest.param(
            ".....sss...", {"p95": "1s", "abort": "4s", "window": "2s"}, None, id="the latest got better"
        ),
        pytest.param(".....s", {"p95": "1s", "abort": "1s", "window": "2s"}, None, id="no whole window yet"),
        pytest.param(
            "........---", {"rps": 5, "abort": "1s", "window": "2s"}, 11, id="no requests, a rate of 0"
        ),
    ],
)  # fmt: skip
def test_a_load_ends_once_a_budget_was_broken_at_every_look_for_so_long(
    seconds: str, values: Mapping[str, object], after: int | None
) -> None:
    assert ended(seconds, **values) == after


def test_the_first_budget_whose_time_is_over_ends_the_load_and_says_why() -> None:
    slow, failed = (
        parse_budgets({"p95": "1s", "abort": "3s"}),
        parse_budgets({"error_rate": "1%", "abort": "2s"}),
    )
    watch = AbortWatch([*slow, *failed])
    found = [watch.look(run, elapsed_ns) for run, elapsed_ns in looks(".....sxxxx")]
    assert [budget.key if budget else "" for budget in found[5:9]] == ["", "", "", "p95"]
    assert found[8] is not None
    assert watch.reason(found[8]) == "p95: 2 s > 1 s for 3s"
    assert repr(watch) == "<AbortWatch of 2 budgets, broken: p95, error_rate>"


def test_budgets_without_abort_are_not_looked_at() -> None:
    assert ended(".....sssss", p95="1s") is None
    assert not AbortWatch(parse_budgets({"p95": "1s"})).has_budgets
    assert AbortWatch(parse_budgets({"p95": "1s", "abort": 1})).has_budgets


def test_a_lower_bound_reads_as_one() -> None:
    watch = AbortWatch(parse_budgets({"rps": 5, "abort": "2s"}))
    found = [watch.look(run, elapsed_ns) for run, elapsed_ns in looks("......----")]
    assert found[-1] is not None
    assert watch.reason(found[-1]) == "rps: 2/s < 5/s for 2s"


def closed_model(took_s: int, seconds: int, users: int = 10) -> Iterator[tuple[Measurement, int]]:
    """A look after each second of users whose every request takes so long; only what has ended is known."""
    recorder = Recorder(S)
    recorder.start(0)
    starts = [user * took_s * S // users for user in range(users)]
    for second in range(1, seconds + 1):
        for user, start in enumerate(starts):
            while starts[user] + took_s * S <= second * S:
                requests(1, took=took_s * S, at=starts[user])(recorder)
                starts[user] += took_s * S
            assert starts[user] >= start
        recorder.gauge(users, 0)
        recorder.tick(second * S)
        recorder.flush()
        yield Measurement(recorder.metrics, ((0, second),), second * S, second * S), second * S


@pytest.mark.parametrize(
    ("took_s", "values", "after"),
    [
        pytest.param(3, {"rps": 3, "abort": "5s"}, None, id="3.3/s, though at first none has ended"),
        pytest.param(3, {"rps": 3, "abort": "5s", "window": "5s"}, None, id="those open are in the window"),
        pytest.param(3, {"rps": 6, "abort": "5s", "window": "5s"}, 10, id="not even with them"),
        pytest.param(12, {"p95": "1s", "abort": "30s", "window": "10s"}, 52, id="longer than the window"),
        pytest.param(12, {"p95": "13s", "abort": "5s", "window": "10s"}, None, id="but no longer than that"),
    ],
)
def test_requests_that_are_still_open_are_not_taken_for_none(
    took_s: int, values: Mapping[str, object], after: int | None
) -> None:
    watch = AbortWatch(parse_budgets(values))
    found = (at_ns // S for run, at_ns in closed_model(took_s, 60) if watch.look(run, at_ns) is not None)
    assert next(found, None) == after
