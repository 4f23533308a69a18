"""What GoTrue (Supabase Auth) shows: its errors, its users, and whom it believes.

Shapes and words are those of Supabase's hosted service, so that its own clients understand them. Which
path answers what is decided elsewhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from .database import Database
from .parameters import parse_json
from .responses import json_response
from .signing import AUDIENCE, SERVICE_ROLE, TokenSigner

# Clients that send this header (or a later date) get an error's word as "code", older ones a number.
API_VERSION_HEADER = "X-Supabase-Api-Version"
ERROR_CODES_SINCE = "2024-01-01"

Endpoint = Callable[[Request], Awaitable[Response]]


class GoTrueError(Exception):
    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.details = details or {}

    def response(self, request: Request) -> Response:
        if request.headers.get(API_VERSION_HEADER, "") >= ERROR_CODES_SINCE:
            body: dict[str, object] = {"code": self.code, "message": self.message, **self.details}
            headers = {**self.headers, API_VERSION_HEADER: ERROR_CODES_SINCE}
            return json_response(body, self.status, headers)
        body = {"code": self.status, "error_code": self.code, "msg": self.message, **self.details}
        return json_response(body, self.status, self.headers)


def with_api_key(signer: TokenSigner, endpoint: Endpoint) -> Endpoint:
    """What Supabase's gateway does in front of every service."""

    async def guarded(request: Request) -> Response:
        key = request.headers.get("apikey") or request.query_params.get("apikey")
        if not key:
            hint = "No `apikey` request header or url param was found."
            return json_response({"message": "No API key found in request", "hint": hint}, 401)
        if not signer.is_api_key(key):
            hint = "Double check your Supabase `anon` or `service_role` API key."
            return json_response({"message": "Invalid API key", "hint": hint}, 401)
        return await endpoint(request)

    return guarded


def answering_errors(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with its GoTrueErrors as answers."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except GoTrueError as error:
            return error.response(request)

    return answered


def require_service_role(request: Request, signer: TokenSigner) -> None:
    """Only the service key's bearer may administrate users."""
    if _claims(request, signer).get("role") != SERVICE_ROLE:
        raise GoTrueError("not_admin", "User not allowed", 403)


def session_of(request: Request, signer: TokenSigner, database: Database) -> tuple[str, str]:
    """The user and the session of the request's access token, if that session has not been ended."""
    claims = _claims(request, signer)
    user_id, session_id = claims.get("sub"), claims.get("session_id")
    if user_id is None:
        raise GoTrueError("bad_jwt", "invalid claim: missing sub claim", 403)
    is_open = database.value(
        "SELECT 1 FROM refresh_tokens WHERE user_id = ? AND session_id = ?", (user_id, session_id)
    )
    if is_open is None:
        message = "Session from session_id claim in JWT does not exist"
        raise GoTrueError("session_not_found", message, 403)
    return str(user_id), str(session_id)


def _claims(request: Request, signer: TokenSigner) -> Mapping[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GoTrueError("no_authorization", "This endpoint requires a valid Bearer token", 401)
    try:
        return signer.claims(token)
    except jwt.InvalidTokenError as error:
        message = f"invalid JWT: unable to parse or verify signature, {error}"
        raise GoTrueError("bad_jwt", message, 403) from error


async def read_body(request: Request) -> dict[str, Any]:
    try:
        body = parse_json(await request.body())
    except ValueError as error:
        raise GoTrueError("bad_json", f"Could not parse request body as JSON: {error}") from error
    if not isinstance(body, dict):
        raise GoTrueError("bad_json", "Could not parse request body as JSON: an object is expected")
    return body


USER_COLUMNS = "id, email, email_confirmed_at, created_at, last_sign_in_at, user_metadata, app_metadata"


def user_body(database: Database, user_id: str) -> dict[str, object]:
    row = database.row(f"SELECT {USER_COLUMNS} FROM users WHERE id = ?", (user_id,))
    assert row is not None, "a session belongs to a user, and users are never removed"
    return user_body_of(row)


def user_body_of(row: tuple[Any, ...]) -> dict[str, object]:
    """A user in full, from its ``USER_COLUMNS``."""
    user_id, email, confirmed_at, created_at, last_sign_in_at, user_metadata, app_metadata = row
    dates = {
        "created_at": created_at,
        "updated_at": last_sign_in_at or created_at,
        "last_sign_in_at": last_sign_in_at,
    }
    verified = {"email_verified": confirmed_at is not None}
    identity = {
        "identity_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"email/{user_id}")),
        "id": user_id,
        "user_id": user_id,
        "identity_data": {"email": email, **verified, "phone_verified": False, "sub": user_id},
        "provider": "email",
        "email": email,
    }
    return {
        "id": user_id,
        "aud": AUDIENCE,
        "role": "authenticated",
        "email": email,
        "phone": "",
        "email_confirmed_at": confirmed_at,
        "confirmed_at": confirmed_at,
        "app_metadata": {**json.loads(app_metadata), "provider": "email", "providers": ["email"]},
        "user_metadata": {**verified, **json.loads(user_metadata)},
        "identities": [identity | dates],
        "is_anonymous": False,
    } | dates
