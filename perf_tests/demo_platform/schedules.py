"""Schedules of graphs: made, listed, removed. They are kept and never act: nothing runs behind a load."""

from __future__ import annotations

import json
import uuid

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import cron
from .auth import Authenticator
from .database import Database
from .fields import Fields, read_fields
from .graph import LONGEST_NAME
from .graphs import readable_graph
from .moments import now
from .parameters import MAX_VERSION
from .responses import encoded_response, json_response, list_response

MOST_LISTED = 50  # the newest so many of a user's schedules

SCHEDULE = """json_object('id', id, 'name', name, 'user_id', user_id, 'graph_id', graph_id,
    'graph_version', graph_version, 'cron', cron, 'input_data', json(inputs),
    'input_credentials', json(credentials), 'created_at', created_at)"""
INSERT_SCHEDULE = (
    "INSERT INTO schedules"
    " (id, user_id, graph_id, graph_version, name, cron, inputs, credentials, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SchedulesApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return [
            Route("/api/schedules", self.list_schedules),
            Route("/api/schedules/{id}", self.remove_schedule, methods=["DELETE"]),
            Route("/api/graphs/{graph_id}/schedules", self.list_of_graph),
            Route("/api/graphs/{graph_id}/schedules", self.create_schedule, methods=["POST"]),
        ]

    async def list_schedules(self, request: Request) -> Response:
        return self._list("user_id = ?", self._authenticator.user_id(request))

    async def list_of_graph(self, request: Request) -> Response:
        user_id, graph_id = self._authenticator.user_id(request), request.path_params["graph_id"]
        readable_graph(self._database, "1", user_id, graph_id, None)
        return self._list("user_id = ? AND graph_id = ?", user_id, graph_id)

    def _list(self, where: str, *values: str) -> Response:
        return list_response(
            self._database.rows(
                f"SELECT {SCHEDULE} FROM schedules WHERE {where} ORDER BY number DESC LIMIT ?",
                (*values, MOST_LISTED),
            )
        )

    async def create_schedule(self, request: Request) -> Response:
        user_id, graph_id = self._authenticator.user_id(request), request.path_params["graph_id"]
        body = await read_fields(request)
        name, expression = body.text("name", longest=LONGEST_NAME), _cron(body)
        inputs, credentials = (json.dumps(body.object(key, {}).content) for key in ("inputs", "credentials"))
        version = body.integer("graph_version", None, highest=MAX_VERSION)
        (version,) = readable_graph(self._database, "graphs.version", user_id, graph_id, version)
        schedule_id = str(uuid.uuid4())
        values = (schedule_id, user_id, graph_id, version, name, expression, inputs, credentials, now())
        self._database.execute(INSERT_SCHEDULE, values)
        return encoded_response(
            self._database.value(f"SELECT {SCHEDULE} FROM schedules WHERE id = ?", (schedule_id,))
        )

    async def remove_schedule(self, request: Request) -> Response:
        user_id, schedule_id = self._authenticator.user_id(request), request.path_params["id"]
        removed = self._database.execute(
            "DELETE FROM schedules WHERE id = ? AND user_id = ?", (schedule_id, user_id)
        )
        if not removed:
            raise HTTPException(404, f"Schedule #{schedule_id} not found")
        return json_response({"id": schedule_id})


def _cron(body: Fields) -> str:
    expression: str = body.text("cron")
    fault = cron.fault_of(expression)
    if fault is not None:
        raise body.invalid("cron", "value_error", f"Value error, {fault}")
    return expression
