"""A load test's body, as the engine runs it: per-VU fixtures around it, pytest's exceptions explained."""

from __future__ import annotations

import asyncio
import copy
import functools
import sysconfig
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

import pytest_loadtest
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.plugin.collection import is_coroutine_body
from pytest_loadtest.plugin.per_vu import PerVU, UserFixtures

if TYPE_CHECKING:
    from pytest_loadtest.plugin.item import LoadFunction

# Code that is not the user's: a failure's place is the innermost frame outside of it.
_FOREIGN = tuple(
    str(Path(folder))
    for folder in (
        Path(pytest_loadtest.__file__).parent,
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        sysconfig.get_path("stdlib"),
    )
)
_LONGEST_MESSAGE = 300


class PytestProgram:
    """Runs the body of one load item."""

    def __init__(self, item: LoadFunction, *, keep_error: bool = False) -> None:
        self._item = item
        self._function = item.body
        self._is_async = is_coroutine_body(self._function)
        info = item._fixtureinfo
        self._arguments = {name: item.funcargs[name] for name in info.argnames}
        # autouse and usefixtures: set up for each user, handed to nobody
        self._unnamed = [
            value
            for name, value in item.funcargs.items()
            if isinstance(value, PerVU) and name in info.names_closure and name not in info.argnames
        ]
        self._keep_error = keep_error
        self.first_error: BaseException | None = None  # only for --load-once: it keeps frames alive

    @asynccontextmanager
    async def session(self, user: VirtualUser) -> AsyncIterator[Body]:
        """This user's fixtures around its body."""
        instance = copy.copy(self._item.instance) if self._item.instance is not None else None
        async with AsyncExitStack() as stack:
            fixtures = UserFixtures(user, instance, stack)
            for node in self._unnamed:
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
        """Exceptions and pytest.fail() fail an iteration; pytest.skip() and the like end the load."""
        if self._keep_error and self.first_error is None:
            self.first_error = error
        return isinstance(
            error, (Exception, pytest.fail.Exception, asyncio.CancelledError)
        ) and not isinstance(error, pytest.UsageError)

    def signature(self, error: BaseException) -> tuple[str, str]:
        """The exception's type, and the user's line that it came from."""
        kind = type(error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        return name, self._place(error.__traceback__)

    def _place(self, traceback: TracebackType | None) -> str:
        place = ""
        while traceback is not None:
            filename = traceback.tb_frame.f_code.co_filename
            if not filename.startswith(_FOREIGN) or not place:
                place = f"{filename}:{traceback.tb_lineno}"
            traceback = traceback.tb_next
        return self._relative(place)

    def _relative(self, place: str) -> str:
        try:
            return str(Path(place).relative_to(self._item.config.rootpath))
        except ValueError:
            return place

    def describe(self, error: BaseException) -> tuple[str, str]:
        """Its message, and pytest's own short traceback without the engine's frames.

        Short: the long style shows every argument, and a token is an argument.
        """
        message = redact(str(error).strip() or type(error).__name__)
        info = pytest.ExceptionInfo.from_exception(error)
        own = info.traceback.filter(lambda entry: not str(entry.path).startswith(_FOREIGN[0]))
        info.traceback = own or info.traceback
        return message[:_LONGEST_MESSAGE], redact(str(info.getrepr(style="short", chain=False)))
