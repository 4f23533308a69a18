"""The state of the generator, from its figures: one sentence per row."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_loadtest.core.generator import BlockedPlace, GeneratorSecond, GeneratorSeries
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.validity import ADVICE, Figures, State, advice_for, assess, figures_of

S = 1_000_000_000
MS = 1_000_000
JUDGED = 100 * MS


def second(cpu: float = 0.5, *, waited: float | None = 0.0, at: int = 0, wall: int = S) -> GeneratorSecond:
    return GeneratorSecond(at, wall, round(cpu * wall), None if waited is None else round(waited * wall))


def seconds(*shares: float) -> tuple[GeneratorSecond, ...]:
    return tuple(second(share) for share in shares)


def late(ms: float, n: int = 100) -> Histogram:
    return Histogram.of([round(ms * MS)] * n)


def figures(**values: Any) -> Figures:
    return Figures(**{"seconds": seconds(0.5), "read_delay": late(1), **values})


@pytest.mark.parametrize(
    ("values", "state", "reason"),
    [
        pytest.param({}, State.OK, "", id="half a core, read at once"),
        pytest.param({"seconds": seconds(0.79)}, State.OK, "", id="just below 80 % of a core"),
        pytest.param(
            {"seconds": seconds(0.8)}, State.DEGRADED, "80% or more of a core in 100% of", id="80 % of a core"
        ),
        pytest.param({"seconds": seconds(0.89)}, State.DEGRADED, "(89% on average)", id="below 90 %"),
        pytest.param({"seconds": seconds(0.9)}, State.LIMITED, "90% or more of a core in 100% of", id="90 %"),
        pytest.param(
            {"seconds": seconds(*[0.5] * 9, 0.97)},
            State.OK,
            "",
            id="one full second of ten is nobody's limit",
        ),
        pytest.param(
            {"seconds": seconds(*[0.5] * 8, 0.97, 0.97)},
            State.LIMITED,
            "90% or more of a core in 20% of its seconds (59.4% on average)",
            id="two full seconds of ten are",
        ),
        pytest.param({"read_delay": late(4.9)}, State.OK, "", id="reading adds less than 5 %"),
        pytest.param(
            {"read_delay": late(6)},
            State.DEGRADED,
            "it read up to 6 ms late (p99), 6% of the judged 100 ms",
            id="reading adds more than 5 %",
        ),
        pytest.param(
            {"read_delay": late(21)},
            State.LIMITED,
            "late (p99), 21% of the",
            id="reading adds more than 20 %",
        ),
        pytest.param(
            {"read_delay": late(350)},
            State.LIMITED,
            "it read up to 350 ms late (p99), 3.5 times the judged 100 ms",
            id="reading adds a multiple",
        ),
        pytest.param(
            {"read_delay": late(136_000)},
            State.LIMITED,
            "it read up to 2m 16s late (p99), 1,360 times the judged 100 ms",
            id="reading takes longer by far",
        ),
        pytest.param(
            {"seconds": (second(waited=0.1),)}, State.OK, "", id="a tenth of the time without a CPU"
        ),
        pytest.param(
            {"seconds": (second(waited=0.11),)},
            State.LIMITED,
            "for 11% of the time it waited for a CPU that others used",
            id="more than a tenth without one",
        ),
        pytest.param(
            {"seconds": (second(waited=None),)}, State.OK, "", id="a system that does not tell of waiting"
        ),
        pytest.param({"start_delay": late(9)}, State.OK, "", id="starts late by less than a tenth"),
        pytest.param(
            {"start_delay": late(11)},
            State.LIMITED,
            "iterations started up to 11 ms late (p99) though a user was free",
            id="starts late by more than a tenth",
        ),
        pytest.param({"missing": 0.5}, State.OK, "", id="dropped by an idle generator: the target is why"),
        pytest.param(
            {"missing": 0.02, "seconds": seconds(0.95)},
            State.LIMITED,
            "2% of the schedule did not start while its core was full",
            id="dropped by a full one",
        ),
        pytest.param(
            {"read_delay": late(6), "seconds": seconds(0.95)},
            State.LIMITED,
            "of a core in 100% of its seconds (95% on average)",
            id="the worst decides, and only its reason is said",
        ),
        pytest.param(
            {"seconds": (second(0.99, wall=S // 2),)}, State.UNKNOWN, "too short", id="half a second"
        ),
        pytest.param({"read_delay": late(99, n=19)}, State.UNKNOWN, "too short", id="hardly a look"),
        pytest.param({"seconds": ()}, State.UNKNOWN, "too short", id="nothing measured"),
    ],
)
def test_the_state_and_its_reason(values: dict[str, Any], state: State, reason: str) -> None:
    finding = assess(figures(**values), JUDGED)
    assert finding.state is state
    assert reason in finding.reason
    assert bool(finding.reason) is (state is not State.OK)


@pytest.mark.parametrize(
    ("delay_ms", "judged_ms", "state"),
    [
        pytest.param(1.9, 1000, State.OK, id="late, but nothing beside the judged second"),
        pytest.param(1.9, 15, State.OK, id="below 2 ms nothing counts as late"),
        pytest.param(2.1, 15, State.LIMITED, id="over 2 ms and over a tenth"),
    ],
)
def test_late_starts_are_measured_by_the_judged_figure(
    delay_ms: float, judged_ms: float, state: State
) -> None:
    start = figures(start_delay=late(delay_ms), read_delay=late(0.1))
    assert assess(start, judged_ms * MS).state is state


def test_several_reasons_of_the_worst_state_are_all_said() -> None:
    finding = assess(figures(seconds=(second(0.95, waited=0.3),), read_delay=late(30)), JUDGED)
    assert [part.split()[0] for part in finding.reason.split("; ")] == ["90%", "it", "for"]


def test_a_figure_that_is_infinite_or_zero_can_be_judged() -> None:
    assert assess(figures(), math.inf).state is State.OK
    assert assess(figures(), 0).state is State.LIMITED


def test_what_may_have_been_added_is_the_sum_of_both_delays() -> None:
    both = figures(read_delay=late(4), start_delay=late(8))
    assert both.may_have_added(0.99) == pytest.approx(12 * MS, rel=0.004)
    assert both.mean_added == 12 * MS
    assert Figures().may_have_added(0.99) == 0
    assert math.isnan(Figures().cpu)
    assert math.isnan(Figures().waiting)


def test_a_window_has_the_seconds_whose_middle_lies_in_it() -> None:
    series = GeneratorSeries([second(n / 10, at=n * S) for n in range(4)])
    assert [round(each.cpu, 1) for each in figures_of(series, ((1, 3),), S).seconds] == [0.1, 0.2]
    assert len(figures_of(series, None, S).seconds) == 4
    assert [round(each.cpu, 1) for each in figures_of(series, ((10, 19),), S // 10).seconds] == [0.1]


def test_delays_belong_to_the_slice_in_which_they_were_due() -> None:
    recorder = Recorder(S)
    recorder.start(5 * S)
    recorder.read_late(5 * S + S // 2, 3 * S)
    recorder.read_late(7 * S, MS)
    recorder.started_late(6 * S, 2 * MS)
    recorder.flush()
    generator = recorder.metrics.generator
    assert [generator.read_delay.total(((n, n + 1),)) for n in range(3)] == [1, 0, 1]
    assert generator.read_delay.histogram().max == 3 * S
    assert generator.start_delay.histogram(((1, 2),)).max == 2 * MS


def test_what_several_processes_measured_of_themselves_adds_up() -> None:
    one, other = Metrics(S), Metrics(S)
    for metrics, count in ((one, 1), (other, 2)):
        metrics.generator.seconds.append(second())
        metrics.generator.count_blocked([("a.py:1", BlockedPlace(count, count * MS))])
    one.merge(other)
    assert len(one.generator.seconds) == 2
    assert one.generator.blocked == {"a.py:1": BlockedPlace(3, 2 * MS)}


def test_places_are_bounded() -> None:
    series = GeneratorSeries()
    for n in range(200):
        series.count_blocked([(f"a.py:{n}", BlockedPlace(1, 1))])
    series.count_blocked([("a.py:0", BlockedPlace(1, 1))])
    assert len(series.blocked) == 50
    assert series.blocked["a.py:0"].count == 2


@pytest.mark.parametrize(
    ("late_ms", "state"),
    [
        pytest.param(0.45, State.DEGRADED, id="half of 1 ms, but no more than an idle event loop needs"),
        pytest.param(0.6, State.LIMITED, id="more than it needs"),
    ],
)
def test_a_quick_targets_latency_does_not_make_an_idle_generator_the_limit(
    late_ms: float, state: State
) -> None:
    assert assess(figures(read_delay=late(late_ms)), 1 * MS).state is state


def test_who_blocks_the_event_loop_is_advised_not_to() -> None:
    series = GeneratorSeries()
    assert advice_for(series) == ADVICE
    series.count_blocked(
        [("a.py:1 (f())", BlockedPlace(9, MS)), ("a.py:2 (time.sleep(1))", BlockedPlace(1, S))]
    )
    assert advice_for(series).endswith("such as at a.py:2 (time.sleep(1))")
