"""What the suite's tests share about answers."""

from __future__ import annotations

import asyncio

import pytest

from perf_tests.checks import all_of, check_answer, json_object, segment
from pytest_loadtest import Client, VirtualUser
from tests.perf_tests.bodies import Notes, answer, run_against


def test_of_requests_at_once_all_come_to_their_end_before_one_that_raised_does() -> None:
    ended: list[str] = []

    async def request(name: str, turns: int, error: Exception | None = None) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        if error:
            raise error
        ended.append(name)
        return name

    async def good() -> list[str]:
        return await all_of(request("slow", 5), request("quick", 1))

    async def bad() -> list[str]:
        return await all_of(request("slow", 5), request("wrong", 1, KeyError("first")), request("quick", 2))

    assert asyncio.run(good()) == ["slow", "quick"]
    assert ended == ["quick", "slow"]
    with pytest.raises(KeyError, match="first"):
        asyncio.run(bad())
    assert ended == ["quick", "slow"] * 2


def checks_of(sent: bytes, **terms: object) -> Notes:
    async def body(http: Client, vu: VirtualUser) -> None:
        response = await http.get("/", name="home")
        content = {"has an id": "id" in json_object(response)}
        vu.count("good", int(check_answer(vu, response, content, **terms)))

    return asyncio.run(run_against(sent, body))


@pytest.mark.parametrize(
    ("sentence", "sent", "terms", "checks"),
    [
        (
            "all held",
            answer("200 OK", b'{"id": 1}'),
            {},
            {"home: status is 200": True, "home: has an id": True},
        ),
        (
            "another status is fine",
            answer("201 Created", b'{"id": 1}'),
            {"statuses": (200, 201)},
            {"home: status is 200 or 201": True, "home: has an id": True},
        ),
        (
            "too late",
            answer("200 OK", b'{"id": 1}'),
            {"within_s": 0},
            {"home: status is 200": True, "home: has an id": True, "home: answered within 0 s": False},
        ),
        (
            "no JSON, and no text of any encoding",
            answer("500 Oops", b"\xff\xfe\xfd"),
            {"within_s": 60},
            {"home: status is 200": False, "home: has an id": False, "home: answered within 60 s": True},
        ),
    ],
)
def test_checks_of_an_answer(
    sentence: str, sent: bytes, terms: dict[str, object], checks: dict[str, bool]
) -> None:
    notes = checks_of(sent, **terms)
    assert dict(notes.checks) == checks, sentence
    assert notes.counts == {"good": all(checks.values())}, sentence


def test_a_text_becomes_one_segment_of_a_path() -> None:
    assert segment("a/b c?d") == "a%2Fb%20c%3Fd"
