"""What authentication took: apart from the load, which has its own figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Authentication:
    """Counts since the pool was made. `attempts` are requests for a token, `successes` gave one."""

    attempts: int = 0
    successes: int = 0
    renewals: int = 0  # of the successes: those that replaced a token
    throttled: int = 0  # of the attempts: those answered with 429, too many requests
    created: int = 0  # users
    reused: int = 0  # tokens of the cache
    time_ns: int = 0  # how long it took, requests side by side counted once
