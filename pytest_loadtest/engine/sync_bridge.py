"""Sync test bodies on the event loop. Owns the greenlets that let plain code wait for coroutines.

A sync body runs in a greenlet of its virtual user's task. When it calls `await_only`, the greenlet is
suspended and its future is handed to the task, so that all other virtual users go on. One greenlet
lives as long as its virtual user: a switch costs 1 to 2.5 us, making one for each iteration more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from inspect import iscoroutine
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from pytest_loadtest.errors import MisuseError

T = TypeVar("T")


class _BodyGreenlet(greenlet):  # type: ignore[misc]  # greenlet has no type information
    """A greenlet that a task drives; anything else has nobody to hand a future to."""


def in_sync_body() -> bool:
    """Whether the caller is sync code of a virtual user."""
    return type(getcurrent()) is _BodyGreenlet


def await_only(awaitable: Awaitable[T]) -> T:
    """The awaitable's result, from sync code of a virtual user; only this user waits.

    Raises MisuseError outside a virtual user, where waiting would block the event loop.
    """
    current = getcurrent()
    coroutine: Coroutine[Any, Any, T] = awaitable if iscoroutine(awaitable) else _waiting_for(awaitable)
    if type(current) is not _BodyGreenlet:
        coroutine.close()
        raise MisuseError("a sync client works only in the sync test body or fixture that was given it")
    try:
        future = coroutine.send(None)
        while True:
            try:
                current.parent.switch(future)
            except BaseException as error:  # cancellation, mostly: it belongs to whoever waits inside
                future = coroutine.throw(error)
            else:
                future = coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result


async def _waiting_for(awaitable: Awaitable[T]) -> T:
    return await awaitable


class SyncBody:
    """Makes sync functions awaitable, all of them in one greenlet: ``await body(function, *args)``.

    It is one user's: one call at a time, always from the same task.
    """

    __slots__ = ("_greenlet", "_is_busy")

    def __init__(self) -> None:
        self._greenlet: _BodyGreenlet | None = None
        self._is_busy = False

    def __call__(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> _Call[T]:
        """An awaitable that runs the function to its end and gives its result or exception."""
        return _Call(self, function, args, kwargs)

    def begin(self) -> _BodyGreenlet:
        """The greenlet, waiting for a call. Every `begin` has its `end`."""
        if self._is_busy:
            raise MisuseError("this virtual user's sync code is running already: it cannot run twice at once")
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = _BodyGreenlet(_serve_calls)
            self._greenlet.gr_context = getcurrent().gr_context  # it lives with the task's context variables
            self._greenlet.switch()
        self._greenlet.parent = getcurrent()
        self._is_busy = True
        return self._greenlet

    def end(self) -> None:
        """The call is over."""
        self._is_busy = False

    def close(self) -> None:
        """End the greenlet. Nothing may be running in it."""
        if self._is_busy:
            raise MisuseError("sync code of this virtual user is still running")
        if self._greenlet is not None and not self._greenlet.dead:
            self._greenlet.parent = getcurrent()  # where a greenlet's end leads to
            self._greenlet.throw(GreenletExit)
        self._greenlet = None


class _Call(Awaitable[T]):
    __slots__ = ("_args", "_body", "_function", "_kwargs")

    def __init__(self, body: SyncBody, function: Callable[..., T], args: Any, kwargs: Any) -> None:
        self._body, self._function, self._args, self._kwargs = body, function, args, kwargs

    def __await__(self) -> Generator[Any, Any, T]:
        worker = self._body.begin()
        try:
            reply = worker.switch((self._function, self._args, self._kwargs))
            while not isinstance(reply, _Ended):
                try:
                    yield reply
                except BaseException as error:
                    reply = worker.throw(error)
                else:
                    reply = worker.switch()
        finally:
            self._body.end()
        result: T = reply.result()
        return result


class _Ended:
    """How a call ended, so that it cannot be taken for a future."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self._value, self._error = value, error

    def result(self) -> Any:
        """The result or exception, once: the waiting greenlet must keep neither alive."""
        value, error, self._value, self._error = self._value, self._error, None, None
        if error is None:
            return value
        try:
            raise error
        finally:
            del error  # no cycle of exception, traceback and frame


def _serve_calls() -> None:
    """The greenlet's life: wait for a call, run it, answer."""
    ended = None
    while True:
        call = getcurrent().parent.switch(ended)
        function, args, kwargs = call
        try:
            ended = _Ended(function(*args, **kwargs), None)
        except BaseException as error:
            ended = _Ended(None, error.with_traceback(error.__traceback__ and error.__traceback__.tb_next))
        del call, function, args, kwargs  # while it waits it keeps nothing alive
