"""What one run of one generator measured, from the server's count and the process's CPU. Pure.

Must not know how the readings were taken, nor which generator it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# The part of the run that is measured, from its first request: away from connecting and from the end. Not the
# count divided by the asked duration: Locust's load is 0.3 s shorter than asked, and that is not speed.
STEADY_FROM, STEADY_TO = 0.2, 0.8
AGREEMENT = 0.02  # a generator's own figures may differ this much from the server's count before it is said
READING_SECONDS = 0.2  # how exactly the start and the end of the load are seen, together


@dataclass(frozen=True)
class Reading:
    """One look at server and process during a run."""

    at_seconds: float
    requests: int
    cpu_seconds: float


@dataclass(frozen=True)
class OwnReport:
    """What a generator says of itself."""

    requests: int
    seconds: float
    failed: int  # requests or checks


@dataclass(frozen=True)
class Measurement:
    """One run that went well."""

    requests_per_second: float
    cpu_us_per_request: float  # while load ran
    whole_cpu_us_per_request: float  # of the process's life, its start-up and report included
    core_share: float  # of its core, while load ran; below 1: others use it, or the server limits
    remarks: tuple[str, ...]


def measure(
    readings: Sequence[Reading],
    requests: int,
    whole_cpu_seconds: float,
    seconds: float,
    own: OwnReport | None,
) -> Measurement:
    """`requests`: the server's count over the process's life; `seconds`: how long load was asked to run.
    `own` is None for a generator that is judged by the server's count alone."""
    first, last = steady_part(readings, seconds)
    steady_requests = last.requests - first.requests
    steady_seconds = last.at_seconds - first.at_seconds
    steady_cpu = last.cpu_seconds - first.cpu_seconds
    return Measurement(
        requests_per_second=steady_requests / steady_seconds,
        cpu_us_per_request=1e6 * steady_cpu / steady_requests,
        whole_cpu_us_per_request=1e6 * whole_cpu_seconds / requests,
        core_share=steady_cpu / steady_seconds,
        remarks=tuple(_remarks(readings, requests, seconds, own)),
    )


def steady_part(readings: Sequence[Reading], seconds: float) -> tuple[Reading, Reading]:
    """The first and the last reading of the run's steady part."""
    started = load_started(readings)
    steady = [
        reading
        for reading in readings
        if STEADY_FROM * seconds <= reading.at_seconds - started <= STEADY_TO * seconds
    ]
    if len(steady) < 2 or steady[-1].requests == steady[0].requests:
        raise ValueError("too few requests for a steady part")
    return steady[0], steady[-1]


def load_started(readings: Sequence[Reading]) -> float:
    """When the first request was seen."""
    for reading in readings:
        if reading.requests > 0:
            return reading.at_seconds
    raise ValueError("the server saw no request while the generator ran")


def load_ended(readings: Sequence[Reading]) -> float:
    """When the count was last seen to rise."""
    return next(reading.at_seconds for reading in readings if reading.requests == readings[-1].requests)


def _remarks(readings: Sequence[Reading], requests: int, seconds: float, own: OwnReport | None) -> list[str]:
    """Where what was asked, what the generator reports and what the server saw differ."""
    observed = load_ended(readings) - load_started(readings)
    tolerance = seconds * AGREEMENT + READING_SECONDS
    remarks = []
    if abs(observed - seconds) > tolerance:
        remarks.append(f"its load lasted {observed:.1f} s where {seconds:g} s were asked")
    if own is not None and abs(own.requests / requests - 1) > AGREEMENT:
        remarks.append(f"reports {own.requests} requests where the server counted {requests}")
    if own is not None and abs(own.seconds - observed) > tolerance:
        remarks.append(f"reports {own.seconds:.1f} s of load where the server saw {observed:.1f} s")
    return remarks


@dataclass(frozen=True)
class Summary:
    """The rounds of one generator together."""

    rounds: int
    requests_per_second: float  # medians
    cpu_us_per_request: float
    whole_cpu_us_per_request: float
    core_share: float
    slowest: float
    fastest: float
    remarks: tuple[str, ...]


def summarise(measurements: Sequence[Measurement]) -> Summary:
    """Medians over the rounds; the range of the rates; each remark once."""
    rates = [each.requests_per_second for each in measurements]
    return Summary(
        rounds=len(measurements),
        requests_per_second=median(rates),
        cpu_us_per_request=median(each.cpu_us_per_request for each in measurements),
        whole_cpu_us_per_request=median(each.whole_cpu_us_per_request for each in measurements),
        core_share=median(each.core_share for each in measurements),
        slowest=min(rates),
        fastest=max(rates),
        remarks=tuple(dict.fromkeys(remark for each in measurements for remark in each.remarks)),
    )
