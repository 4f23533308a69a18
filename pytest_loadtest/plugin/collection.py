"""Collecting load tests: which functions become load items, and where a load marker is lost.

Runs for every name of every test module, so it does nothing for a function without a load marker
beyond a look at its own and its class's and module's markers.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import pytest

# The module's or class's own answer to "are your tests load tests?", remembered per collector.
_inherits_key = pytest.StashKey[bool]()
misplaced_key = pytest.StashKey[list[str]]()


def makeitem(collector: Any, name: str, obj: object) -> list[pytest.Item] | None:
    """The load items of a function, or None when it is none of ours."""
    if isinstance(obj, type):
        if _is_marked(obj) and not collector.istestclass(obj, name):
            _note_misplaced(collector, name, obj, "class")
        return None
    if not isinstance(obj, (FunctionType, staticmethod, classmethod)):
        return None
    function = obj.__func__ if isinstance(obj, (staticmethod, classmethod)) else obj
    own = _is_marked(function)
    if not own and not _inherits(collector):
        return None
    if not collector.istestfunction(obj, name):
        if own:
            _note_misplaced(collector, name, function, "function")
        return None
    return _load_items(collector, name, function)


def _is_marked(obj: Any) -> bool:
    marks = obj.__dict__.get("pytestmark", ())
    return any(
        getattr(mark, "name", None) == "load" for mark in (marks if isinstance(marks, list) else [marks])
    )


def _inherits(collector: Any) -> bool:
    stash = collector.stash
    inherits = stash.get(_inherits_key, None)
    if inherits is None:
        inherits = stash[_inherits_key] = collector.get_closest_marker("load") is not None
    return bool(inherits)


def _note_misplaced(collector: Any, name: str, obj: Any, kind: str) -> None:
    """A marker on what pytest does not collect does nothing; nobody means that."""
    if getattr(obj, "__module__", None) != getattr(collector.module, "__name__", None):
        return  # imported from elsewhere, where it may well be collected
    rule = "python_classes" if kind == "class" else "python_functions"
    patterns = ", ".join(collector.config.getini(rule))
    collector.config.stash.setdefault(misplaced_key, []).append(
        f"{collector.nodeid}::{name}: the load marker is on a {kind} that pytest does not collect as a test "
        f"(its name fits none of {rule}: {patterns}; or the class has a constructor)"
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
    """Whether a test body is async. A generator is no test."""
    return inspect.iscoroutinefunction(inspect.unwrap(function))
