"""The part of Supabase that load tests need: signing in (GoTrue), and the root of its REST interface.

Users themselves, their sessions' end and their administration are in ``supabase_users``.
"""

from __future__ import annotations

import json
import math
import secrets
import time
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .database import Database
from .gotrue import GoTrueError, answering_errors, read_body, user_body, with_api_key
from .moments import now
from .passwords import password_matches
from .rate_limit import RateLimit
from .responses import json_response
from .signing import TokenSigner

# A wrong e-mail address takes as long as a wrong password, so that addresses cannot be probed.
ABSENT_USER_SALT = bytes(16)


class SupabaseApi:
    def __init__(self, database: Database, signer: TokenSigner, sign_ins: RateLimit | None) -> None:
        self._database = database
        self._signer = signer
        self._sign_ins = sign_ins
        self._grants = {"password": self._password_grant, "refresh_token": self._refresh_token_grant}

    def routes(self) -> list[Route]:
        def guarded(path: str, endpoint: Any, method: str = "GET") -> Route:
            return Route(path, with_api_key(self._signer, endpoint), methods=[method])

        return [
            guarded("/auth/v1/token", answering_errors(self.token), "POST"),
            guarded("/rest/v1/", self.rest_root),
            guarded("/rest/v1/{table}", self.rest_table),
        ]

    async def token(self, request: Request) -> Response:
        grant = self._grants.get(request.query_params.get("grant_type", ""))
        if grant is None:
            raise GoTrueError("invalid_credentials", "unsupported_grant_type")
        self._count_sign_in()
        session = grant(await read_body(request))
        return json_response(self._session_body(session, str(request.base_url)))

    def _count_sign_in(self) -> None:
        wait_s = self._sign_ins.seconds_to_wait() if self._sign_ins else 0.0
        if wait_s > 0:
            raise GoTrueError(
                "over_request_rate_limit",
                "Request rate limit reached",
                429,
                headers={"Retry-After": str(math.ceil(wait_s))},
            )

    def _password_grant(self, credentials: dict[str, Any]) -> tuple[str, str]:
        email, password = (_text(credentials, name) for name in ("email", "password"))
        row = self._database.row(
            "SELECT id, password_salt, password_hash, email_confirmed_at FROM users WHERE email = ?",
            (email.strip().lower(),),
        )
        user_id, salt, expected, confirmed_at = row or ("", ABSENT_USER_SALT, b"", None)
        if not password_matches(password, salt, expected):
            raise GoTrueError("invalid_credentials", "Invalid login credentials")
        if confirmed_at is None:
            raise GoTrueError("email_not_confirmed", "Email not confirmed")
        self._database.execute("UPDATE users SET last_sign_in_at = ? WHERE id = ?", (now(), user_id))
        return user_id, str(uuid.uuid4())

    def _refresh_token_grant(self, credentials: dict[str, Any]) -> tuple[str, str]:
        """A refresh token can be used once: its session goes on with a new one."""
        token = _text(credentials, "refresh_token")
        row = self._database.row(
            "DELETE FROM refresh_tokens WHERE token = ? RETURNING user_id, session_id", (token,)
        )
        if row is None:
            raise GoTrueError("refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
        return row[0], row[1]

    def _session_body(self, session: tuple[str, str], base_url: str) -> dict[str, object]:
        user_id, session_id = session
        user = user_body(self._database, user_id)
        refresh_token = secrets.token_urlsafe(16)
        self._database.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, ?)", (refresh_token, user_id, session_id)
        )
        issuer = f"{base_url}auth/v1"
        lifetime_s = self._signer.token_lifetime_s
        return {
            "access_token": self._signer.access_token(user_id, str(user["email"]), session_id, issuer),
            "token_type": "bearer",
            "expires_in": lifetime_s,
            "expires_at": int(time.time()) + lifetime_s,
            "refresh_token": refresh_token,
            "user": user,
            "weak_password": None,
        }

    async def rest_root(self, request: Request) -> Response:
        """PostgREST describes its tables here; this database shows it none."""
        description = {
            "swagger": "2.0",
            "info": {"title": "standard public schema", "description": "", "version": "12.2"},
            "host": request.url.netloc,
            "basePath": "/",
            "schemes": [request.url.scheme],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "paths": {
                "/": {"get": {"summary": "OpenAPI description (this document)", "tags": ["Introspection"]}}
            },
            "definitions": {},
        }
        return Response(json.dumps(description), media_type="application/openapi+json")

    async def rest_table(self, request: Request) -> Response:
        message = f"Could not find the table 'public.{request.path_params['table']}' in the schema cache"
        return json_response({"code": "PGRST205", "details": None, "hint": None, "message": message}, 404)


def _text(credentials: dict[str, Any], name: str) -> str:
    value = credentials.get(name)
    if not isinstance(value, str):
        raise GoTrueError("validation_failed", f"{name} is required, as a string")
    return value
