"""How sure a share is: its interval, and how much longer a run would have to be. Owns the formulas.

Load is measured in time, and neighbouring seconds resemble one another: 10,000 requests in a slow minute are
not 10,000 independent draws. So the run is cut into batches, their spread says how many independent
requests the run is worth, and an exact binomial interval is drawn for that many (Korn and Graubard 1998, on
Clopper and Pearson's). Formulas use these symbols:

    b    batches of equal length in time
    y_j  events in batch j (failed requests, or requests slower than a limit), of n_j requests
    N    all requests, N = sum(n_j);  p = sum(y_j) / N, the share
    v    variance of p as the batches show it;  r  correlation of neighbouring batches
    deff design effect: how many times larger v is than that of independent requests
    ne   effective number: how many independent requests would tell as much

How often nominal 95 % intervals cover the truth in simulation is tested in tests/core/test_confidence.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BATCHES = 20  # enough for a variance and a correlation, few enough that a batch outlasts most disturbances
FEWEST_BATCHES = 5  # with fewer the variance of batches says nothing; each batch is then a sample of one
CONFIDENCE = 0.95
# Beyond it the correction for correlation would be a guess on guesses.
MOST_CORRELATION = 0.8

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batches:
    """`events[j]` of `totals[j]` in batch j; whole numbers as arrays of the same length."""

    events: IntArray
    totals: IntArray

    @property
    def total(self) -> int:
        return int(self.totals.sum())

    @property
    def share(self) -> float:
        """p; nan without requests."""
        return float(self.events.sum() / self.totals.sum()) if self.total else math.nan

    def in_pairs(self) -> Batches:
        """Neighbours together: half as many batches, twice as long."""
        count = len(self.events) // 2
        return Batches(equal_batches(self.events, count), equal_batches(self.totals, count))


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """`low` to `high` holds the true share with `CONFIDENCE`; `effective` is ne."""

    share: float
    low: float
    high: float
    effective: float


def equal_batches(counts: Sequence[int] | IntArray, batches: int = BATCHES) -> IntArray:
    """Per-slice counts added up into at most so many batches of as equal length as whole slices allow."""
    values = np.asarray(counts, dtype=np.int64)
    return np.add.reduceat(values, batch_begins(len(values), batches)) if len(values) else values


def batch_begins(slices: int, batches: int = BATCHES) -> list[int]:
    """Which slice each batch begins with: of at most so many, of as equal length as whole slices allow."""
    batches = min(batches, slices)
    return [batch * slices // batches for batch in range(batches)]


def design_effect(batches: Batches) -> float:
    """deff, at least 1.

    z_j = y_j - p n_j;  v = b/(b-1) sum(z^2)/N^2
    r = sum(z_j z_(j+1)) / sum(z^2);  r* = clip(r + (1+4r)/b, 0, 0.8), the bias of r for small b removed
    v* = v (1+r*)/(1-r*);  deff = max(1, v* N / (p (1-p)))
    """
    b, n, p = len(batches.events), batches.total, batches.share
    if b < FEWEST_BATCHES or not 0 < p < 1:
        return 1.0
    z = batches.events - p * batches.totals
    squares = float(z @ z)
    if not squares:
        return 1.0
    variance = b / (b - 1) * squares / n**2
    r = float(z[:-1] @ z[1:]) / squares
    corrected = min(max(r + (1 + 4 * r) / b, 0.0), MOST_CORRELATION)
    variance *= (1 + corrected) / (1 - corrected)
    return max(1.0, variance * n / (p * (1 - p)))


def effective_number(batches: Batches, confidence: float = CONFIDENCE) -> float:
    """ne: the smaller of what the batches and what pairs of them say.

    Where disturbances outlast a batch, pairs show more of them. For 60 s with a noise of 10 % correlated over
    5 s both together cover the truth in 92 % (p95) and 93 % (p99) of 1000 runs, the batches alone in 90 and
    88 %; intervals become 13 to 20 % wider.
    """
    effective = _effective(batches, confidence)
    pairs = batches.in_pairs()
    return effective if len(pairs.events) < FEWEST_BATCHES else min(effective, _effective(pairs, confidence))


def _effective(batches: Batches, confidence: float) -> float:
    """ne = min(N, N/deff (z_q / t_(b-1,q))^2) with q = 1 - (1-confidence)/2.

    The second factor: the variance itself is known only from b batches.
    """
    n, b = batches.total, len(batches.events)
    deff = design_effect(batches)
    if b < FEWEST_BATCHES:
        return float(n)
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # see binomial_bounds

    q = 1 - (1 - confidence) / 2
    penalty = (float(stdtrit(math.inf, q)) / float(stdtrit(b - 1, q))) ** 2
    return min(float(n), n / deff * penalty)


def share_interval(batches: Batches, confidence: float = CONFIDENCE) -> ShareInterval:
    """The interval of a share: of failed requests, of failed iterations, of checks that held."""
    share = batches.share
    if math.isnan(share):
        return ShareInterval(share, math.nan, math.nan, 0.0)
    effective = effective_number(batches, confidence)
    low, high = binomial_bounds(share * effective, effective, confidence)
    return ShareInterval(share, low, high, effective)


def binomial_bounds(k: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of k events of n, for numbers that need not be whole.

    low = BetaInv(a; k, n-k+1), 0 if k = 0;  high = BetaInv(1-a; k+1, n-k), 1 if k = n;  a = (1-confidence)/2
    """
    # Here, not above: it takes 0.1 s to load, and budgets are judged after the load.
    from scipy.special import betaincinv

    a = (1 - confidence) / 2
    low = 0.0 if k <= 0 else float(betaincinv(k, n - k + 1, a))
    high = 1.0 if k >= n else float(betaincinv(k + 1, n - k, 1 - a))
    return low, high


def load_formulas() -> None:
    """Import what intervals are computed with. Who draws them while a load runs does it before: 0.2 s."""
    import scipy.special  # type: ignore[import-untyped]  # noqa: F401  # only to have it loaded


def fewest_for_percentile(share: float, confidence: float = CONFIDENCE) -> int:
    """How many independent requests must be seen before an upper limit on a percentile can be confirmed.

    With not one of n above the limit, the share above it is below 1-share once a^(1/n) >= share, a as above.
    For 0.95, 0.99, 0.999: 72, 368, 3688.
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(share))


def times_longer_to_decide(interval: ShareInterval, limit: float, confidence: float = CONFIDENCE) -> float:
    """How many times as long the run must be for the interval to exclude `limit`, the share staying as it is.

    The width shrinks with the square root of time: (half width on the limit's side / distance)^2. Where not
    one event was seen, or nothing else, it only takes enough of them. Infinite if the share is the limit, 1
    if it is decided already.
    """
    distance = abs(limit - interval.share)
    if not distance:
        return math.inf
    if not interval.low <= limit <= interval.high:
        return 1.0
    if interval.share in (0, 1):
        return max(1.0, fewest_for_percentile(1 - distance, confidence) / interval.effective)
    half_width = interval.high - interval.share if limit >= interval.share else interval.share - interval.low
    return max(1.0, (half_width / distance) ** 2)
