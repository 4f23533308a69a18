"""Plain functions that run at the same time: what asyncio.gather is to coroutines.

Owns what becomes of the others when one fails: nothing. Must not know requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from pytest_loadtest.http.waiting import PlainBody


async def gather(
    calls: Sequence[Callable[[], Any]], new_body: Callable[[], PlainBody], *, return_exceptions: bool
) -> list[Any]:
    """The results in the order of the calls. Every call runs to its end; then the first error is raised.

    With `return_exceptions` errors stand among the results instead. What is no Exception (an abort, a skip)
    ends the others at once, and so does a cancellation of the whole.
    """
    for call in calls:
        if not callable(call):
            raise TypeError(
                f"gather takes functions to call, such as lambda: http.get(...), not "
                f"{type(call).__name__!r}; a request that was already made is its response"
            )
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(call, new_body)) for call in calls]
    except BaseExceptionGroup as raised:
        raise raised.exceptions[0] from None
    outcomes = [task.result() for task in tasks]
    if not return_exceptions:
        _raise_first([error for _, error in outcomes if error is not None])
    return [value if error is None else error for value, error in outcomes]


async def _outcome(
    call: Callable[[], Any], new_body: Callable[[], PlainBody]
) -> tuple[Any, Exception | None]:
    body = new_body()
    try:
        return await body(call), None
    except Exception as error:
        return None, error
    finally:
        body.close()


def _raise_first(errors: list[Exception]) -> None:
    if not errors:
        return
    first, *others = errors
    for other in others:
        first.add_note(f"besides: {type(other).__name__}: {other}")
    raise first
