"""GoTrue beyond signing in: the user of a session, the session's end, and the administration of users."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .database import Database
from .gotrue import (
    USER_COLUMNS,
    GoTrueError,
    answering_errors,
    read_body,
    require_service_role,
    session_of,
    user_body,
    user_body_of,
    with_api_key,
)
from .moments import now
from .passwords import hash_password
from .responses import json_response
from .signing import AUDIENCE, TokenSigner

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
SHORTEST_PASSWORD = 6  # GoTrue's default
LONGEST_PASSWORD = 72  # bytes; beyond it bcrypt, which GoTrue uses, would ignore the rest
DEFAULT_PER_PAGE = 50
MOST_PER_PAGE = 1000

# A scope of signing out -> which refresh tokens end with it.
SCOPES = {
    "global": "user_id = :user",
    "local": "user_id = :user AND session_id = :session",
    "others": "user_id = :user AND session_id <> :session",
}


class SupabaseUsersApi:
    def __init__(self, database: Database, signer: TokenSigner, initial_credits: int) -> None:
        self._database = database
        self._signer = signer
        self._initial_credits = initial_credits

    def routes(self) -> list[Route]:
        endpoints = [
            ("/auth/v1/health", self.health, "GET"),
            ("/auth/v1/user", self.get_user, "GET"),
            ("/auth/v1/logout", self.logout, "POST"),
            ("/auth/v1/admin/users", self.list_users, "GET"),
            ("/auth/v1/admin/users", self.create_user, "POST"),
        ]
        return [
            Route(path, with_api_key(self._signer, answering_errors(endpoint)), methods=[method])
            for path, endpoint, method in endpoints
        ]

    async def health(self, request: Request) -> Response:
        self._database.value("SELECT 1")
        description = "GoTrue is a user registration and authentication API"
        return json_response({"version": "v2.177.0", "name": "GoTrue", "description": description})

    async def get_user(self, request: Request) -> Response:
        user_id, _ = session_of(request, self._signer, self._database)
        return json_response(user_body(self._database, user_id))

    async def logout(self, request: Request) -> Response:
        """Ends sessions: their refresh tokens are gone. Access tokens live on until they expire."""
        scope = request.query_params.get("scope", "global")
        if scope not in SCOPES:
            raise GoTrueError("validation_failed", f'Unsupported logout scope "{scope}"')
        user_id, session_id = session_of(request, self._signer, self._database)
        self._database.execute(
            f"DELETE FROM refresh_tokens WHERE {SCOPES[scope]}", {"user": user_id, "session": session_id}
        )
        return Response(status_code=204)

    async def list_users(self, request: Request) -> Response:
        require_service_role(request, self._signer)
        page = _positive(request, "page", 1)
        per_page = min(_positive(request, "per_page", DEFAULT_PER_PAGE), MOST_PER_PAGE)
        rows = self._database.rows(
            f"SELECT {USER_COLUMNS} FROM users ORDER BY email LIMIT ? OFFSET ?",
            (per_page, (page - 1) * per_page),
        )
        total = self._database.value("SELECT count(*) FROM users")
        body = {"users": [user_body_of(row) for row in rows], "aud": AUDIENCE}
        return json_response(body, headers={"X-Total-Count": str(total)})

    async def create_user(self, request: Request) -> Response:
        require_service_role(request, self._signer)
        user_id = self._add_user(await read_body(request))
        return json_response(user_body(self._database, user_id))

    def _add_user(self, attributes: dict[str, Any]) -> str:
        email, password = _email(attributes), _password(attributes)
        user_metadata, app_metadata = (_object(attributes, f"{kind}_metadata") for kind in ("user", "app"))
        user_id, salt, created_at = str(uuid.uuid4()), secrets.token_bytes(16), now()
        added = self._database.execute(
            "INSERT INTO users (id, email, name, password_salt, password_hash, created_at,"
            " email_confirmed_at, user_metadata, app_metadata, credits)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING",
            (
                user_id,
                email,
                str(user_metadata.get("name") or email.partition("@")[0]),
                salt,
                hash_password(password, salt),
                created_at,
                created_at if attributes.get("email_confirm") is True else None,
                json.dumps(user_metadata),
                json.dumps(app_metadata),
                self._initial_credits,
            ),
        )
        if not added:
            message = "A user with this email address has already been registered"
            raise GoTrueError("email_exists", message, 422)
        return user_id


def _email(attributes: dict[str, Any]) -> str:
    email = attributes.get("email")
    if not email:
        raise GoTrueError("validation_failed", "Cannot create a user without either an email or phone")
    if not isinstance(email, str) or not EMAIL.fullmatch(email.strip()):
        raise GoTrueError("validation_failed", "Unable to validate email address: invalid format")
    return email.strip().lower()


def _password(attributes: dict[str, Any]) -> str:
    """The given one; without one a user gets one that nobody knows."""
    password = attributes.get("password")
    if password in (None, ""):
        return secrets.token_urlsafe(24)
    if not isinstance(password, str):
        raise GoTrueError("validation_failed", "password must be a string")
    if len(password.encode()) > LONGEST_PASSWORD:
        message = f"Password cannot be longer than {LONGEST_PASSWORD} characters"
        raise GoTrueError("validation_failed", message)
    if len(password) < SHORTEST_PASSWORD:
        message = f"Password should be at least {SHORTEST_PASSWORD} characters."
        details = {"weak_password": {"reasons": ["length"]}}
        raise GoTrueError("weak_password", message, 422, details=details)
    return password


def _object(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    value = attributes.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise GoTrueError("validation_failed", f"{name} must be an object")
    return value


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0):
        raise GoTrueError("validation_failed", f"Bad Pagination Parameters: {name}: {text!r}")
    return int(text)
