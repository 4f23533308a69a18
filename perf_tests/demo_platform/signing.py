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

ALGORITHM = "HS256"
AUDIENCE = "authenticated"  # of every signed-in user; the API keys have none, so they are no user's token
TOKEN_LIFETIME_S = 3600  # Supabase's default
API_KEY_LIFETIME_S = 10 * 365 * 86_400
API_KEY_ROLES = ("anon", "service_role")


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Makes and checks tokens with one secret."""

    secret: str = field(repr=False)

    def api_key(self, role: str) -> str:
        now = int(time.time())
        return self._sign({"iss": "supabase", "role": role, "iat": now, "exp": now + API_KEY_LIFETIME_S})

    def access_token(self, user_id: str, email: str, session_id: str, issuer: str) -> str:
        now = int(time.time())
        claims = {
            "iss": issuer,
            "sub": user_id,
            "aud": AUDIENCE,
            "exp": now + TOKEN_LIFETIME_S,
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
            claims = jwt.decode(key, self.secret, [ALGORITHM])
        except jwt.InvalidTokenError:
            return False
        return claims.get("role") in API_KEY_ROLES

    def verify(self, token: str) -> tuple[str, int]:
        """The user of an access token and when it expires; raises what PyJWT raises."""
        claims = jwt.decode(token, self.secret, [ALGORITHM], {"require": ["exp", "sub"]}, audience=AUDIENCE)
        return claims["sub"], int(claims["exp"])

    def _sign(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self.secret, ALGORITHM)
