"""API keys: shown in plain once, when they are made; kept as a hash. They open nothing here."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database
from .fields import read_fields
from .graph import LONGEST_DESCRIPTION, LONGEST_NAME
from .moments import now
from .responses import encoded_response, list_response

MOST_LISTED = 50  # the newest so many of a user's keys
PREFIX = "agpt_"
SHOWN = 8  # characters at either end that tell keys apart

PERMISSIONS = (
    "IDENTITY",
    "EXECUTE_GRAPH",
    "READ_GRAPH",
    "EXECUTE_BLOCK",
    "READ_BLOCK",
    "READ_STORE",
    "USE_TOOLS",
    "MANAGE_INTEGRATIONS",
    "READ_INTEGRATIONS",
)

API_KEY = """json_object('id', id, 'name', name, 'description', description, 'head', head, 'tail', tail,
    'user_id', user_id, 'permissions', json(permissions),
    'status', iif(revoked_at IS NULL, 'ACTIVE', 'REVOKED'),
    'created_at', created_at, 'revoked_at', revoked_at, 'last_used_at', NULL)"""


class ApiKeysApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return [
            Route("/api/api-keys", self.list_keys),
            Route("/api/api-keys", self.create_key, methods=["POST"]),
            Route("/api/api-keys/{id}", self.get_key),
            Route("/api/api-keys/{id}", self.revoke_key, methods=["DELETE"]),
        ]

    async def list_keys(self, request: Request) -> Response:
        return list_response(
            self._database.rows(
                f"SELECT {API_KEY} FROM api_keys WHERE user_id = ? ORDER BY number DESC LIMIT ?",
                (self._authenticator.user_id(request), MOST_LISTED),
            )
        )

    async def create_key(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        body = await read_fields(request)
        key, key_id = PREFIX + secrets.token_urlsafe(32), str(uuid.uuid4())
        values = (
            key_id,
            user_id,
            body.text("name", longest=LONGEST_NAME),
            body.text("description", None, longest=LONGEST_DESCRIPTION),
            key[:SHOWN],
            key[-SHOWN:],
            # One round will do: nobody guesses 256 random bits, however quickly they are tried.
            hashlib.sha256(key.encode()).digest(),
            json.dumps(body.words("permissions", PERMISSIONS)),
            now(),
        )
        self._database.execute(
            "INSERT INTO api_keys (id, user_id, name, description, head, tail, hash, permissions, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        shown = f'{{"api_key":{self._key(user_id, key_id)},"plain_text_key":{json.dumps(key)}}}'
        return encoded_response(shown)

    async def get_key(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        return encoded_response(self._key(user_id, request.path_params["id"]))

    async def revoke_key(self, request: Request) -> Response:
        """A revoked key stays listed, as revoked; to revoke it again changes nothing."""
        user_id, key_id = self._authenticator.user_id(request), request.path_params["id"]
        self._database.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND user_id = ?",
            (now(), key_id, user_id),
        )
        return encoded_response(self._key(user_id, key_id))

    def _key(self, user_id: str, key_id: str) -> str:
        found = self._database.value(
            f"SELECT {API_KEY} FROM api_keys WHERE id = ? AND user_id = ?", (key_id, user_id)
        )
        if found is None:
            raise HTTPException(404, f"API key #{key_id} not found")
        return str(found)
