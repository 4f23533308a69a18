"""Collecting load tests: which functions become load items, and where a load marker is lost.

Runs for every name of every test module, so it does nothing for a function without a load marker
beyond a look at its own and its class's and module's markers.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import pytest

from pytest_loadtest.plugin.controller import tell_controller

# What is wrong with the session's load tests: each is a usage error, all are shown together.
problems_key = pytest.StashKey[list[str]]()
_FIXTURES = "pytest_loadtest.plugin.fixtures"


class Collection:
    """Makes load items. Registered in pytest_configure: later than entry points' plugins, so tried first."""

    def __init__(self) -> None:
        self._collector: Any = None  # whose names are being looked at
        self._inherited = False  # whether its tests are load tests by its own or its parents' marker
        self._lost: list[tuple[object, str]] = []
        self._made: set[object] = set()  # the functions that became load items

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: object) -> list[pytest.Item] | None:
        """The load items of a function, or None when it is none of ours."""
        if type(obj) is FunctionType:
            function = obj
        elif isinstance(obj, type):
            self._look_at_class(collector, name, obj)
            return None
        elif isinstance(obj, (staticmethod, classmethod)) and isinstance(obj.__func__, FunctionType):
            function = obj.__func__
        else:
            return None
        is_marked = hasattr(function, "pytestmark") and _is_marked(function)
        if not is_marked and not self._inherits(collector):
            return None
        return self._items_of(collector, name, obj, function, is_marked=is_marked)

    def _inherits(self, collector: Any) -> bool:
        """Remembered for one collector: its names come one after the other."""
        if collector is not self._collector:
            self._collector = collector
            self._inherited = collector.get_closest_marker("load") is not None
        return self._inherited

    def _items_of(
        self, collector: Any, name: str, obj: object, function: FunctionType, *, is_marked: bool
    ) -> list[pytest.Item] | None:
        if not collector.istestfunction(obj, name):
            if is_marked and function.__module__ == collector.module.__name__:
                self._lost.append((function, _lost(collector, name, "function")))
            return None
        self._made.add(function)
        if is_generator(function):
            self._lost.append((None, f"{collector.nodeid}::{name}: a load test must not yield"))
            return []
        return _load_items(collector, name, function)

    def _look_at_class(self, collector: Any, name: str, obj: type) -> None:
        """A marker on what pytest does not collect does nothing; nobody means that."""
        if obj.__module__ != collector.module.__name__:
            return  # imported from elsewhere, where it may well be collected
        if (unittest := sys.modules.get("unittest")) and issubclass(obj, unittest.TestCase):
            if _has_marked(obj) or self._inherits(collector):
                problem = f"{collector.nodeid}::{name}: a unittest.TestCase cannot be a load test"
                self._lost.append((None, problem))
            return
        is_collected = collector.istestclass(obj, name) and not _has_constructor(obj)
        if not is_collected and obj.__dict__.get("__test__", True) and _has_marked(obj):
            self._lost.append((obj, _lost(collector, name, "class")))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Ordinary tests may run loads, too."""
        if any(_takes_load(item) for item in items):
            from pytest_loadtest.plugin.item import activate

            activate(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Everything that is wrong is shown at once, before anything runs."""
        problems = session.config.stash.get(problems_key, [])
        problems += [text for obj, text in self._lost if obj not in self._made and not _is_base(obj)]
        problems += [text for item in session.items if item.own_markers and (text := _late(item))]
        if problems:
            tell_controller(session.config, problems)
            raise pytest.UsageError("\n".join(problems))


def runs_load(item: pytest.Item) -> bool:
    """Whether an item is a load test, or an ordinary test that takes our fixture ``load``."""
    item_module = sys.modules.get("pytest_loadtest.plugin.item")
    return item_module is not None and (isinstance(item, item_module.LoadFunction) or _takes_load(item))


def _takes_load(item: Any) -> bool:
    """Also by way of another fixture, or of one that overrides ours and uses it."""
    if "load" not in getattr(item, "fixturenames", ()):
        return False
    for definition in reversed(item._fixtureinfo.name2fixturedefs.get("load", ())):
        if definition.func.__module__ == _FIXTURES:
            return True
        if "load" not in definition.argnames:
            return False
    return False


def _is_marked(obj: Any) -> bool:
    marks = obj.__dict__.get("pytestmark", ())
    return any(
        getattr(mark, "name", None) == "load" for mark in (marks if isinstance(marks, list) else [marks])
    )


def _has_marked(cls: type) -> bool:
    """Whether a class or one of its own methods bears the marker."""
    functions = (getattr(value, "__func__", value) for value in vars(cls).values())
    return _is_marked(cls) or any(_is_marked(each) for each in functions if isinstance(each, FunctionType))


def _has_constructor(cls: type) -> bool:
    return any(getattr(cls, name) is not getattr(object, name) for name in ("__init__", "__new__"))


def _is_base(obj: object) -> bool:
    """A class that is not collected may hand its markers down to one that is."""
    return isinstance(obj, type) and bool(obj.__subclasses__())


def _lost(collector: Any, name: str, kind: str) -> str:
    rule = "python_classes" if kind == "class" else "python_functions"
    allowed = ", ".join(collector.config.getini(rule))
    constructor = ", and no constructor" if kind == "class" else ""
    return (
        f"{collector.nodeid}::{name}: the load marker has no effect, since pytest does not collect this "
        f"{kind}; allowed are names as {rule} says ({allowed}){constructor}"
    )


def _late(item: pytest.Item) -> str | None:
    """A marker without effect: a budget of no load test, or one that came when the item was made already."""
    names = {mark.name for mark in item.own_markers}
    if names.isdisjoint({"load", "budget"}):
        return None
    from pytest_loadtest.plugin.item import LoadFunction

    if isinstance(item, LoadFunction) or ("load" not in names and _takes_load(item)):
        return None
    if "load" not in names:
        return f"{item.nodeid}: the budget marker has no effect without a load marker"
    return (
        f"{item.nodeid}: the load marker has no effect, since it was added to the collected test or to a set "
        "of its parameters; it must be on the function, its class or its module"
    )


def _load_items(collector: Any, name: str, function: Callable[..., Any]) -> list[pytest.Item]:
    """What pytest itself would collect for a plain function, as load items."""
    from pytest_loadtest.plugin.item import LoadFunction, activate

    activate(collector.config)
    python = collector.config.pluginmanager.getplugin("python")
    items: Iterable[Any] = python.pytest_pycollect_makeitem(
        collector=collector, name=name, obj=shim_of(function)
    )
    return [
        LoadFunction.from_parent(
            item.parent,
            name=item.name,
            callspec=getattr(item, "callspec", None),
            fixtureinfo=item._fixtureinfo,
            originalname=item.originalname,
            keywords={item.callspec.id: True} if hasattr(item, "callspec") else None,
        )
        for item in items or ()
    ]


def shim_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function with the test's name, arguments and markers.

    Async plugins take a test over when its function is a coroutine function; this one never is.
    """

    @functools.wraps(function)
    def load_test(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the load engine runs the body of a load test")

    return load_test


def is_coroutine_body(function: Callable[..., Any]) -> bool:
    """Whether a test body is async; it may be an object that can be called."""
    body = inspect.unwrap(function)
    return inspect.iscoroutinefunction(body) or inspect.iscoroutinefunction(body.__call__)


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether a function yields: calling it would run nothing of it."""
    body = inspect.unwrap(function)
    return inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body)
