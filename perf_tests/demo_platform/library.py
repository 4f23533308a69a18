"""The library: the agents a signed-in user has collected. Every endpoint needs the user's token.

An agent of somebody else's library does not exist for the one who asks: 404, never 403.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database
from .parameters import optional_flag, read_choice, read_object, read_page, required_text
from .responses import encoded_response, page_response

LIBRARY_WITH_GRAPHS = (
    "library_agents JOIN graphs ON graphs.id = library_agents.graph_id"
    " AND graphs.version = library_agents.graph_version"
)
LIBRARY_AGENT = """json_object(
    'id', library_agents.id, 'graph_id', graph_id, 'graph_version', graph_version,
    'image_url', image_url, 'creator_name', creator_name, 'creator_image_url', creator_image_url,
    'status', 'COMPLETED', 'created_at', created_at, 'updated_at', updated_at,
    'name', graphs.name, 'description', graphs.description,
    'input_schema', json(input_schema), 'output_schema', json(output_schema),
    'credentials_input_schema', NULL,
    'has_external_trigger', json('false'), 'trigger_setup_info', NULL, 'new_output', json('false'),
    'can_access_graph', json(iif(graphs.owner_id IS library_agents.user_id, 'true', 'false')),
    'is_latest_version', json('true'), 'is_favorite', json(iif(is_favorite, 'true', 'false')),
    'is_archived', json(iif(is_archived, 'true', 'false')),
    'auto_update_version', json(iif(auto_update_version, 'true', 'false'))
)"""

SELECT_AGENT = f"SELECT {LIBRARY_AGENT} FROM {LIBRARY_WITH_GRAPHS}"

LISTED = "user_id = ? AND is_archived = 0"
FAVORITE = f"{LISTED} AND is_favorite = 1"
SEARCHED = f"{LISTED} AND instr(graphs.search_text, lower(?)) > 0"
ORDERS = {
    "updatedAt": "updated_at DESC, library_agents.id",
    "createdAt": "created_at DESC, library_agents.id",
}
SETTINGS = ("is_favorite", "is_archived", "auto_update_version")


class LibraryApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return [
            Route("/api/library/agents", self.list_agents),
            Route("/api/library/agents", self.add_agent, methods=["POST"]),
            Route("/api/library/agents/favorites", self.list_favorites),
            Route("/api/library/agents/by-graph/{graph_id}", self.agent_by_graph),
            Route("/api/library/agents/{id}", self.get_agent),
            Route("/api/library/agents/{id}", self.update_agent, methods=["PATCH"]),
            Route("/api/library/agents/{id}/fork", self.fork_agent, methods=["POST"]),
        ]

    async def list_agents(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        search_term = request.query_params.get("search_term")
        if search_term:
            return self._page(request, LIBRARY_WITH_GRAPHS, SEARCHED, [user_id, search_term])
        return self._page(request, "library_agents", LISTED, [user_id])

    async def list_favorites(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        return self._page(request, "library_agents", FAVORITE, [user_id])

    def _page(self, request: Request, counted: str, where: str, values: list[str]) -> Response:
        order = ORDERS[read_choice(request.query_params, "sort_by", ORDERS, "updatedAt")]
        page = read_page(request.query_params)
        total = self._database.value(f"SELECT count(*) FROM {counted} WHERE {where}", values)
        items = self._database.rows(
            f"{SELECT_AGENT} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            (*values, *page.limits),
        )
        return page_response("agents", items, total, page)

    async def get_agent(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        return self._agent(user_id, request.path_params["id"])

    async def agent_by_graph(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        graph_id = request.path_params["graph_id"]
        found = self._database.value(
            f"{SELECT_AGENT} WHERE user_id = ? AND graph_id = ? ORDER BY graph_version DESC LIMIT 1",
            (user_id, graph_id),
        )
        if found is None:
            raise HTTPException(404, f"Library agent for graph #{graph_id} not found")
        return encoded_response(found)

    async def add_agent(self, request: Request) -> Response:
        """201 when the agent is new to the library, 200 when it was there already."""
        user_id = self._authenticator.user_id(request)
        version_id = required_text(await read_object(request), "store_listing_version_id")
        graph = self._database.row(
            "SELECT graph_id, graph_version FROM store_agents WHERE store_listing_version_id = ?",
            (version_id,),
        )
        if graph is None:
            raise HTTPException(404, f"Store listing version {version_id} not found")
        added = self._insert_from_store(user_id, version_id)
        agent_id = self._database.value(
            "SELECT id FROM library_agents WHERE user_id = ? AND graph_id = ? AND graph_version = ?",
            (user_id, *graph),
        )
        return self._agent(user_id, agent_id, 201 if added else 200)

    def _insert_from_store(self, user_id: str, version_id: str) -> bool:
        now = _now()
        inserted = self._database.execute(
            "INSERT INTO library_agents (id, user_id, graph_id, graph_version, creator_name,"
            " creator_image_url, image_url, created_at, updated_at)"
            " SELECT ?, ?, graph_id, graph_version, creators.name, avatar_url, image_url, ?, ?"
            " FROM store_agents JOIN creators ON creator = username WHERE store_listing_version_id = ?"
            " ON CONFLICT (user_id, graph_id, graph_version) DO NOTHING",
            (str(uuid.uuid4()), user_id, now, now, version_id),
        )
        return inserted == 1

    async def update_agent(self, request: Request) -> Response:
        """Sets what the body names and leaves the rest."""
        user_id = self._authenticator.user_id(request)
        body = await read_object(request)
        values = [optional_flag(body, name) for name in SETTINGS]
        assignments = ", ".join(f"{name} = coalesce(?, {name})" for name in SETTINGS)
        self._database.execute(
            f"UPDATE library_agents SET {assignments}, updated_at = ? WHERE id = ? AND user_id = ?",
            (*values, _now(), request.path_params["id"], user_id),
        )
        return self._agent(user_id, request.path_params["id"])

    async def fork_agent(self, request: Request) -> Response:
        """A copy of the agent's graph that belongs to the user, as a new agent of the library."""
        user_id = self._authenticator.user_id(request)
        agent_id, fork_id, graph_id = request.path_params["id"], str(uuid.uuid4()), str(uuid.uuid4())
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO graphs"
                " SELECT ?, 1, user_id, name, description, search_text, input_schema, output_schema, graph_id"
                f" FROM {LIBRARY_WITH_GRAPHS} WHERE library_agents.id = ? AND user_id = ?",
                (graph_id, agent_id, user_id),
            )
            now = _now()
            self._database.execute(
                "INSERT INTO library_agents (id, user_id, graph_id, graph_version, creator_name,"
                " creator_image_url, image_url, created_at, updated_at)"
                " SELECT ?, user_id, ?, 1, users.name, '', image_url, ?, ?"
                " FROM library_agents JOIN users ON users.id = user_id"
                " WHERE library_agents.id = ? AND user_id = ?",
                (fork_id, graph_id, now, now, agent_id, user_id),
            )
        return self._agent(user_id, fork_id, missing=agent_id)

    def _agent(self, user_id: str, agent_id: str, status: int = 200, missing: str | None = None) -> Response:
        """One agent of the user's library; when it is not there, 404 about ``missing`` or about itself."""
        found = self._database.value(
            f"{SELECT_AGENT} WHERE library_agents.id = ? AND user_id = ?",
            (agent_id, user_id),
        )
        if found is None:
            raise HTTPException(404, f"Library agent #{missing or agent_id} not found")
        return encoded_response(found, status)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
