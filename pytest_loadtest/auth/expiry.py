"""When a token expires and whose it is, as the token itself says.

Nothing is verified: who signed a token is the business of whoever accepts it. It knows no clock.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

# Of the claims that name a user, the one that people recognise first.
USER_CLAIMS = ("email", "preferred_username", "sub")


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token; none when it is a token of another kind."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:  # neither base64 nor UTF-8 nor JSON
        return {}
    return claims if isinstance(claims, dict) else {}


def expiry_of(token: str) -> float | None:
    """Unix time, or None when the token does not say."""
    return as_time(claims_of(token).get("exp"))


def user_of(token: str) -> str | None:
    """The user that the token names."""
    claims = claims_of(token)
    return next((str(claims[name]) for name in USER_CLAIMS if claims.get(name)), None)


def as_time(value: object) -> float | None:
    """A Unix time as a float, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        time_s = float(value)
    except OverflowError:  # an integer may be of any length
        return None
    return time_s if math.isfinite(time_s) else None
