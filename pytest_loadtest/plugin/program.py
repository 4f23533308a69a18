"""A load test's body, as the engine runs it: per-VU fixtures around it, pytest's exceptions explained."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.plugin.collection import is_coroutine_body
from pytest_loadtest.plugin.per_vu import PerVU, UserFixtures
from pytest_loadtest.plugin.tracebacks import place_of, short_traceback

if TYPE_CHECKING:
    from pytest_loadtest.plugin.item import LoadFunction

_FAILURES = (Exception, pytest.fail.Exception, asyncio.CancelledError)
# Although they are exceptions or failures by their types.
_ENDS_OF_LOAD = (pytest.UsageError, pytest.exit.Exception, pytest.xfail.Exception)
_LONGEST_MESSAGE = 300


class PytestProgram:
    """Runs the body of one load item."""

    def __init__(self, item: LoadFunction, *, keep_error: bool = False) -> None:
        self._item = item
        self._function = item.body
        self._is_async = is_coroutine_body(self._function)
        info = item._fixtureinfo
        self._arguments = {name: item.funcargs[name] for name in info.argnames}
        # In pytest's order: autouse and usefixtures, which are handed to nobody, come before arguments.
        self._nodes = [value for value in item.funcargs.values() if isinstance(value, PerVU)]
        self._places: dict[str, str] = {}  # as in tracebacks, and as shown
        # The first look-up of a module walks all of them: 50 ms, which a first failure would stall the load.
        inspect.getmodule(self._function.__code__)
        self._keep_error = keep_error
        self.first_error: BaseException | None = None  # only for --load-once: it keeps frames alive

    @asynccontextmanager
    async def session(self, user: VirtualUser) -> AsyncIterator[Body]:
        """This user's fixtures around its body."""
        instance = copy.copy(self._item.instance) if self._item.instance is not None else None
        async with AsyncExitStack() as stack:
            fixtures = UserFixtures(user, instance, stack)
            for node in self._nodes:
                await fixtures.value(node, for_sync=False)
            arguments = {
                name: await fixtures.value(given, for_sync=not self._is_async)
                for name, given in self._arguments.items()
            }
            yield self._body(instance, arguments, fixtures)

    def _body(self, instance: object, arguments: dict[str, Any], fixtures: UserFixtures) -> Body:
        function: Callable[..., Any] = self._function
        if instance is not None and not self._item.is_static:
            function = function.__get__(type(instance) if self._item.is_class_method else instance)
        if self._is_async:
            return functools.partial(function, **arguments)
        return functools.partial(fixtures.sync_body, function, **arguments)

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
            return str(Path(place).relative_to(self._item.config.rootpath))
        except ValueError:
            return place

    def describe(self, error: BaseException) -> tuple[str, str]:
        """Its message, and a short traceback."""
        message = redact(str(error).strip() or type(error).__name__)
        return message[:_LONGEST_MESSAGE], short_traceback(error)
