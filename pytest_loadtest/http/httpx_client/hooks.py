"""Event hooks, asynchronous or plain, for either kind of client. Must not know requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any

from pytest_loadtest.http.waiting import AwaitOnly

Hook = Callable[[Any], Any]


def with_hooks(options: Mapping[str, Any], fitting: Callable[[Hook], Hook]) -> dict[str, Any]:
    """The options with hooks that this kind of client can call: one fixture gives them to both kinds."""
    hooks = options.get("event_hooks") or {}
    return {**options, "event_hooks": {kind: [*map(fitting, each)] for kind, each in hooks.items()}}


def awaitable(hook: Hook) -> Hook:
    """For the asynchronous client."""
    if iscoroutinefunction(hook):
        return hook

    async def call(told: Any) -> None:
        hook(told)

    return call


def waited_for(await_only: AwaitOnly, hook: Hook) -> Hook:
    """For the client of plain functions."""
    return (lambda told: await_only(hook(told))) if iscoroutinefunction(hook) else hook
