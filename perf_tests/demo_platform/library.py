"""The library: the agents a signed-in user has collected. Every endpoint needs the user's token.

An agent of somebody else's library does not exist for the one who asks: 404, never 403.
"""

from __future__ import annotations

import json
import uuid

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database
from .fields import read_fields
from .moments import now
from .parameters import read_choice, read_page
from .responses import encoded_response, page_response

LIBRARY_WITH_GRAPHS = (
    "library_agents JOIN graphs ON graphs.id = library_agents.graph_id"
    " AND graphs.version = library_agents.graph_version"
)
LIBRARY_AGENT = """json_object(
    'id', library_agents.id, 'graph_id', graph_id, 'graph_version', graph_version,
    'image_url', image_url, 'creator_name', creator_name, 'creator_image_url', creator_image_url,
    'status', 'COMPLETED', 'created_at', library_agents.created_at, 'updated_at', updated_at,
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

# What a list costs must not grow with what a load has made: its total is counted so far, and a search looks
# at so many agents, those that were changed last.
MOST_COUNTED = 1000
MOST_SEARCHED = 500
FOUND = f"""WITH recent AS (SELECT id FROM library_agents WHERE {LISTED} ORDER BY updated_at DESC, id LIMIT ?)
    SELECT library_agents.id FROM {LIBRARY_WITH_GRAPHS} WHERE library_agents.id IN recent
    AND instr(graphs.search_text, lower(?)) > 0"""

ORDERS = {
    "updatedAt": "updated_at DESC, library_agents.id",
    "createdAt": "library_agents.created_at DESC, library_agents.id",
}
SETTINGS = ("is_favorite", "is_archived", "auto_update_version")


def add_own_agent(
    database: Database, agent_id: str, user_id: str, graph_id: str, added_at: str, like: str | None = None
) -> None:
    """Put version 1 of the user's own graph into the library; with the picture of the agent ``like``."""
    database.execute(
        "INSERT INTO library_agents (id, user_id, graph_id, graph_version, creator_name, creator_image_url,"
        " image_url, created_at, updated_at)"
        " SELECT ?, users.id, graphs.id, 1, users.name, '',"
        " coalesce((SELECT image_url FROM library_agents WHERE id = ?), ''), ?, ?"
        " FROM graphs JOIN users ON users.id = graphs.owner_id"
        " WHERE graphs.id = ? AND graphs.version = 1 AND users.id = ?",
        (agent_id, like, added_at, added_at, graph_id, user_id),
    )


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
            return self._found(request, user_id, search_term)
        return self._page(request, LISTED, user_id)

    async def list_favorites(self, request: Request) -> Response:
        return self._page(request, FAVORITE, self._authenticator.user_id(request))

    def _page(self, request: Request, where: str, user_id: str) -> Response:
        order, page = _read_order(request), read_page(request.query_params)
        counted = f"SELECT 1 FROM library_agents WHERE {where} LIMIT {MOST_COUNTED}"
        total = self._database.value(f"SELECT count(*) FROM ({counted})", (user_id,))
        items = self._database.rows(
            f"{SELECT_AGENT} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", (user_id, *page.limits)
        )
        return page_response("agents", items, total, page)

    def _found(self, request: Request, user_id: str, search_term: str) -> Response:
        order, page = _read_order(request), read_page(request.query_params)
        found = self._database.rows(f"{FOUND} ORDER BY {order}", (user_id, MOST_SEARCHED, search_term))
        size, offset = page.limits
        wanted = json.dumps([agent_id for (agent_id,) in found[offset : offset + size]])
        items = self._database.rows(
            f"{SELECT_AGENT} WHERE library_agents.id IN (SELECT value FROM json_each(?)) ORDER BY {order}",
            (wanted,),
        )
        return page_response("agents", items, len(found), page)

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
        version_id = (await read_fields(request)).text("store_listing_version_id")
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
        added_at = now()
        inserted = self._database.execute(
            "INSERT INTO library_agents (id, user_id, graph_id, graph_version, creator_name,"
            " creator_image_url, image_url, created_at, updated_at)"
            " SELECT ?, ?, graph_id, graph_version, creators.name, avatar_url, image_url, ?, ?"
            " FROM store_agents JOIN creators ON creator = username WHERE store_listing_version_id = ?"
            " ON CONFLICT (user_id, graph_id, graph_version) DO NOTHING",
            (str(uuid.uuid4()), user_id, added_at, added_at, version_id),
        )
        return inserted == 1

    async def update_agent(self, request: Request) -> Response:
        """Sets what the body names and leaves the rest."""
        user_id = self._authenticator.user_id(request)
        body = await read_fields(request)
        values = [body.flag(name) for name in SETTINGS]
        assignments = ", ".join(f"{name} = coalesce(?, {name})" for name in SETTINGS)
        self._database.execute(
            f"UPDATE library_agents SET {assignments}, updated_at = ? WHERE id = ? AND user_id = ?",
            (*values, now(), request.path_params["id"], user_id),
        )
        return self._agent(user_id, request.path_params["id"])

    async def fork_agent(self, request: Request) -> Response:
        """A copy of the agent's graph that belongs to the user, as a new agent of the library."""
        user_id = self._authenticator.user_id(request)
        agent_id, fork_id, graph_id = request.path_params["id"], str(uuid.uuid4()), str(uuid.uuid4())
        forked_at = now()
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO graphs (id, version, owner_id, name, description, search_text, input_schema,"
                " output_schema, forked_from, created_at, nodes, links)"
                " SELECT ?, 1, user_id, name, description, search_text, input_schema,"
                " output_schema, graph_id, ?, nodes, links"
                f" FROM {LIBRARY_WITH_GRAPHS} WHERE library_agents.id = ? AND user_id = ?",
                (graph_id, forked_at, agent_id, user_id),
            )
            add_own_agent(self._database, fork_id, user_id, graph_id, forked_at, like=agent_id)
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


def _read_order(request: Request) -> str:
    return ORDERS[read_choice(request.query_params, "sort_by", ORDERS, "updatedAt")]
