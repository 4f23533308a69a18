"""The token bucket, with a clock that the test sets."""

from __future__ import annotations

import pytest

from perf_tests.demo_platform.rate_limit import RateLimit


@pytest.mark.parametrize(
    ("per_second", "at_s", "passed"),
    [
        pytest.param(10, [0.0] * 12, 10, id="a second's worth at once"),
        pytest.param(10, [0.0] * 10 + [0.1, 0.1, 0.2, 0.2], 12, id="then one for each tenth of a second"),
        pytest.param(10, [0.0] * 10 + [60.0] * 12, 20, id="a long pause gives no more than a second"),
        pytest.param(0.5, [0.0, 1.0, 2.0, 3.9, 4.0], 3, id="slower than one a second"),
    ],
)
def test_so_many_pass(per_second: float, at_s: list[float], passed: int) -> None:
    now = [0.0]
    limit = RateLimit(per_second, clock=lambda: now[0])
    waits = []
    for now[0] in at_s:
        waits.append(limit.seconds_to_wait())
    assert waits.count(0.0) == passed


def test_who_waits_as_long_as_said_passes() -> None:
    now = [0.0]
    limit = RateLimit(0.25, clock=lambda: now[0])
    assert limit.seconds_to_wait() == 0
    now[0] = 1.0
    wait_s = limit.seconds_to_wait()
    assert wait_s == pytest.approx(3.0)
    now[0] += wait_s
    assert limit.seconds_to_wait() == 0
