"""A requirement is met, not met or not checked; what was not measured is never met."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.generators import GENERATORS
from benchmarks.measurement import Measurement
from benchmarks.requirements import (
    BARE,
    BASELINE,
    BASELINE_REQUIREMENTS,
    OURS,
    OURS_HTTPX,
    REQUIREMENTS,
    Requirement,
    State,
    exit_status,
    judge,
    paired_ratios,
)
from benchmarks.workloads import PLAIN, TLS, WORKLOADS_BY_NAME

PEERS = (BARE, "locust", "k9", "httpx", "httpx-per-vu", "wrk")
REQUIRED = [each for each in REQUIREMENTS if each.limit is not None and each.subject == OURS]


def run(rate: float, cpu: float = 50.0) -> Measurement:
    return Measurement(rate, cpu, cpu, 1.0, ())


def rounds(ours: float = 10_000, our_cpu: float = 50.0) -> dict[str, list[Measurement | None]]:
    """Three equal rounds in which every requirement holds, unless ours is made slower or dearer."""
    rates = {BARE: 12_000, "locust": 2000, "k9": 4000, "httpx": 100, "httpx-per-vu": 300, "wrk": 30_000}
    peers: dict[str, list[Measurement | None]] = {name: [run(rates[name])] * 3 for name in PEERS}
    return {OURS: [run(ours, our_cpu)] * 3, **peers}


def states(
    measured: dict[str, list[Measurement | None]],
    absent: dict[str, str] | None = None,
    requirements: Sequence[Requirement] = REQUIRED,
) -> dict[str, State]:
    verdicts = judge(requirements, measured, absent or {})
    return {verdict.requirement.peer: verdict.state for verdict in verdicts}


def test_every_requirement_is_on_generators_that_are_measured_with_its_workload() -> None:
    workloads = {generator.name: generator.workloads for generator in GENERATORS}
    for requirement in REQUIREMENTS:
        assert requirement.workload in workloads[requirement.subject] & workloads[requirement.peer]


def test_a_baseline_is_required_in_the_plain_workload_and_shown_in_every_other() -> None:
    for figure in ("requests_per_second", "cpu_us_per_request"):
        shown = {each.workload for each in BASELINE_REQUIREMENTS if each.figure == figure}
        assert shown == WORKLOADS_BY_NAME.keys()
    assert [(each.workload, each.limit) for each in BASELINE_REQUIREMENTS if each.limit] == [(PLAIN, 0.97)]


def test_all_are_met_by_figures_above_all_limits() -> None:
    assert set(states(rounds()).values()) == {State.MET}


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        pytest.param(9_700, State.MET, id="3 % slower than the baseline is just met"),
        pytest.param(9_699, State.NOT_MET, id="a hair slower is not"),
        pytest.param(11_000, State.MET, id="faster is met"),
    ],
)
def test_what_may_be_lost_to_the_baseline(ours: float, expected: State) -> None:
    measured = rounds(ours=ours)
    measured[BASELINE] = [run(10_000)] * 3
    required = [each for each in BASELINE_REQUIREMENTS if each.limit is not None]
    assert states(measured, requirements=required) == {BASELINE: expected}


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param(500, State.MET, id="exactly 5 times is met"),
        pytest.param(499, State.NOT_MET, id="a hair under is not"),
    ],
)
def test_httpx_client_is_required_beside_either_use_of_httpx(rate: float, expected: State) -> None:
    measured = {**rounds(), "httpx-per-vu": [run(100)] * 3, OURS_HTTPX: [run(rate)] * 3}
    of_httpx_client = [e for e in REQUIREMENTS if e.subject == OURS_HTTPX and e.workload == PLAIN]
    found = states(measured, requirements=of_httpx_client)
    assert found == {"httpx": expected, "httpx-per-vu": expected}


@pytest.mark.parametrize(
    "failed",
    [
        pytest.param({OURS_HTTPX: [run(1.0), None, run(1.0)]}, id="ours failed"),
        pytest.param({OURS_HTTPX: [run(1.0)] * 3, "httpx-per-vu": [None] * 3}, id="the peer failed"),
    ],
)
def test_a_comparison_without_a_limit_that_has_no_figure_breaks_nothing(
    failed: dict[str, list[Measurement | None]],
) -> None:
    shown = [e for e in REQUIREMENTS if e.workload == TLS and e.peer == "httpx-per-vu"]
    verdicts = judge(shown, {**rounds(), **failed}, {})
    assert [(each.state, each.ratio, bool(each.reason)) for each in verdicts] == [(State.SHOWN, None, True)]
    assert exit_status(verdicts, failed=False) == 0


@pytest.mark.parametrize(
    ("measured", "broken"),
    [
        pytest.param(rounds(ours=7_999), {"locust", "k9"}, id="a hair under 4 times Locust, 2 times k9"),
        pytest.param(rounds(ours=8_000), set(), id="exactly 4 times is met"),
        pytest.param(
            rounds(ours=7_499), {"locust", "k9", "httpx-per-vu", "wrk"}, id="slow enough to break most"
        ),
        pytest.param(rounds(our_cpu=60.1), {BARE}, id="CPU a hair over 1.2 of the bare loop's"),
        pytest.param(rounds(our_cpu=59.9), set(), id="CPU a hair under it"),
    ],
)
def test_a_broken_limit_is_not_met(measured: dict[str, list[Measurement | None]], broken: set[str]) -> None:
    assert {peer for peer, state in states(measured).items() if state is State.NOT_MET} == broken


def test_a_missing_peer_is_not_checked_and_says_what_to_install() -> None:
    measured = rounds()
    del measured["wrk"]
    verdict = next(
        each
        for each in judge(REQUIRED, measured, {"wrk": "not installed: apt-get install wrk"})
        if each.requirement.peer == "wrk"
    )
    assert verdict.state is State.NOT_CHECKED
    assert verdict.reason == "wrk: not installed: apt-get install wrk"


def test_our_failure_in_one_round_meets_nothing() -> None:
    measured = rounds()
    measured[OURS] = [run(1e6), None, run(1e6)]
    assert set(states(measured).values()) == {State.NOT_MET}


def test_a_peer_that_failed_in_one_round_is_not_checked() -> None:
    measured = rounds()
    measured["k9"] = [run(1.0), None, run(1.0)]
    assert states(measured)["k9"] is State.NOT_CHECKED


def test_a_ratio_is_of_the_same_round_so_that_a_drifting_machine_does_not_make_it() -> None:
    ours = [run(1000), run(2000), run(4000)]
    theirs = [run(100), run(200), run(400)]
    assert paired_ratios(ours, theirs, "requests_per_second") == pytest.approx([10, 10, 10])


@pytest.mark.parametrize(
    ("measured", "absent", "failed", "status"),
    [
        pytest.param(rounds(), {}, False, 0, id="all met"),
        pytest.param(rounds(ours=1), {}, False, 1, id="not met"),
        pytest.param(rounds(), {"wrk": "not installed"}, False, 3, id="a peer missing"),
        pytest.param(rounds(ours=1), {"wrk": "not installed"}, False, 1, id="not met and a peer missing"),
        pytest.param(rounds(), {"wrk": "not installed"}, True, 1, id="a generator failed"),
    ],
)
def test_the_exit_status(
    measured: dict[str, list[Measurement | None]], absent: dict[str, str], failed: bool, status: int
) -> None:
    assert exit_status(judge(REQUIRED, measured, absent), failed) == status
