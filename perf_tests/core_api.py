"""The four lists of the core API that several tests read, and what is checked of each."""

from __future__ import annotations

from typing import Any

from perf_tests.checks import Json, check_answer, is_not_refused, json_body
from pytest_loadtest import Client, VirtualUser


async def get_credits(http: Client, vu: VirtualUser) -> None:
    response = await http.get("/api/credits", name="credits")
    body = json_body(response)
    content = {
        "body is an object": isinstance(body, dict),
        "credits are a number": isinstance(body, dict) and is_number(body.get("credits")),
    }
    check_answer(vu, response, {**is_not_refused(response), **content})


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


async def list_graphs(http: Client, vu: VirtualUser) -> list[Json]:
    return await list_objects(http, vu, "graphs")


async def list_executions(http: Client, vu: VirtualUser) -> list[Json]:
    return await list_objects(http, vu, "executions")


async def list_blocks(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/blocks", name="blocks")
    body = json_body(response)
    content = {"body is an array or an object": isinstance(body, (list, dict))}
    check_answer(vu, response, {**is_not_refused(response), **content})
    return objects_in(body)


async def list_objects(http: Client, vu: VirtualUser, what: str) -> list[Json]:
    response = await http.get(f"/api/{what}", name=what)
    body = json_body(response)
    check_answer(vu, response, {**is_not_refused(response), "body is an array": isinstance(body, list)})
    return objects_in(body)


def objects_in(body: Any) -> list[Json]:
    """The objects of a JSON array; none when it is no array."""
    return [item for item in body if isinstance(item, dict)] if isinstance(body, list) else []
