"""The stall share: how much of all users' time was spent in requests that took very much longer than usual.

In a closed model a target that stalls gets no further requests, so few of them are slow and percentiles look
well. The users felt it all the same: 10 users in a server that is frozen for 2 of 20 s spend 10 % of their
time in 10 slow requests of 4000. Owns this figure only.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.histogram import BUCKETS, OVERFLOW, SLOTS, UNDERFLOW, Histogram, lower_edge, slot_of
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.timeline import Window

# Times the median: latencies vary by less in nearly every service that is not stalling.
STALLED = 10


def stall_share(metrics: Metrics, window: Window | None) -> float | None:
    """The part of all users' time in the window that went into requests slower than 10 times the median of
    their name: that a search takes longer than a look-up is no stall.

    None where it is not known how many users there were. At most 1: a user may have several requests open.
    """
    users_ns = metrics.vus.total(window) * metrics.slice_ns
    if not users_ns:
        return None
    stalled_ns = sum(_stalled_ns(series.service.histogram(window)) for series in metrics.requests.values())
    return min(1.0, stalled_ns / users_ns)


def _stalled_ns(latency: Histogram) -> float:
    """The time of all requests that took more than `STALLED` times the median."""
    if not latency.n:
        return 0.0
    slowest_usual = int(slot_of(np.array([STALLED * latency.quantile(0.5)]))[0])
    values = _values_of_slots().copy()
    values[UNDERFLOW], values[OVERFLOW] = latency.min, latency.max
    return float(latency.counts[slowest_usual + 1 :] @ values[slowest_usual + 1 :])


@cache
def _values_of_slots() -> npt.NDArray[np.float64]:
    """What a value in each slot stands for, in ns; of the outermost slots each histogram knows more."""
    edges = np.array([lower_edge(bucket) for bucket in range(BUCKETS + 1)], dtype=np.float64)
    values = np.zeros(SLOTS)
    values[1:-1] = 2 * edges[:-1] * edges[1:] / (edges[:-1] + edges[1:])
    return values
