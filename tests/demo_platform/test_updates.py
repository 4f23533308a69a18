"""The WebSocket of the platform, with the library's own client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from perf_tests.demo_platform import Platform

SignIn = Callable[[int], dict[str, str]]


def talk_to(platform: Platform, headers: dict[str, str] | None = None, token: str = "") -> ClientConnection:
    token = headers["Authorization"].removeprefix("Bearer ") if headers else token
    return connect(f"{platform.websocket_url}/ws?token={token}", proxy=None)


def ask(websocket: ClientConnection, message: Any) -> Any:
    websocket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
    return json.loads(websocket.recv(timeout=10))


def test_a_user_subscribes_to_a_graph_of_its_library(
    platform: Platform, api: httpx.Client, user: dict[str, str]
) -> None:
    graph_id = api.get("/api/library/agents", headers=user).json()["agents"][0]["graph_id"]
    with talk_to(platform, user) as websocket:
        for method in ("subscribe_graph_executions", "unsubscribe"):
            answer = ask(websocket, {"method": method, "data": {"graph_id": graph_id}})
            assert (answer["method"], answer["success"]) == (method, True)
            assert answer["channel"].endswith(f"|graph#{graph_id}|executions")
        assert ask(websocket, {"method": "heartbeat", "data": "ping"}) == {
            "method": "heartbeat",
            "data": "pong",
            "success": True,
        }


def test_graphs_of_others_do_not_exist(platform: Platform, api: httpx.Client, sign_in: SignIn) -> None:
    own = {agent["graph_id"] for agent in api.get("/api/library/agents", headers=sign_in(0)).json()["agents"]}
    others = api.get("/api/library/agents", headers=sign_in(9)).json()["agents"]
    graph_id = next(agent["graph_id"] for agent in others if agent["graph_id"] not in own)
    with talk_to(platform, sign_in(0)) as websocket:
        answer = ask(websocket, {"method": "subscribe_graph_executions", "data": {"graph_id": graph_id}})
        assert answer == {"method": "error", "error": f"Graph #{graph_id} not found", "success": False}


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("{", "The message is not JSON"),
        (b"\x00\xff", "The message is not JSON"),
        ([1], "The message is not an object"),
        ({}, "Message type not supported: None"),
        ({"method": "dance"}, "Message type not supported: dance"),
        ({"method": "unsubscribe"}, "graph_id is missing"),
        ({"method": "unsubscribe", "data": {"graph_id": 7}}, "graph_id is missing"),
    ],
)
def test_a_message_without_meaning_is_an_error_and_the_connection_stays(
    platform: Platform, user: dict[str, str], message: Any, error: str
) -> None:
    with talk_to(platform, user) as websocket:
        assert ask(websocket, message) == {"method": "error", "error": error, "success": False}
        assert ask(websocket, {"method": "heartbeat"})["success"] is True


@pytest.mark.parametrize(("token", "code"), [("", 4001), ("nonsense", 4003)])
def test_nobody_is_heard_without_a_valid_token(platform: Platform, token: str, code: int) -> None:
    with talk_to(platform, token=token) as websocket:
        with pytest.raises(ConnectionClosedError) as caught:
            websocket.recv(timeout=10)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code
