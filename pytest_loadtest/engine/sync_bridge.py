"""Sync test bodies on the event loop. Owns the greenlets that let plain code wait for coroutines.

A sync body runs in a greenlet of its virtual user's task. When it calls `await_only`, the greenlet is
suspended and its future is handed to the task, so that all other virtual users go on. One greenlet
lives as long as its virtual user: a switch costs 1 to 2.5 us, making one for each iteration more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
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
    if type(current) is not _BodyGreenlet:
        if hasattr(awaitable, "close"):
            awaitable.close()
        raise MisuseError("a sync client works only in the sync test body or fixture that was given it")
    steps = awaitable.__await__()
    resume: Callable[[Any], Any] = steps.send
    value: Any = None
    while True:
        try:
            future = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            value, resume = current.parent.switch(future), steps.send
        except BaseException as error:  # cancellation, mostly: it belongs to whoever waits inside
            value, resume = error, steps.throw


class SyncBody:
    """Makes sync functions awaitable, all of them in one greenlet: ``await body(function, *args)``."""

    __slots__ = ("_greenlet",)

    def __init__(self) -> None:
        self._greenlet: _BodyGreenlet | None = None

    def __call__(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> _Call[T]:
        """An awaitable that runs the function to its end and gives its result or exception."""
        return _Call(self, function, args, kwargs)

    def worker(self) -> _BodyGreenlet:
        """The greenlet, waiting for a call."""
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = _BodyGreenlet(_serve_calls)
        return self._greenlet

    def close(self) -> None:
        """End the greenlet. Nothing may be running in it."""
        if self._greenlet is not None and not self._greenlet.dead:
            self._greenlet.throw(GreenletExit)
        self._greenlet = None


class _Call(Awaitable[T]):
    __slots__ = ("_args", "_body", "_function", "_kwargs")

    def __init__(self, body: SyncBody, function: Callable[..., T], args: Any, kwargs: Any) -> None:
        self._body, self._function, self._args, self._kwargs = body, function, args, kwargs

    def __await__(self) -> Generator[Any, Any, T]:
        worker = self._body.worker()
        worker.parent = getcurrent()
        if not worker:  # not started yet: it takes the task's context variables
            worker.gr_context = getcurrent().gr_context
        reply = worker.switch((self._function, self._args, self._kwargs))
        while not isinstance(reply, _Ended):
            try:
                value = yield reply
            except BaseException as error:
                reply = worker.throw(error)
            else:
                reply = worker.switch(value)
        result: T = reply.result()
        return result


class _Ended:
    """How a call ended, so that it cannot be taken for a future."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self._value, self._error = value, error

    def result(self) -> Any:
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # no cycle of exception, traceback and frame
        return self._value


def _serve_calls(call: Any) -> None:
    """The greenlet's life: run a call, answer, wait for the next."""
    while True:
        function, args, kwargs = call
        try:
            ended = _Ended(function(*args, **kwargs), None)
        except GreenletExit:
            return
        except BaseException as error:
            ended = _Ended(None, error.with_traceback(error.__traceback__ and error.__traceback__.tb_next))
        del call, function, args, kwargs
        call = getcurrent().parent.switch(ended)
