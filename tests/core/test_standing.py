"""Which verdicts stand when the generator was busy: one sentence per row."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.budget import Undecided, parse_budgets
from pytest_loadtest.core.generator import GeneratorSecond
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.standing import generator_finding, standing
from pytest_loadtest.core.validity import State
from pytest_loadtest.core.verdict import Measurement, Verdict, judge
from tests.core.made_up_runs import (
    IN_RAMP,
    IN_STEADY,
    MS,
    S,
    Tell,
    dropped,
    iterations,
    measured,
    requests,
    told,
)

FULL, HIGH, IDLE = 0.97, 0.85, 0.2


def generator(cpu: float, read_ms: float = 0.5, *, start_ms: float = 0, at: int = IN_STEADY) -> Tell:
    """What it was like in the second of `at`; it looked a hundred times."""

    def tell(recorder: Recorder) -> None:
        recorder.metrics.generator.seconds.append(GeneratorSecond(at, S, round(cpu * S), 0))
        for _ in range(100):
            recorder.read_late(at, round(read_ms * MS))
            if start_ms:
                recorder.started_late(at, round(start_ms * MS))

    return tell


def judged(
    key: str, limit: object, *events: Tell, open_model: bool = False, **of: str
) -> tuple[Verdict, Measurement]:
    run = measured(*events, open_model=open_model)
    (verdict,) = standing(judge(parse_budgets({key: limit, **of}), run), run)
    return verdict, run


@pytest.mark.parametrize(
    ("key", "limit", "events", "fate"),
    [
        pytest.param("p95", "90ms", (generator(IDLE),), "failed", id="a slow target, an idle generator"),
        pytest.param(
            "p95",
            "90ms",
            (generator(FULL, 5),),
            "failed",
            id="a slow target: 5 ms of delay do not explain it",
        ),
        pytest.param(
            "p95", "90ms", (generator(FULL, 30),), "invalid", id="30 ms of delay would explain all of it"
        ),
        pytest.param("p95", "110ms", (generator(FULL, 30),), "passed", id="what passes has passed"),
        pytest.param(
            "p95", "90ms", (generator(HIGH, 30),), "invalid", id="a degraded one may be the reason, too"
        ),
        pytest.param("p95", "99ms", (generator(IDLE, 4),), "failed", id="an idle one's 4 % are no excuse"),
        pytest.param(
            "p95", "90ms", (generator(IDLE, 30),), "invalid", id="whatever the CPU: it read 30 ms late"
        ),
        pytest.param(
            "p95",
            "90ms",
            (generator(IDLE, 1), generator(FULL, 30, at=IN_RAMP)),
            "failed",
            id="late only in the ramp, which is not judged",
        ),
        pytest.param("mean", "90ms", (generator(FULL, 30),), "invalid", id="a mean"),
        pytest.param("mean", "60ms", (generator(FULL, 30),), "failed", id="a mean that 30 ms do not explain"),
        pytest.param("max", "90ms", (generator(FULL, 30),), "invalid", id="the largest"),
        pytest.param("max", "60ms", (generator(FULL, 30),), "failed", id="the largest, too large by more"),
        pytest.param("rps", 500, (generator(FULL, 30),), "failed", id="a rate is no latency"),
        pytest.param("iterations", 9, (generator(FULL, 30),), "failed", id="nor is a count"),
    ],
)
def test_a_failed_latency_budget_stands_only_without_the_generators_part(
    key: str, limit: object, events: tuple[Tell, ...], fate: str
) -> None:
    verdict, _ = judged(key, limit, requests(1000), *events)
    assert ("passed" if verdict.passed else "invalid" if verdict.invalid else "failed") == fate


def test_the_reason_says_what_the_figure_is_without_it_why_and_what_helps() -> None:
    verdict, _ = judged("p95", "90ms", requests(1000), generator(FULL, 30))
    assert not verdict.passed
    assert verdict.measured == pytest.approx(100 * MS, rel=0.004)
    assert verdict.reason.startswith(
        "invalid: generator-limited: without what the generator may have added it is 70"
    )
    assert "90% or more of a core in 100% of its seconds (97% on average)" in verdict.reason
    assert verdict.reason.endswith(
        "what helps: fewer VUs or a lower rate in this process, think time, nothing else on its machine"
    )


def test_the_budget_of_one_request_is_judged_by_that_request() -> None:
    events = (requests(900, "a"), requests(100, "b", took=S), generator(FULL, 30))
    assert judged("p95", "90ms", *events, request="a")[0].invalid
    slow, _ = judged("p95", "90ms", *events, request="b")
    assert (slow.passed, slow.invalid) == (False, False)


def test_a_trend_of_the_test_stays_as_it_is() -> None:
    events = (told(*[("trend", "t", 100 * MS)] * 50), requests(1), generator(FULL, 30))
    verdict, _ = judged("p95", "90ms", *events, metric="t")
    assert (verdict.passed, verdict.invalid) == (False, False)


def test_a_kept_budget_that_fails_for_being_too_close_is_not_the_generators_doing() -> None:
    run = measured(requests(9), generator(FULL, 30))
    verdicts = judge(parse_budgets({"p95": "110ms"}), run, Undecided.FAIL)
    (verdict,) = standing(verdicts, run)
    assert (verdict.passed, verdict.invalid) == (False, False)
    assert "too close to call" in verdict.reason


def test_what_was_not_measured_stays_as_it_is() -> None:
    verdict, _ = judged("p95", "90ms", generator(FULL, 30))
    assert (verdict.passed, verdict.invalid) == (False, False)
    assert "nothing was measured" in verdict.reason


@pytest.mark.parametrize(
    ("start_ms", "fate"),
    [
        pytest.param(0, False, id="reads alone explain 30 of 50 ms"),
        pytest.param(30, True, id="late starts add to response times, too"),
    ],
)
def test_in_the_open_model_late_starts_count(start_ms: float, fate: bool) -> None:
    verdict, _ = judged(
        "p95", "60ms", requests(1000), generator(HIGH, 30, start_ms=start_ms), open_model=True
    )
    assert (verdict.passed, verdict.invalid) == (False, fate)


@pytest.mark.parametrize(
    ("took_ms", "cpu", "invalid"),
    [
        pytest.param(50, FULL, True, id="quick answers: they waited for users of a full generator"),
        pytest.param(50, IDLE, False, id="quick answers, but the users of an idle one were not enough"),
        pytest.param(200, FULL, False, id="slow answers"),
    ],
)
def test_a_wait_for_a_user_of_a_full_generator_is_not_held_against_the_target(
    took_ms: int, cpu: float, invalid: bool
) -> None:
    waited = requests(1000, took=took_ms * MS, delay=S)
    verdict, _ = judged("p95", "100ms", waited, generator(cpu), open_model=True)
    assert (verdict.passed, verdict.invalid) == (False, invalid)


def test_a_pass_does_not_stand_if_the_generator_did_not_send_the_load() -> None:
    events = (requests(950), iterations(950), dropped(50))
    idle, _ = judged("p90", "1s", *events, generator(IDLE), open_model=True)
    assert idle.passed
    full, _ = judged("p90", "1s", *events, generator(FULL), open_model=True)
    assert (full.passed, full.invalid) == (False, True)
    assert "the load was not sent" in full.reason
    assert "5% of the schedule did not start while its core was full" in full.reason


def test_what_a_full_generator_dropped_is_not_held_against_the_target() -> None:
    events = (requests(900), iterations(900), dropped(100))  # p95 is infinite with them
    full, _ = judged("p95", "1s", *events, generator(FULL), open_model=True)
    assert (full.passed, full.invalid) == (False, True)
    idle, _ = judged("p95", "1s", *events, generator(IDLE), open_model=True)
    assert (idle.passed, idle.invalid) == (False, False)


@pytest.mark.parametrize(
    ("busy_second", "invalid"),
    [
        pytest.param(14, True, id="busy in the worst window"),
        pytest.param(11, False, id="busy in another one"),
    ],
)
def test_a_broken_window_is_held_against_what_the_generator_was_like_in_it(
    busy_second: int, invalid: bool
) -> None:
    quiet = [generator(IDLE, at=second * S) for second in range(10, 20) if second != busy_second]
    events = [requests(100, at=second * S) for second in range(10, 20)]
    slow = requests(100, took=200 * MS, at=14 * S)
    verdict, _ = judged(
        "p90", "150ms", *events, slow, *quiet, generator(FULL, 90, at=busy_second * S), window="1s"
    )
    assert verdict.measured_text == "200 ms (from 14s to 15s)"
    assert (verdict.passed, verdict.invalid) == (False, invalid)


def test_all_windows_hold_only_if_the_load_was_sent_in_all_of_them() -> None:
    """The best window is told, but a tenth of the load is missing elsewhere."""
    events = [requests(100, at=second * S) for second in range(10, 20)]
    missing = (iterations(900), dropped(100, at=19 * S))
    seconds = [generator(FULL, at=second * S) for second in range(10, 20)]
    verdict, _ = judged("p50", "1s", *events, *missing, *seconds, open_model=True, window="5s")
    assert (verdict.passed, verdict.invalid) == (False, True)
    assert "the load was not sent" in verdict.reason


def test_a_window_in_which_a_full_generator_started_nothing_says_nothing_of_the_target() -> None:
    events = [requests(100, at=second * S) for second in range(10, 15)]
    missing = [dropped(100, at=second * S) for second in range(15, 20)]
    seconds = [generator(FULL, at=second * S) for second in range(10, 20)]
    verdict, _ = judged("p95", "1s", *events, *missing, *seconds, open_model=True, window="1s")
    assert (verdict.passed, verdict.invalid) == (False, True)
    assert "the generator did not start" in verdict.reason


def test_the_mean_of_a_test_with_dropped_iterations_has_no_end_unless_the_generator_dropped_them() -> None:
    events = (requests(900), iterations(900), dropped(100))
    for key in ("mean", "max"):
        full, _ = judged(key, "1s", *events, generator(FULL), open_model=True)
        assert (full.passed, full.invalid) == (False, True)
        idle, _ = judged(key, "1s", *events, generator(IDLE), open_model=True)
        assert (idle.passed, idle.invalid, idle.measured_text) == (False, False, "no end")


def test_the_state_of_a_run_is_the_worst_for_any_judged_latency() -> None:
    run = measured(requests(100, "a"), requests(100, "b", took=10 * MS), generator(IDLE, 4))
    a, b = (judge(parse_budgets({"p95": "1s", "request": name}), run) for name in "ab")
    assert generator_finding(run, a).state is State.OK
    assert generator_finding(run, b).state is State.LIMITED
    assert generator_finding(run, [*a, *b]).state is State.LIMITED


def test_without_latency_budgets_it_is_judged_by_the_p95_of_all_and_without_requests_by_its_cpu() -> None:
    assert generator_finding(measured(requests(9), generator(IDLE, 30)), []).state is State.LIMITED
    assert generator_finding(measured(generator(IDLE, 30)), []).state is State.OK
    assert generator_finding(measured(generator(FULL, 30)), []).state is State.LIMITED
    assert generator_finding(measured(), []).state is State.UNKNOWN
