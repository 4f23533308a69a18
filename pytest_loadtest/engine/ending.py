"""How a load ends: the reasons, and the decision that going on is hopeless. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

# So many users (closed model) or iterations (open model) must have failed alike before we believe it.
ENOUGH_WITNESSES = 5


class Ending(enum.StrEnum):
    """Why a load ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"  # Ctrl-C
    HOPELESS = "hopeless"  # every user's first iteration raised the same error
    ABORTED = "aborted"  # vu.abort(reason)
    TIMED_OUT = "timed out"  # the test's deadline
    SET_UP_FAILED = "set-up failed"  # a per-VU fixture raised before the load
    STOPPED = "stopped"  # the body raised what is no failure of an iteration, such as pytest.skip()


@dataclass(slots=True)
class LoadEnd:
    """How a load ended, and what a reader of its results must know about the end.

    `error` is the exception behind SET_UP_FAILED and STOPPED. `ran_ns` is the time from the start until
    the last iteration ended. `stuck` users went on although they were cancelled again and again.
    """

    ending: Ending = Ending.COMPLETED
    reason: str = ""
    error: BaseException | None = None
    ran_ns: int = 0
    tear_down_errors: list[tuple[int, BaseException]] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)


@dataclass(slots=True)
class FirstIterations:
    """Watches first iterations: when all of them raise the same error, the load is hopeless.

    In a closed model (`users` is their number) each user's first iteration counts, and none may be
    under way when we decide; in an open model (`users` is None) a free user may never get a turn, so
    every iteration counts.
    """

    users: int | None
    over: bool = False  # one ended well, or differently: no longer watching
    _under_way: int = 0
    _failures: int = 0
    _signature: object = None

    def begins(self, iteration: int) -> None:
        """A user's iteration (from 0) begins."""
        if not self.over and self._counts(iteration):
            self._under_way += 1

    def failed(self, iteration: int, signature: object) -> bool:
        """A user's iteration raised an error with this signature; True when that makes the load hopeless."""
        if self.over or not self._counts(iteration):
            return False
        if self._failures and signature != self._signature:
            self.over = True
            return False
        self._signature = signature
        self._failures += 1
        self._under_way -= 1
        if self.users is None:
            return self._failures >= ENOUGH_WITNESSES
        return not self._under_way and self._failures >= min(self.users, ENOUGH_WITNESSES)

    def _counts(self, iteration: int) -> bool:
        return self.users is None or iteration == 0
