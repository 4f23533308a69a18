"""Signed tokens (JWT, HS256): made for users and for the two API keys, and checked.

The claims are those of Supabase. It knows neither users nor requests, and the load tests' process
imports it: nothing heavy belongs here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from .settings import DEFAULT_TOKEN_LIFETIME_S

ALGORITHM = "HS256"
AUDIENCE = "authenticated"  # of every signed-in user; the API keys have none, so they are no user's token
API_KEYS_MADE_AT_S = 1_735_689_600  # 2025-01-01, as old as the seed
API_KEY_LIFETIME_S = 30 * 365 * 86_400
SERVICE_ROLE = "service_role"
API_KEY_ROLES = ("anon", SERVICE_ROLE)


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Makes and checks tokens with one secret."""

    secret: str = field(repr=False)
    token_lifetime_s: int = DEFAULT_TOKEN_LIFETIME_S

    def api_key(self, role: str) -> str:
        """The same at every start with the same secret, as a project's keys are."""
        made, expires = API_KEYS_MADE_AT_S, API_KEYS_MADE_AT_S + API_KEY_LIFETIME_S
        return self._sign({"iss": "supabase", "role": role, "iat": made, "exp": expires})

    def access_token(self, user_id: str, email: str, session_id: str, issuer: str) -> str:
        now = int(time.time())
        claims = {
            "iss": issuer,
            "sub": user_id,
            "aud": AUDIENCE,
            "exp": now + self.token_lifetime_s,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "email": email,
            "phone": "",
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {"email_verified": True},
            "role": "authenticated",
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": now}],
            "session_id": session_id,
            "is_anonymous": False,
        }
        return self._sign(claims)

    def is_api_key(self, key: str) -> bool:
        try:
            return self.claims(key).get("role") in API_KEY_ROLES
        except jwt.InvalidTokenError:
            return False

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a token or a key says, for whomever it was made; raises what PyJWT raises."""
        claims: Mapping[str, Any] = jwt.decode(
            token, self.secret, [ALGORITHM], {"require": ["exp"], "verify_aud": False}
        )
        return claims

    def verify(self, token: str) -> tuple[str, int]:
        """The user of an access token and when it expires; raises what PyJWT raises."""
        claims = jwt.decode(token, self.secret, [ALGORITHM], {"require": ["exp", "sub"]}, audience=AUDIENCE)
        return claims["sub"], int(claims["exp"])

    def _sign(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self.secret, ALGORITHM)
