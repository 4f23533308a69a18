"""When tokens are renewed: well before they end, and not all at once. Pure: times in, times out."""

from __future__ import annotations

# Renewals begin when this share of a token's life is over and have all begun at the other: tokens that were
# made in one second are spread over 30 % of their life (18 minutes of an hour), and a renewal that
# fails has a fifth of it to be tried again.
_FIRST = 0.5
_LAST = 0.8

# After a failed renewal: the first wait, doubled each time, up to the longest.
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0


def renewal_time(index: int, count: int, made_at_s: float, expires_at_s: float) -> float:
    """When to renew token number `index` of `count`, as a Unix time."""
    share = _FIRST + (_LAST - _FIRST) * index / max(count, 1)
    return made_at_s + share * max(expires_at_s - made_at_s, 0.0)


def is_good_enough(now_s: float, made_at_s: float, expires_at_s: float, valid_for_s: float) -> bool:
    """Whether a kept token is used as it is: it outlives the load, or a new one would not be much better."""
    lasts_until_s = now_s + valid_for_s + FIRST_RETRY_S
    half_s = made_at_s + _FIRST * (expires_at_s - made_at_s)
    return expires_at_s > now_s and (expires_at_s > lasts_until_s or now_s < half_s)


def retry_time(failures: int, now_s: float, expires_at_s: float) -> float:
    """When to try again after the n-th failure in a row; the last time just before the end."""
    wait_s = min(FIRST_RETRY_S * 2.0 ** (failures - 1), LONGEST_RETRY_S)
    return min(now_s + wait_s, max(expires_at_s, now_s))
