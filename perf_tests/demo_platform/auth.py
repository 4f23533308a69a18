"""Which user a request comes from, by the signed token it carries. It does not know how tokens are made."""

from __future__ import annotations

import time
from collections.abc import Callable

import jwt
from starlette.exceptions import HTTPException
from starlette.requests import Request

from .database import Database
from .signing import TokenSigner


class Unauthorized(HTTPException):
    """No token, or one that is not (or no longer) valid."""

    def __init__(self, detail: str) -> None:
        super().__init__(401, detail, {"WWW-Authenticate": "Bearer"})


# Checking a signature takes PyJWT 0.11 ms, a quarter of a request. So a token is checked when it is first
# seen, and by its expiry from then on. More than any load test has tokens; beyond it, all are checked anew.
REMEMBERED_TOKENS = 4096


class Authenticator:
    """Finds the user that a request comes from."""

    def __init__(
        self, database: Database, signer: TokenSigner, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._verified: dict[str, tuple[str, int]] = {}

    def user_id(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise Unauthorized("Authorization header is missing")
        if scheme.lower() != "bearer":
            raise Unauthorized("Authorization header is not a bearer token")
        return self.user_id_of(token)

    def user_id_of(self, token: str) -> str:
        """Whose token this is. Raises Unauthorized."""
        return self._known_user(self._verify(token))

    def _verify(self, token: str) -> str:
        user_id, expires_at = self._verified.get(token) or self._check_signature(token)
        if expires_at <= self._clock():
            raise Unauthorized("Token has expired")
        return user_id

    def _check_signature(self, token: str) -> tuple[str, int]:
        try:
            verified = self._signer.verify(token)
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("Token has expired") from error
        except jwt.InvalidTokenError as error:
            raise Unauthorized("Invalid token") from error
        if len(self._verified) >= REMEMBERED_TOKENS:
            self._verified.clear()
        self._verified[token] = verified
        return verified

    def _known_user(self, user_id: str) -> str:
        if self._database.value("SELECT 1 FROM users WHERE id = ?", (user_id,)) is None:
            raise Unauthorized("The user of this token does not exist")
        return user_id
