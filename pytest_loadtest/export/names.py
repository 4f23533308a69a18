"""The exported metrics: names, kinds, units, labels. Owns how systems spell them, and what k6 calls them.

One table; docs/exporters.md shows it. Names follow OpenTelemetry's rules, and what Prometheus calls a metric
is what it would make of OpenTelemetry's name, so that both ways end in the same series.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Kind(enum.Enum):
    """What the values of a metric are."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `unit` is UCUM's: "s", "By", "1" for shares, "" for levels. `k6`: what k6 calls it.

    `k6` is empty where k6 has no such metric, and a label's name in braces where it is named by the test.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    k6: str = ""

    @property
    def underscored(self) -> str:
        """``loadtest_request_duration``."""
        return self.name.replace(".", "_")

    @property
    def prometheus(self) -> str:
        """``loadtest_request_duration_seconds``, without the ``_total`` that a counter's samples have."""
        return self.underscored + _PROMETHEUS_UNITS[self.unit]


_PROMETHEUS_UNITS = {"s": "_seconds", "By": "_bytes", "1": "_ratio", "": ""}

# What every series has.
COMMON_LABELS = ("run", "environment", "test")
# k6's tags of the same meaning. Its dashboards choose a run by `testid`.
K6_LABELS = {"run": "testid", "test": "scenario", "request": "name"}

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

REQUESTS = Metric(
    "loadtest.requests", _C, "", "Requests by HTTP status; 0: no answer", ("request", "status"), "http_reqs"
)
FAILED = Metric(
    "loadtest.requests.failed", _C, "", "Failed requests by kind", ("request", "outcome"), "http_req_failed"
)
DURATION = Metric(
    "loadtest.request.duration",
    _H,
    "s",
    "Sending + waiting + receiving of requests",
    ("request",),
    "http_req_duration",
)
RESPONSE = Metric(
    "loadtest.response.duration",
    _H,
    "s",
    "Duration plus start delay and wait for a connection (arrival rates only)",
    ("request",),
)
SENT = Metric("loadtest.data.sent", _C, "By", "Bytes sent", ("request",), "data_sent")
RECEIVED = Metric("loadtest.data.received", _C, "By", "Bytes received", ("request",), "data_received")
ITERATIONS = Metric("loadtest.iterations", _C, "", "Iterations that ended by themselves", k6="iterations")
FAILED_ITERATIONS = Metric("loadtest.iterations.failed", _C, "", "Those of them that failed")
DROPPED = Metric(
    "loadtest.iterations.dropped",
    _C,
    "",
    "Iterations that could not start (arrival rates only)",
    k6="dropped_iterations",
)
INTERRUPTED = Metric("loadtest.iterations.interrupted", _C, "", "Iterations cut at the end of the load")
ITERATION_DURATION = Metric(
    "loadtest.iteration.duration", _H, "s", "Iterations from start to end", k6="iteration_duration"
)
CHECKS = Metric("loadtest.checks", _C, "", "Results of checks", ("check", "passed"), "checks")
COUNTS = Metric("loadtest.custom.count", _C, "", "Counters of the test's own", ("metric",), "{metric}")
RATES = Metric("loadtest.custom.rate", _C, "", "Rates of the test's own", ("metric", "passed"), "{metric}")
TRENDS = Metric("loadtest.custom.trend", _H, "s", "Trends of the test's own", ("metric",), "{metric}")
VUS = Metric("loadtest.vus", _G, "", "Active virtual users", k6="vus")
VUS_MAX = Metric("loadtest.vus.max", _G, "", "Virtual users of the load", k6="vus_max")
QUEUED = Metric("loadtest.queued", _G, "", "Iterations waiting for a free user (arrival rates only)")
CPU = Metric("loadtest.generator.cpu", _G, "1", "CPU of the generator's event loop, of one core")
WAITING = Metric("loadtest.generator.waiting", _G, "1", "Time the generator had work but no CPU (Linux only)")
READ_DELAY = Metric(
    "loadtest.generator.read_delay", _H, "s", "How late the generator read what was there to be read"
)
PASSED = Metric("loadtest.passed", _G, "", "At the end: 1 if the load passed, else 0", ("state",))
GENERATOR = Metric(
    "loadtest.generator.state",
    _G,
    "",
    "At the end: 1, with what is thought of the generator as label",
    ("state",),
)

METRICS = (
    *(REQUESTS, FAILED, DURATION, RESPONSE, SENT, RECEIVED),
    *(ITERATIONS, FAILED_ITERATIONS, DROPPED, INTERRUPTED, ITERATION_DURATION),
    *(CHECKS, COUNTS, RATES, TRENDS, VUS, VUS_MAX, QUEUED),
    *(CPU, WAITING, READ_DELAY, PASSED, GENERATOR),
)

# Upper bounds of histogram buckets in seconds: those of OpenTelemetry's HTTP metrics, and some for services
# that answer within a millisecond and for those that take a minute.
BOUNDS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0),
)
# What is told of a distribution where no buckets can be.
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

_NO_IDENTIFIER = re.compile(r"\W", re.ASCII)


def identifier(text: str) -> str:
    """As part of a metric's name: what is neither letter, digit nor underscore becomes one."""
    return _NO_IDENTIFIER.sub("_", text) or "_"
