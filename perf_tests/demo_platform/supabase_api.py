"""The part of Supabase that load tests need: signing in (GoTrue), and the root of its REST interface.

Shapes and error bodies are those of Supabase's hosted service, so that its own clients work here:
GoTrue for ``/auth/v1/token``, PostgREST for ``/rest/v1/``, and the gateway's answers about API keys.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .database import Database
from .parameters import parse_json
from .passwords import password_matches
from .responses import json_response
from .signing import AUDIENCE, TOKEN_LIFETIME_S, TokenSigner

# Clients that send this header (or a later date) get an error's word as "code", older ones a number.
API_VERSION_HEADER = "X-Supabase-Api-Version"
ERROR_CODES_SINCE = "2024-01-01"

# A wrong e-mail address takes as long as a wrong password, so that addresses cannot be probed.
ABSENT_USER_SALT = bytes(16)

Endpoint = Callable[[Request], Awaitable[Response]]


class GoTrueError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def response(self, request: Request) -> Response:
        if request.headers.get(API_VERSION_HEADER, "") >= ERROR_CODES_SINCE:
            body: dict[str, object] = {"code": self.code, "message": self.message}
            return json_response(body, 400, {API_VERSION_HEADER: ERROR_CODES_SINCE})
        return json_response({"code": 400, "error_code": self.code, "msg": self.message}, 400)


class SupabaseApi:
    def __init__(self, database: Database, signer: TokenSigner) -> None:
        self._database = database
        self._signer = signer
        self._grants = {"password": self._password_grant, "refresh_token": self._refresh_token_grant}

    def routes(self) -> list[Route]:
        return [
            Route("/auth/v1/token", self._with_api_key(self.token), methods=["POST"]),
            Route("/rest/v1/", self._with_api_key(self.rest_root)),
            Route("/rest/v1/{table}", self._with_api_key(self.rest_table)),
        ]

    def _with_api_key(self, endpoint: Endpoint) -> Endpoint:
        """What Supabase's gateway does in front of every service."""

        async def guarded(request: Request) -> Response:
            key = request.headers.get("apikey") or request.query_params.get("apikey")
            if not key:
                hint = "No `apikey` request header or url param was found."
                return json_response({"message": "No API key found in request", "hint": hint}, 401)
            if not self._signer.is_api_key(key):
                hint = "Double check your Supabase `anon` or `service_role` API key."
                return json_response({"message": "Invalid API key", "hint": hint}, 401)
            return await endpoint(request)

        return guarded

    async def token(self, request: Request) -> Response:
        try:
            grant = self._grants.get(request.query_params.get("grant_type", ""))
            if grant is None:
                raise GoTrueError("invalid_credentials", "unsupported_grant_type")
            session = grant(await _credentials(request))
        except GoTrueError as error:
            return error.response(request)
        return json_response(self._session_body(session, str(request.base_url)))

    def _password_grant(self, credentials: dict[str, Any]) -> tuple[str, str]:
        email, password = (_text(credentials, name) for name in ("email", "password"))
        row = self._database.row(
            "SELECT id, password_salt, password_hash FROM users WHERE email = ?", (email.strip().lower(),)
        )
        user_id, salt, expected = row or ("", ABSENT_USER_SALT, b"")
        if not password_matches(password, salt, expected):
            raise GoTrueError("invalid_credentials", "Invalid login credentials")
        self._database.execute("UPDATE users SET last_sign_in_at = ? WHERE id = ?", (_now(), user_id))
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
        user = self._user_body(user_id)
        refresh_token = secrets.token_urlsafe(16)
        self._database.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, ?)", (refresh_token, user_id, session_id)
        )
        issuer = f"{base_url}auth/v1"
        return {
            "access_token": self._signer.access_token(user_id, str(user["email"]), session_id, issuer),
            "token_type": "bearer",
            "expires_in": TOKEN_LIFETIME_S,
            "expires_at": int(time.time()) + TOKEN_LIFETIME_S,
            "refresh_token": refresh_token,
            "user": user,
            "weak_password": None,
        }

    def _user_body(self, user_id: str) -> dict[str, object]:
        row = self._database.row(
            "SELECT email, name, created_at, last_sign_in_at FROM users WHERE id = ?", (user_id,)
        )
        assert row is not None, "a session belongs to a user, and users are never removed"
        email, name, created_at, last_sign_in_at = row
        dates = {"created_at": created_at, "updated_at": last_sign_in_at, "last_sign_in_at": last_sign_in_at}
        identity = {
            "identity_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"email/{user_id}")),
            "id": user_id,
            "user_id": user_id,
            "identity_data": {
                "email": email,
                "email_verified": True,
                "phone_verified": False,
                "sub": user_id,
            },
            "provider": "email",
            "email": email,
        }
        return {
            "id": user_id,
            "aud": AUDIENCE,
            "role": "authenticated",
            "email": email,
            "phone": "",
            "email_confirmed_at": created_at,
            "confirmed_at": created_at,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {"email_verified": True, "name": name},
            "identities": [identity | dates],
            "is_anonymous": False,
        } | dates

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


async def _credentials(request: Request) -> dict[str, Any]:
    try:
        body = parse_json(await request.body())
    except ValueError as error:
        raise GoTrueError("bad_json", f"Could not parse request body as JSON: {error}") from error
    if not isinstance(body, dict):
        raise GoTrueError("bad_json", "Could not parse request body as JSON: an object is expected")
    return body


def _text(credentials: dict[str, Any], name: str) -> str:
    value = credentials.get(name)
    if not isinstance(value, str):
        raise GoTrueError("validation_failed", f"{name} is required, as a string")
    return value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
