"""A virtual user's cookies: kept, sent where they belong, dropped when they expire, nobody else's."""

from __future__ import annotations

import httpx

from tests.http.conftest import Run, client_for
from tests.http.servers import Seen, answer, answering, serving


def setting(seen: Seen) -> bytes:
    """Sets the cookies that the path's last segment names."""
    fields = {
        "login": ["Set-Cookie: session=1; Path=/; HttpOnly"],
        "again": ["Set-Cookie: session=2; Path=/"],
        "deep": ["Set-Cookie: deep=1; Path=/deep"],
        "secure": ["Set-Cookie: safe=1; Path=/; Secure"],
        "logout": ["Set-Cookie: session=; Path=/; Max-Age=0"],
        "foreign": ["Set-Cookie: evil=1; Domain=other.example; Path=/"],
    }.get(seen.path.rpartition("/")[2], [])
    return answer(b"", "200 OK", *fields)


def test_the_way_of_a_session(run: Run) -> None:
    async def scenario() -> None:
        requests: list[Seen] = []
        async with serving(answering(setting, requests)) as server, client_for(server.url) as (http, _):
            steps = [
                ("/login", None),
                ("/a", "session=1"),
                ("/a", "session=1"),
                ("/again", "session=1"),
                ("/a", "session=2"),
                ("/deep", "session=2"),
                ("/deep/x", "deep=1; session=2"),
                ("/a", "session=2"),
                ("/secure", "session=2"),
                ("/a", "session=2"),
                ("/foreign", "session=2"),
                ("/logout", "session=2"),
                ("/a", None),
                ("/deep/x", "deep=1"),
            ]
            for path, _cookie in steps:
                await http.get(path)
            assert [(seen.path, seen.header("cookie")) for seen in requests] == steps

    run(scenario())


def test_changes_by_the_caller_are_seen_at_once(run: Run) -> None:
    async def scenario() -> None:
        requests: list[Seen] = []
        async with serving(answering(answer(), requests)) as server, client_for(server.url) as (http, _):
            http.cookies.set("a", "1")
            await http.get("/")
            http.cookies["b"] = "2"
            await http.get("/")
            del http.cookies["a"]
            await http.get("/")
            http.cookies = {"c": "3"}
            await http.post("/", json={})
            http.cookies.clear()
            await http.get("/")
            sent = [seen.header("cookie") for seen in requests]
            assert sent == ["a=1", "a=1; b=2", "b=2", "c=3", None]

    run(scenario())


def test_virtual_users_do_not_share_cookies(run: Run) -> None:
    async def scenario() -> None:
        requests: list[Seen] = []
        async with (
            serving(answering(setting, requests)) as server,
            client_for(server.url) as (first, _),
            client_for(server.url) as (second, _),
        ):
            await first.get("/login")
            await second.get("/a")
            assert requests[-1].header("cookie") is None
            assert isinstance(second.cookies, httpx.Cookies)

    run(scenario())
