"""The stall share: one sentence per row."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.stalls import stall_share
from tests.core.made_up_runs import MS, S, Tell, ends, measured, requests

STEADY = ((10, 20),)


def users(n: int) -> Tell:
    """`n` users in each of 30 s."""

    def tell(recorder: object) -> None:
        for second in range(30):
            recorder.metrics.vus.add(second, n)  # type: ignore[attr-defined]  # a Recorder, as Tell says

    return tell


@pytest.mark.parametrize(
    ("events", "share"),
    [
        pytest.param((users(10), requests(500, took=2 * S)), 0, id="all alike: however slow, nothing stalls"),
        pytest.param((users(10), requests(500), requests(10, took=2 * S)), 0.2, id="10 x 2 s of 10 x 10 s"),
        pytest.param((users(10), requests(500), requests(10, "b", took=2 * S)), 0, id="b takes that long"),
        pytest.param(
            (users(10), requests(500), requests(99, "b"), requests(10, "b", took=2 * S)), 0.2, id="b stalls"
        ),
        pytest.param((users(10), requests(500), requests(10, took=990 * MS)), 0, id="9.9 times the median"),
        pytest.param((users(10), requests(500), requests(10, took=1020 * MS)), 0.102, id="10.2 times"),
        pytest.param(
            (users(10), requests(500), ends(10, Outcome.CENSORED, took=3 * S)), 0.3, id="what never ended"
        ),
        pytest.param(
            (users(10), requests(500), requests(10, took=2 * S, at=5 * S)), 0, id="outside the window"
        ),
        pytest.param(
            (users(1), requests(500), requests(40, took=9 * S)), 1, id="many at a time: never above 1"
        ),
        pytest.param(
            (users(1), requests(500), requests(1, took=4500 * S)), 1, id="longer than a bucket holds"
        ),
        pytest.param((users(10),), 0, id="no request at all"),
    ],
)
def test_the_share_of_all_users_time_in_very_slow_requests(events: tuple[Tell, ...], share: float) -> None:
    assert stall_share(measured(*events).metrics, STEADY) == pytest.approx(share, rel=0.004)


def test_without_a_gauge_of_users_it_is_not_known() -> None:
    assert stall_share(measured(requests(9)).metrics, STEADY) is None
    assert stall_share(Metrics(S), None) is None


def test_users_were_there_too_while_the_event_loop_was_blocked_and_nobody_looked() -> None:
    recorder = Recorder(S)
    recorder.start(0)
    for second in (0, 5, 10, 15, 20):
        recorder.gauge(10, 0)
        recorder.tick(second * S)
    requests(500)(recorder)
    requests(10, took=2 * S)(recorder)
    recorder.flush()
    assert stall_share(recorder.metrics, STEADY) == pytest.approx(0.2, rel=0.004)


def test_the_whole_run() -> None:
    run = measured(users(10), requests(500), requests(10, took=3 * S, at=5 * S))
    assert stall_share(run.metrics, None) == pytest.approx(0.1, rel=0.004)
