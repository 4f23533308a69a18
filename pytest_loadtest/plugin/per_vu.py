"""Fixtures with one value per virtual user. Owns the nodes that stand for them until a user needs one.

pytest sets up each fixture once for a test. ``vu`` is set up as a node; a fixture that depends on a
node becomes a node itself, so per-VU-ness spreads through pytest's own resolution: overrides,
parametrization, autouse and usefixtures work as ever. Each user evaluates the nodes it needs, once, in
its own task, and tears them down in reverse order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from pytest_loadtest.engine.sync_bridge import SyncBody, await_only
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.httpx_client.client import LoadAsyncClient, LoadClient
from pytest_loadtest.http.sync_client import SyncClient


class PerVU:
    """A node: stands in for a value that each virtual user has of its own."""

    def __init__(
        self, name: str, function: Callable[..., Any] | None, dependencies: Mapping[str, Any]
    ) -> None:
        self.__dict__.update(_name=name, _function=function, _dependencies=dependencies)

    def __repr__(self) -> str:
        return f"<per-VU fixture {self._name!r}>"

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)  # copy, inspect and mock ask for these
        raise self._misused(f".{attribute}")

    def __setattr__(self, attribute: str, value: object) -> None:
        raise self._misused(f".{attribute}")

    def __call__(self, *_args: object, **_kwargs: object) -> Any:
        raise self._misused()

    __iter__ = __len__ = __getitem__ = __enter__ = __call__

    def _misused(self, use: str = "") -> pytest.UsageError:
        return pytest.UsageError(
            f"fixture {self._name!r} has one value per virtual user: {self._name}{use} cannot be used in "
            "code that runs once per test. Take it as an argument of the test or fixture that uses it "
            "(request.getfixturevalue gives only a stand-in)."
        )


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a fixture function is a coroutine function or an async generator function."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def bound_to(instance: object, function: Callable[..., Any]) -> Callable[..., Any]:
    """A fixture method of the test's class bound to this user's copy of the test instance."""
    if instance is not None and inspect.ismethod(function) and isinstance(instance, type(function.__self__)):
        bound: Callable[..., Any] = function.__func__.__get__(instance)
        return bound
    return function


class UserFixtures:
    """One user's values of the nodes. Belongs to the user's task; `stack` tears down what was set up."""

    def __init__(self, user: VirtualUser, instance: object, stack: AsyncExitStack) -> None:
        self._user = user
        self._instance = instance
        self._stack = stack
        self._values: dict[int, Any] = {}
        self._facades: dict[int, SyncClient | LoadClient] = {}
        self.sync_body = SyncBody()
        stack.callback(self.sync_body.close)

    async def value(self, given: Any, *, for_sync: bool) -> Any:
        """What a function gets for an argument: the user's own value of a node, else the given one.

        Sync functions get an HTTP client as its sync facade, async ones the client itself, whichever of
        them a fixture in between has handed on.
        """
        if isinstance(given, PerVU):
            key = id(given)
            if key not in self._values:
                self._values[key] = await self._set_up(given)
            given = self._values[key]
        if isinstance(given, (SyncClient, LoadClient)):
            given = given.client
        return self._for_sync(given) if for_sync and isinstance(given, (Client, LoadAsyncClient)) else given

    def _for_sync(self, client: Client | LoadAsyncClient) -> SyncClient | LoadClient:
        """The client's one facade: what one function sets on it, the next one finds."""
        key = id(client)
        if key not in self._facades:
            if isinstance(client, Client):
                self._facades[key] = SyncClient(client, await_only, SyncBody)
            else:
                self._facades[key] = client.for_sync(await_only)
        return self._facades[key]

    async def _set_up(self, node: PerVU) -> Any:
        function, dependencies = node.__dict__["_function"], node.__dict__["_dependencies"]
        if function is None:
            return self._user
        function = bound_to(self._instance, function)
        for_sync = not is_async(function)
        arguments = {name: await self.value(given, for_sync=for_sync) for name, given in dependencies.items()}
        if inspect.isasyncgenfunction(function):
            return await self._enter_async(node, function(**arguments))
        if inspect.iscoroutinefunction(function):
            return await function(**arguments)
        if inspect.isgeneratorfunction(function):
            return await self._enter_sync(node, function(**arguments))
        return await self.sync_body(function, **arguments)

    async def _enter_async(self, node: PerVU, generator: Any) -> Any:
        value = await anext(generator, _ENDED)
        if value is _ENDED:
            raise yields_no_value(node.__dict__["_name"])

        async def leave() -> None:
            if await anext(generator, _ENDED) is not _ENDED:
                raise yields_twice(node.__dict__["_name"])

        self._stack.push_async_callback(leave)
        return value

    async def _enter_sync(self, node: PerVU, generator: Any) -> Any:
        value = await self.sync_body(next, generator, _ENDED)
        if value is _ENDED:
            raise yields_no_value(node.__dict__["_name"])

        async def leave() -> None:
            if await self.sync_body(next, generator, _ENDED) is not _ENDED:
                raise yields_twice(node.__dict__["_name"])

        self._stack.push_async_callback(leave)
        return value


_ENDED = object()


def yields_twice(name: str) -> pytest.UsageError:
    """A generator fixture goes on after its tear-down."""
    return pytest.UsageError(f"fixture {name!r} yields more than once")


def yields_no_value(name: str) -> pytest.UsageError:
    """A generator fixture ends without a value."""
    return pytest.UsageError(f"fixture {name!r} did not yield a value")
