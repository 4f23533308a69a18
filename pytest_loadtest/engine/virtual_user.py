"""The virtual user: identity, randomness, state, and the measurements a test makes by hand.

It is what tests know as ``vu``. It does not know how iterations are scheduled.
"""

from __future__ import annotations

import asyncio
import operator
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter_ns
from types import SimpleNamespace
from typing import NoReturn, Protocol

from pytest_loadtest.core.budget import ITERATION_DURATION
from pytest_loadtest.core.recorder import NullRecorder, RequestRecorder
from pytest_loadtest.core.units import NS_PER_S, UnitError, parse_duration
from pytest_loadtest.engine.sync_bridge import await_only, in_sync_body
from pytest_loadtest.errors import AbortRun, ConfigurationError, MisuseError

# Ten years, less than what 63 bits of nanoseconds hold: beyond it a value is a mistake of unit.
LONGEST_TREND_S = 10 * 365 * 24 * 3600
# Of a user's task, with its number: what runs in it is the user's set-up, iterations and tear-down.
TASK_NAME = "virtual user"


class UserRecorder(RequestRecorder, Protocol):
    """What a virtual user tells about its requests and about itself."""

    def check(self, name: str, ok: bool, started_ns: int | None) -> None: ...
    def rate(self, name: str, ok: bool, started_ns: int | None) -> None: ...
    def count(self, name: str, n: int) -> None: ...
    def trend(self, name: str, value_ns: int, started_ns: int | None = None) -> None: ...


class VirtualUser:
    """One of the load's users. `id` counts from 1, `iteration` from 0; both are the same on every run."""

    __slots__ = (
        "_clock",
        "_end_load",
        "_random",
        "_seed",
        "_state",
        "id",
        "iteration",
        "recorder",
        "start_delay_ns",
        "started_ns",
        "was_cut",
    )

    def __init__(
        self,
        id: int,  # noqa: A002 - it is called `id` in the interface
        *,
        seed: int | str = 0,
        clock: Callable[[], int] = perf_counter_ns,
        end_load: Callable[[ConfigurationError], None] | None = None,
    ) -> None:
        self.id = id
        self.iteration = 0
        # What follows is the engine's and the client's: see core.recorder.RequestOwner.
        self.recorder: UserRecorder = NullRecorder()
        self.start_delay_ns = 0
        self.started_ns: int | None = None  # when this iteration started, or was to start
        self.was_cut = False
        self._end_load = end_load
        self._seed = seed
        self._clock = clock
        self._random: random.Random | None = None  # 2.5 kB: only for users that want it
        self._state: SimpleNamespace | None = None

    @property
    def random(self) -> random.Random:
        """This user's random numbers, seeded by the load's seed and the user's id."""
        if self._random is None:
            self._random = random.Random(f"{self._seed}:{self.id}")
        return self._random

    @property
    def state(self) -> SimpleNamespace:
        """A namespace of the test's own, as long-lived as the user: ``vu.state.cart = 7``."""
        if self._state is None:
            self._state = SimpleNamespace()
        return self._state

    def check(self, name: str, ok: object) -> bool:
        """A soft check: counted under its name. Returns whether it held; raises only MisuseError."""
        _check_name("check", name)
        passed = ok if isinstance(ok, bool) else _truth(name, ok)
        self.recorder.check(name, passed, self.started_ns)
        return passed

    def count(self, name: str, n: int = 1) -> None:
        """Add `n`, a whole number, to the custom counter `name`."""
        _check_name("count", name)
        try:
            self.recorder.count(name, operator.index(n))
        except TypeError:
            raise MisuseError(f"vu.count({name!r}, {n!r}): a counter counts whole numbers") from None

    def trend(self, name: str, seconds: float) -> None:
        """Add a duration in seconds to the custom trend `name`, which has percentiles like a latency."""
        _check_trend("trend", name)
        if not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST_TREND_S:  # nan is not, either
            raise MisuseError(f"vu.trend({name!r}, {seconds!r}): a duration is zero or more seconds")
        self.recorder.trend(name, round(seconds * NS_PER_S), self.started_ns)

    def rate(self, name: str, ok: object) -> None:
        """Add a yes or a no to the custom rate `name`."""
        _check_name("rate", name)
        self.recorder.rate(name, bool(ok), self.started_ns)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Time the block as the custom trend `name`. A block that raises has no duration."""
        _check_trend("measure", name)
        started_ns = self._clock()
        yield
        self.recorder.trend(name, self._clock() - started_ns, started_ns)

    def think(self, low: object, high: object = None) -> Awaitable[None]:
        """Wait as a person would: `low`, or a random time from `low` to `high` (durations).

        In an async body ``await vu.think("1s", "3s")``; in a sync one without ``await``.
        """
        pause = asyncio.sleep(self._thinking_time_ns(low, high) / NS_PER_S)
        if in_sync_body():
            await_only(pause)
            return _DONE
        return pause

    def _thinking_time_ns(self, low: object, high: object) -> float:
        try:
            shortest = parse_duration(low)
            longest = shortest if high is None else parse_duration(high)
        except UnitError as error:
            raise MisuseError(f"vu.think: {error}") from None
        if longest < shortest:
            raise MisuseError(f"vu.think({low!r}, {high!r}): the longest is shorter than the shortest")
        return self.random.uniform(shortest, longest) if longest > shortest else shortest

    def abort(self, reason: str) -> NoReturn:
        """End the whole load now; the test fails with this reason, and what was measured is shown."""
        raise AbortRun(reason)

    def end_load(self, error: ConfigurationError) -> NoReturn:
        """For the clients: the load ends with this error now, even if the test catches it."""
        if self._end_load is not None:
            self._end_load(error)
        raise error

    def __repr__(self) -> str:
        return f"<VirtualUser {self.id} iteration {self.iteration}>"


def _truth(name: str, ok: object) -> bool:
    if isinstance(ok, Awaitable):
        raise MisuseError(f"vu.check({name!r}, ...) was given something that must be awaited first")
    return bool(ok)


def _check_name(method: str, name: object) -> None:
    if type(name) is not str and not isinstance(name, str):
        raise MisuseError(f"vu.{method}({name!r}, ...): its first argument is a name")


def _check_trend(method: str, name: object) -> None:
    _check_name(method, name)
    if name == ITERATION_DURATION:
        raise MisuseError(
            f"vu.{method}({name!r}, ...): that trend is built in, it is how long iterations take; "
            "use another name"
        )


class _Done(Awaitable[None]):
    """Awaitable that is over: for code that awaits a think time which was waited for already."""

    def __await__(self) -> Iterator[None]:  # type: ignore[override]  # an empty iterator is enough for await
        return iter(())


_DONE = _Done()
