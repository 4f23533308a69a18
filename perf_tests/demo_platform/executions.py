"""Executions of graphs: paid with credits, run, kept, and read as time passes.

A graph runs within the request that starts it, which takes well under a millisecond. What is seen of it
follows the clock, as if a worker did it: QUEUED at first, then RUNNING for as long as its nodes would take,
and its outcome only then. So no work goes on behind the requests that a load test measures.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database, Row
from .fields import read_fields
from .graph import Run, stored_graph
from .graphs import readable_graph
from .moments import text_of
from .parameters import read_page, version_in_path
from .responses import encoded_response, list_response, page_response

MOST_LISTED = 50  # the newest so many of a user's executions
MOST_COUNTED = 1000  # the total of a page is counted so far: beyond, counting would grow with the load

QUEUED_FOR = timedelta(milliseconds=50)
RUNNING_PER_NODE = timedelta(milliseconds=100)

STATUS = """CASE WHEN :now < runs_at THEN 'QUEUED' WHEN :now < ends_at THEN 'RUNNING'
    WHEN error IS NULL THEN 'COMPLETED' ELSE 'FAILED' END"""
HAS_ENDED = ":now >= ends_at"
META_FIELDS = f"""
    'id', id, 'graph_exec_id', id, 'user_id', user_id, 'graph_id', graph_id, 'graph_version', graph_version,
    'status', {STATUS}, 'created_at', created_at, 'started_at', iif(:now >= runs_at, runs_at, NULL),
    'ended_at', iif({HAS_ENDED}, ends_at, NULL), 'preset_id', NULL,
    'stats', json_object('cost', cost, 'node_exec_count', iif({HAS_ENDED}, nodes_run, 0),
        'error', iif({HAS_ENDED}, error, NULL))
"""
EXECUTION_META = f"json_object({META_FIELDS})"
EXECUTION = f"""json_object({META_FIELDS}, 'inputs', json(inputs),
    'outputs', json(iif({HAS_ENDED}, outputs, '{{}}')))"""

INSERT_EXECUTION = (
    "INSERT INTO executions (id, user_id, graph_id, graph_version, created_at, runs_at, ends_at, cost,"
    " nodes_run, error, inputs, outputs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class InsufficientCredits(HTTPException):
    def __init__(self, cost: int) -> None:
        super().__init__(402, f"Insufficient balance: this costs {cost} credits. Please add more credits.")


def charge(database: Database, user_id: str, cost: int) -> None:
    """Take credits from the user, all or none. Raises InsufficientCredits."""
    paid = cost == 0 or database.execute(
        "UPDATE users SET credits = credits - ? WHERE id = ? AND credits >= ?", (cost, user_id, cost)
    )
    if not paid:
        raise InsufficientCredits(cost)


def execution_row(
    run: Run,
    graph: tuple[str, int],
    user_id: str,
    started: datetime,
    cost: int,
    inputs: str,
    execution_id: str,
) -> Row:
    """What ``INSERT_EXECUTION`` takes."""
    runs_at = started + QUEUED_FOR
    ends_at = runs_at + run.nodes_run * RUNNING_PER_NODE
    moments = tuple(text_of(moment) for moment in (started, runs_at, ends_at))
    outputs = json.dumps(run.outputs, separators=(",", ":"))
    return (execution_id, user_id, *graph, *moments, cost, run.nodes_run, run.error, inputs, outputs)


class ExecutionsApi:
    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._authenticator = authenticator
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/api/executions", self.list_executions),
            Route("/api/graphs/{graph_id}/execute/{version}", self.execute, methods=["POST"]),
            Route("/api/graphs/{graph_id}/executions", self.list_of_graph),
            Route("/api/graphs/{graph_id}/executions/{id}", self.get_execution),
        ]

    async def execute(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        version = version_in_path(request.path_params["version"])
        body = await read_fields(request)
        inputs = body.object("inputs", {}).content
        body.object("credentials_inputs", {})  # checked only: no block here needs credentials
        graph_id = request.path_params["graph_id"]
        columns = "graphs.version, nodes, links"
        version, nodes, links = readable_graph(self._database, columns, user_id, graph_id, version)
        graph = stored_graph(nodes, links)
        execution_id, cost = str(uuid.uuid4()), graph.cost
        with self._database.transaction():
            charge(self._database, user_id, cost)
            row = execution_row(
                graph.run(inputs),
                (graph_id, version),
                user_id,
                self._clock(),
                cost,
                json.dumps(inputs, separators=(",", ":")),
                execution_id,
            )
            self._database.execute(INSERT_EXECUTION, row)
        return self._execution(EXECUTION_META, user_id, graph_id, execution_id)

    async def get_execution(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        graph_id, execution_id = (request.path_params[name] for name in ("graph_id", "id"))
        return self._execution(EXECUTION, user_id, graph_id, execution_id)

    def _execution(self, columns: str, user_id: str, graph_id: str, execution_id: str) -> Response:
        found = self._database.value(
            f"SELECT {columns} FROM executions WHERE id = :id AND user_id = :user AND graph_id = :graph",
            {"id": execution_id, "user": user_id, "graph": graph_id, "now": text_of(self._clock())},
        )
        if found is None:
            raise HTTPException(404, f"Graph execution #{execution_id} not found")
        return encoded_response(found)

    async def list_executions(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        return list_response(
            self._database.rows(
                f"SELECT {EXECUTION_META} FROM executions WHERE user_id = :user"
                " ORDER BY number DESC LIMIT :limit",
                {"user": user_id, "limit": MOST_LISTED, "now": text_of(self._clock())},
            )
        )

    async def list_of_graph(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        page = read_page(request.query_params)
        limit, offset = page.limits
        values = {
            "user": user_id,
            "graph": request.path_params["graph_id"],
            "now": text_of(self._clock()),
            "limit": limit,
            "offset": offset,
            "most": MOST_COUNTED,
        }
        readable_graph(self._database, "1", user_id, values["graph"], None)
        where = "FROM executions WHERE user_id = :user AND graph_id = :graph"
        total = self._database.value(f"SELECT count(*) FROM (SELECT 1 {where} LIMIT :most)", values)
        rows = self._database.rows(
            f"SELECT {EXECUTION_META} {where} ORDER BY number DESC LIMIT :limit OFFSET :offset", values
        )
        return page_response("executions", rows, total, page)
