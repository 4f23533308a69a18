"""The WebSocket of the platform: a signed-in user subscribes to the executions of its graphs.

Messages are JSON objects: ``{"method": ..., "data": {...}}`` from the client, and to each an answer with the
same method and ``success``, or with the method ``error``. No updates follow: what becomes of an execution
is read over HTTP.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .auth import Authenticator, Unauthorized
from .database import Database
from .parameters import parse_json

MISSING_TOKEN = 4001
INVALID_TOKEN = 4003

Answer = dict[str, Any]


class UpdatesApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute("/ws", self.talk)]

    async def talk(self, websocket: WebSocket) -> None:
        """The token stands in the query, as browsers cannot set header fields of a WebSocket."""
        await websocket.accept()
        token = websocket.query_params.get("token")
        if not token:
            await websocket.close(MISSING_TOKEN, "Missing authentication token")
            return
        try:
            user_id = self._authenticator.user_id_of(token)
        except Unauthorized as error:
            await websocket.close(INVALID_TOKEN, error.detail)
            return
        session = Subscriptions(self._database, user_id)
        try:
            while True:
                await websocket.send_text(json.dumps(session.answer(await _received(websocket))))
        except WebSocketDisconnect:
            pass


async def _received(websocket: WebSocket) -> str:
    """The next message; one that is not text is none that has a meaning here."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    return message.get("text") or ""


class Subscriptions:
    """What one connection has subscribed to."""

    def __init__(self, database: Database, user_id: str) -> None:
        self._database = database
        self._user_id = user_id
        self._channels: set[str] = set()

    def answer(self, text: str) -> Answer:
        try:
            message = parse_json(text.encode())
        except ValueError:
            return _error("The message is not JSON")
        if not isinstance(message, dict):
            return _error("The message is not an object")
        method, data = message.get("method"), message.get("data")
        if method == "heartbeat":
            return {"method": "heartbeat", "data": "pong", "success": True}
        if method not in ("subscribe_graph_executions", "unsubscribe"):
            return _error(f"Message type not supported: {method}")
        graph_id = data.get("graph_id") if isinstance(data, dict) else None
        if not isinstance(graph_id, str):
            return _error("graph_id is missing")
        return self._change(method, graph_id)

    def _change(self, method: str, graph_id: str) -> Answer:
        if not self._is_in_library(graph_id):
            return _error(f"Graph #{graph_id} not found")
        channel = f"{self._user_id}|graph#{graph_id}|executions"
        if method == "unsubscribe":
            self._channels.discard(channel)
        else:
            self._channels.add(channel)
        return {"method": method, "channel": channel, "success": True}

    def _is_in_library(self, graph_id: str) -> bool:
        found = self._database.value(
            "SELECT 1 FROM library_agents WHERE user_id = ? AND graph_id = ? LIMIT 1",
            (self._user_id, graph_id),
        )
        return found is not None


def _error(text: str) -> Answer:
    return {"method": "error", "error": text, "success": False}
