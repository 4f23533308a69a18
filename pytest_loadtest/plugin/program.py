"""A load's body, as the engine runs it: per-VU fixtures around it, pytest's exceptions explained."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.errors import MisuseError
from pytest_loadtest.plugin.collection import is_coroutine_body
from pytest_loadtest.plugin.per_vu import PerVU, UserFixtures
from pytest_loadtest.plugin.tracebacks import place_of, short_traceback

if TYPE_CHECKING:
    from pytest_loadtest.plugin.item import LoadFunction

_FAILURES = (Exception, pytest.fail.Exception, asyncio.CancelledError)
# Although they are exceptions or failures by their types.
_ENDS_OF_LOAD = (pytest.UsageError, pytest.exit.Exception, pytest.xfail.Exception)
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Scenario:
    """A function with the fixtures it takes. `nodes` are all per-VU fixtures of the test, in pytest's order:
    autouse and usefixtures, which are handed to nobody, come before arguments.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    nodes: tuple[PerVU, ...]
    instance: object = None  # of the test's class: each user has a copy of it
    binding: type | None = None  # `staticmethod` or `classmethod`, if it is one of a class

    @classmethod
    def of_item(cls, item: LoadFunction) -> Scenario:
        """The body of a marked test."""
        return cls(
            item.body,
            {name: item.funcargs[name] for name in item._fixtureinfo.argnames},
            per_vu_nodes(item.funcargs.values()),
            item.instance,
            item.binding,
        )

    def bound_to(self, instance: object) -> Callable[..., Any]:
        """The function as an instance's method, if it is one."""
        if instance is None or self.binding is staticmethod:
            return self.function
        bound: Callable[..., Any] = self.function.__get__(
            type(instance) if self.binding is classmethod else instance
        )
        return bound


def per_vu_nodes(values: Iterable[Any]) -> tuple[PerVU, ...]:
    """Those of the fixtures' values that stand for one value per user."""
    return tuple(value for value in values if isinstance(value, PerVU))


def _called(function: Callable[..., Any], /, **arguments: Any) -> None:
    """A plain function. One that hands a coroutine on has done nothing, and nobody would notice."""
    result = function(**arguments)
    if inspect.iscoroutine(result):
        result.close()
        raise MisuseError(
            f"{result.__qualname__}() is async, but what calls it is a plain function: make that an "
            "`async def` that awaits it"
        )


class PytestProgram:
    """Runs a scenario. Paths of failures are shown relative to `root`."""

    def __init__(self, scenario: Scenario, root: Path, *, keep_error: bool = False) -> None:
        self._scenario = scenario
        self._root = root
        self._is_async = is_coroutine_body(scenario.function)
        self._places: dict[str, str] = {}  # as in tracebacks, and as shown
        # The first look-up of a module walks all of them: 50 ms, which a first failure would stall the load.
        inspect.getmodule(getattr(inspect.unwrap(scenario.function), "__code__", None))
        self._keep_error = keep_error
        self.first_error: BaseException | None = None  # only for --load-once: it keeps frames alive

    @asynccontextmanager
    async def session(self, user: VirtualUser) -> AsyncIterator[Body]:
        """This user's fixtures around its body."""
        scenario = self._scenario
        instance = copy.copy(scenario.instance) if scenario.instance is not None else None
        async with AsyncExitStack() as stack:
            fixtures = UserFixtures(user, instance, stack)
            for node in scenario.nodes:
                await fixtures.value(node, for_sync=False)
            arguments = {
                name: await fixtures.value(given, for_sync=not self._is_async)
                for name, given in scenario.arguments.items()
            }
            function = scenario.bound_to(instance)
            if self._is_async:
                yield functools.partial(function, **arguments)
            else:
                yield functools.partial(fixtures.sync_body, _called, function, **arguments)

    def is_failure(self, error: BaseException) -> bool:
        """Exceptions and pytest.fail() fail an iteration; pytest.skip(), xfail() and exit() end the load."""
        if self._keep_error and self.first_error is None:
            self.first_error = error
        return isinstance(error, _FAILURES) and not isinstance(error, _ENDS_OF_LOAD)

    def signature(self, error: BaseException) -> tuple[str, str]:
        """The exception's type, and the user's line that it came from."""
        kind = type(error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        place = place_of(error.__traceback__)
        if place not in self._places:  # a path is slow to make relative, and failures may be many
            self._places[place] = self._relative(place)
        return name, self._places[place]

    def _relative(self, place: str) -> str:
        try:
            return str(Path(place).relative_to(self._root))
        except ValueError:
            return place

    def describe(self, error: BaseException) -> tuple[str, str]:
        """Its message, and a short traceback."""
        message = redact(str(error).strip() or type(error).__name__)
        return message[:_LONGEST_MESSAGE], short_traceback(error)
