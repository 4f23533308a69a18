"""How a load ends: the reasons, and the decision that going on is hopeless. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from pytest_loadtest.core.units import NS_PER_S

# So many users (closed model) or iterations (open model) must have failed alike before we believe it.
ENOUGH_WITNESSES = 5
# A slow ramp brings so many users only late. When nothing but the same error has been seen for so long,
# we do not wait for them: a target that refuses connections is noticed within seconds.
HOPELESS_AFTER_NS = 3 * NS_PER_S


class Ending(enum.StrEnum):
    """Why a load ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"  # Ctrl-C; outranks all others, since pytest must leave
    HOPELESS = "hopeless"  # every user's first iteration raised the same error
    NO_TARGET = "no target"  # iterations end well, but not one connection could be made
    BUDGET_BROKEN = "budget broken"  # for longer than its abort= allows
    ABORTED = "aborted"  # vu.abort(reason)
    TIMED_OUT = "timed out"  # the test's deadline
    SET_UP_FAILED = "set-up failed"  # a per-VU fixture raised before the load
    STOPPED = "stopped"  # something raised what is no failure of an iteration, such as pytest.skip()


@dataclass(slots=True)
class LoadEnd:
    """How a load ended, and what a reader of its results must know about the end.

    `error` is the exception behind SET_UP_FAILED and STOPPED. `ran_ns` is the time from the start until
    the last iteration ended. `stuck` users went on although they were cancelled again and again; their
    tasks are still running.
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

    In a closed model (`users` is their number) each user's first iteration is a witness; in an open one
    (`users` is None), where a free user may never get a turn, the load's first iterations are. None of
    them may be under way when we decide: fast failures come before slow successes.
    """

    users: int | None
    over: bool = False  # one ended well, or differently: no longer watching
    _begun: int = 0
    _under_way: int = 0
    _witnesses: int = 0  # of them failed
    _failures: int = 0  # of all iterations
    _signature: object = None

    def begins(self, iteration: int) -> bool:
        """A user's iteration (from 0) begins. Returns whether it is a witness."""
        if self.over:
            return False
        is_witness = iteration == 0 if self.users is not None else self._begun < ENOUGH_WITNESSES
        self._begun += 1
        self._under_way += is_witness
        return is_witness

    def failed(self, signature: object, elapsed_ns: int, *, is_witness: bool) -> bool:
        """An iteration raised an error with this signature; True when that makes the load hopeless."""
        if self.over:
            return False
        if self._failures and signature != self._signature:
            self.over = True
            return False
        self._signature = signature
        self._failures += 1
        self._under_way -= is_witness
        self._witnesses += is_witness
        if self._under_way:
            return False
        enough = ENOUGH_WITNESSES if self.users is None else min(self.users, ENOUGH_WITNESSES)
        has_lasted = self._failures >= ENOUGH_WITNESSES and elapsed_ns >= HOPELESS_AFTER_NS
        return self._witnesses >= enough or has_lasted
