"""Graphs over HTTP: a user's own are listed, made and read; those of the library's agents are read too.

A graph of somebody else does not exist for the one who asks: 404, never 403.
"""

from __future__ import annotations

import uuid

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database, Row
from .fields import read_fields
from .graph import LONGEST_DESCRIPTION, LONGEST_NAME, Graph, read_graph
from .library import add_own_agent
from .moments import now
from .parameters import read_version
from .responses import encoded_response, list_response

# The newest so many of a user's graphs are listed: what a list costs must not grow with what a load makes.
MOST_LISTED = 50

META_FIELDS = """
    'id', id, 'version', version, 'is_active', json('true'), 'name', name, 'description', description,
    'user_id', owner_id, 'forked_from_id', forked_from,
    'forked_from_version', iif(forked_from IS NULL, NULL, 1), 'created_at', created_at,
    'input_schema', json(input_schema), 'output_schema', json(output_schema),
    'credentials_input_schema', NULL, 'has_external_trigger', json('false'), 'trigger_setup_info', NULL,
    'recommended_schedule_cron', NULL, 'instructions', NULL, 'sub_graphs', json('[]')
"""
GRAPH_META = f"json_object({META_FIELDS})"
GRAPH = f"json_object({META_FIELDS}, 'nodes', json(nodes), 'links', json(links))"

# The user's own, or one of the library.
READABLE = (
    "graphs.id = :graph AND (:version IS NULL OR graphs.version = :version) AND (owner_id = :user OR EXISTS"
    " (SELECT 1 FROM library_agents WHERE library_agents.user_id = :user"
    " AND library_agents.graph_id = graphs.id AND library_agents.graph_version = graphs.version))"
    " ORDER BY graphs.version DESC LIMIT 1"
)


def readable_graph(database: Database, columns: str, user_id: str, graph_id: str, version: int | None) -> Row:
    """A graph that the user may read and execute; the newest version unless one is said. Raises the 404."""
    values = {"user": user_id, "graph": graph_id, "version": version}
    found = database.row(f"SELECT {columns} FROM graphs WHERE {READABLE}", values)
    if found is None:
        raise HTTPException(404, f"Graph #{graph_id} not found")
    return found


class GraphsApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return [
            Route("/api/graphs", self.list_graphs),
            Route("/api/graphs", self.create_graph, methods=["POST"]),
            Route("/api/graphs/{id}", self.get_graph),
        ]

    async def list_graphs(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        return list_response(
            self._database.rows(
                f"SELECT {GRAPH_META} FROM graphs WHERE owner_id = ? ORDER BY number DESC LIMIT ?",
                (user_id, MOST_LISTED),
            )
        )

    async def get_graph(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        version = read_version(request.query_params)
        return self._graph(user_id, request.path_params["id"], version)

    async def create_graph(self, request: Request) -> Response:
        """The graph gets a new id, whatever it had, and becomes an agent of the user's library."""
        user_id = self._authenticator.user_id(request)
        sent = (await read_fields(request)).object("graph")
        name = sent.text("name", longest=LONGEST_NAME)
        description = sent.text("description", longest=LONGEST_DESCRIPTION)
        graph_id, created_at = str(uuid.uuid4()), now()
        row = graph_row(read_graph(sent), graph_id, user_id, name, description, created_at)
        with self._database.transaction():
            self._database.execute(INSERT_GRAPH, row)
            add_own_agent(self._database, str(uuid.uuid4()), user_id, graph_id, created_at)
        return self._graph(user_id, graph_id, 1)

    def _graph(self, user_id: str, graph_id: str, version: int | None) -> Response:
        (found,) = readable_graph(self._database, GRAPH, user_id, graph_id, version)
        return encoded_response(found)


INSERT_GRAPH = (
    "INSERT INTO graphs (id, version, owner_id, name, description, search_text, input_schema, output_schema,"
    " created_at, nodes, links) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def graph_row(
    graph: Graph, graph_id: str, owner_id: str | None, name: str, description: str, created_at: str
) -> Row:
    """What ``INSERT_GRAPH`` takes."""
    return (
        graph_id,
        owner_id,
        name,
        description,
        f"{name} {description}".lower(),
        graph.input_schema(),
        graph.output_schema(),
        created_at,
        graph.nodes_json(),
        graph.links_json(),
    )
