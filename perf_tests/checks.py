"""What the load tests share about answers: checking them under names that can be read, and reading bodies.

A check that fails is counted and the test goes on, so nothing in here raises because of what an answer holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pytest_loadtest import Response, VirtualUser

Json = dict[str, Any]
Result = TypeVar("Result")

REFUSED = (401, 403)


def check_answer(
    vu: VirtualUser,
    response: Response,
    content: Mapping[str, bool],
    *,
    within_s: float | None = None,
    statuses: Sequence[int] = (200,),
) -> bool:
    """Check an answer's status, its content and its time, each under the request's name; whether all held."""
    checks = {f"status is {' or '.join(map(str, statuses))}": response.status_code in statuses, **content}
    if within_s is not None:
        checks[f"answered within {within_s} s"] = is_within(response, within_s)
    held = [vu.check(f"{response.name}: {what}", ok) for what, ok in checks.items()]
    return all(held)


def is_within(response: Response, limit_s: float) -> bool:
    return response.elapsed.total_seconds() < limit_s


def is_not_refused(response: Response) -> dict[str, bool]:
    """The check that the user's token was accepted."""
    return {"token is accepted": response.status_code not in REFUSED}


async def all_of(*requests: Awaitable[Result]) -> list[Result]:
    """The results of requests that are made at once. When one raises, the others still come to their end.

    With a task group the others would be cancelled, and their latencies lost.
    """
    results = await asyncio.gather(*requests, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


def json_body(response: Response) -> Any:
    """The body as JSON; None when it is none, so that the check fails and the journey goes on."""
    try:
        return response.json()
    except ValueError:
        return None


def json_object(response: Response) -> Json:
    """The body as a JSON object; empty when it is none."""
    body = json_body(response)
    return body if isinstance(body, dict) else {}


def has_list(body: Json, key: str) -> bool:
    return isinstance(body.get(key), list)


def items(body: Json, key: str) -> list[Json]:
    found = body.get(key)
    return found if isinstance(found, list) else []


def has_values(body: Json, *keys: str) -> bool:
    return all(body.get(key) for key in keys)


def first_page(size: int, **filters: str) -> dict[str, str | int]:
    return {**filters, "page": 1, "page_size": size}


def segment(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")
