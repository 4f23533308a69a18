"""Rates and CPU come from the steady part of the server's count, and disagreement is said."""

from __future__ import annotations

import pytest

from benchmarks.measurement import Measurement, OwnReport, Reading, measure, summarise

SECONDS = 5.0
RATE, CPU_PER_REQUEST = 1000, 50e-6


def readings(load_seconds: float = SECONDS, start_up: float = 1.0) -> list[Reading]:
    """A process that spends `start_up` seconds of CPU, then sends RATE requests a second, then reports."""
    taken = []
    for tenth in range(round((start_up + load_seconds + 1) * 10)):
        at = tenth / 10
        sent = round(RATE * min(max(at - start_up, 0), load_seconds))
        cpu = min(at, start_up) + sent * CPU_PER_REQUEST
        taken.append(Reading(at, sent, cpu))
    return taken


def measured(load_seconds: float = SECONDS, own: OwnReport | None = None) -> Measurement:
    requests = round(RATE * load_seconds)
    whole_cpu = 1.0 + requests * CPU_PER_REQUEST
    return measure(readings(load_seconds), requests, whole_cpu, SECONDS, own)


def test_start_up_counts_neither_in_the_rate_nor_in_the_cpu_of_a_request() -> None:
    result = measured()
    assert result.requests_per_second == pytest.approx(RATE)
    assert result.cpu_us_per_request == pytest.approx(50)
    assert result.core_share == pytest.approx(0.05)


def test_the_cpu_of_the_whole_process_is_kept_beside_it() -> None:
    assert measured().whole_cpu_us_per_request == pytest.approx(50 + 1e6 / 5000)


def test_a_load_that_ends_early_is_as_fast_as_it_was_and_it_is_said() -> None:
    result = measured(load_seconds=4.5)
    assert result.requests_per_second == pytest.approx(RATE)
    assert result.remarks == ("its load lasted 4.4 s where 5 s were asked",)


@pytest.mark.parametrize(
    ("own", "remarks"),
    [
        pytest.param(None, (), id="no report, nothing to disagree with"),
        pytest.param(OwnReport(5000, 5.0, 0), (), id="the same figures"),
        pytest.param(OwnReport(5090, 5.0, 0), (), id="within 2 %"),
        pytest.param(
            OwnReport(5200, 5.0, 0),
            ("reports 5200 requests where the server counted 5000",),
            id="4 % more requests than the server saw",
        ),
        pytest.param(
            OwnReport(5000, 5.6, 0),
            ("reports 5.6 s of load where the server saw 4.9 s",),
            id="a longer run than the server saw",
        ),
    ],
)
def test_disagreement_with_the_server_is_said(own: OwnReport | None, remarks: tuple[str, ...]) -> None:
    assert measured(own=own).remarks == remarks


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        pytest.param([], "no request", id="no readings"),
        pytest.param([Reading(0, 0, 0), Reading(1, 0, 1)], "no request", id="no requests"),
        pytest.param([Reading(0, 0, 0), Reading(1, 5, 1)], "too few", id="requests in one reading only"),
        pytest.param(
            [Reading(at / 10, 7, 1.0) for at in range(60)], "too few", id="a count that does not rise"
        ),
    ],
)
def test_a_run_without_a_steady_part_has_no_figures(taken: list[Reading], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(taken, 0, 1.0, SECONDS, None)


def test_rounds_are_summarised_by_medians_range_and_distinct_remarks() -> None:
    rounds = [
        Measurement(rate, cpu, 2 * cpu, 0.9, remarks)
        for rate, cpu, remarks in [(900.0, 60.0, ("late",)), (1000.0, 50.0, ()), (1100.0, 40.0, ("late",))]
    ]
    summary = summarise(rounds)
    assert (summary.requests_per_second, summary.slowest, summary.fastest) == (1000, 900, 1100)
    assert (summary.cpu_us_per_request, summary.whole_cpu_us_per_request) == (50, 100)
    assert summary.remarks == ("late",)
