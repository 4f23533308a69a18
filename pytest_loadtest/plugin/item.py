"""The load item: a pytest test whose body many virtual users run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.errors import ConfigurationError, TokenError
from pytest_loadtest.plugin.collection import shim_of
from pytest_loadtest.plugin.load_loop import LoadLoop
from pytest_loadtest.plugin.tracebacks import redact_representation, users_traceback

if TYPE_CHECKING:
    from pytest_loadtest.plugin.planning import SessionPlan, TestPlan  # noqa: F401 - in a string below

loop_key = pytest.StashKey[LoadLoop]()
session_plan_key = pytest.StashKey["SessionPlan"]()


class LoadFailed(pytest.fail.Exception):  # type: ignore[name-defined,misc]  # a class at run time
    """The load test failed: the message is the whole report, there is no traceback to show."""

    def __init__(self, message: str) -> None:
        super().__init__(message, pytrace=False)


# pytest prints the type's name in front of messages; people know this one.
LoadFailed.__module__ = "builtins"
LoadFailed.__qualname__ = LoadFailed.__name__ = "Failed"


class LoadFunction(pytest.Function):
    """One load test. `obj` is a plain stand-in, so that no async plugin takes it for its own."""

    plan: TestPlan

    def _getobj(self) -> Callable[..., Any]:
        return shim_of(super()._getobj())  # type: ignore[no-untyped-call]  # pytest's own

    @property
    def body(self) -> Callable[..., Any]:
        """The user's function with its decorators, not bound to an instance."""
        given: Any = self.obj.__wrapped__  # below our stand-in
        body: Callable[..., Any] = getattr(given, "__func__", given)
        return body

    @property
    def binding(self) -> type | None:
        """`staticmethod` or `classmethod`, if the body is one."""
        declared = inspect.getattr_static(self.cls, self.originalname) if self.cls is not None else None
        return next((kind for kind in (staticmethod, classmethod) if isinstance(declared, kind)), None)

    def runtest(self) -> None:
        """Run the load and judge it."""
        from pytest_loadtest.plugin.running import run_load_test

        run_load_test(self)

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        return users_traceback(excinfo)

    def _repr_failure_py(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """pytest's representation without secrets; short summaries get a verdict's first line and place."""
        says_it_all = isinstance(excinfo.value, (ConfigurationError, TokenError))
        # Of such an error, the way to it is ours, not the user's.
        representation = super()._repr_failure_py(excinfo, "value" if says_it_all else style)
        redact_representation(representation)
        if says_it_all or isinstance(excinfo.value, LoadFailed):
            first_line = str(excinfo.value).splitlines()[0]
            path, line, _ = self.location
            for _, crash, _ in getattr(representation, "chain", ()):
                if crash is not None:
                    crash.path, crash.lineno, crash.message = path, (line or 0) + 1, first_line
        return representation


def activate(config: pytest.Config) -> None:
    """The session has a load test: register what only such sessions need."""
    if loop_key in config.stash:
        return
    from pytest_loadtest.plugin.hooks import LoadHooks

    config.stash[loop_key] = LoadLoop()
    # Registered late, so that our first hooks run before those of plugins that came by entry point.
    config.pluginmanager.register(LoadHooks(config), "loadtest-hooks")
