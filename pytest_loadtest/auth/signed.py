"""Tokens signed here, with the secret that the service under test checks them with: no sign-in is needed.

The claims are those of Supabase unless they are given. Nothing is sent anywhere.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping
from typing import Any

from pytest_loadtest.auth.clock import Clock, wait_for_ever
from pytest_loadtest.auth.extras import extra
from pytest_loadtest.auth.pool import OnProgress, TokenPool
from pytest_loadtest.auth.schedule import renewal_time
from pytest_loadtest.auth.token import Token
from pytest_loadtest.auth.users import UserSource, users_of
from pytest_loadtest.core.redaction import declare_secret, redact
from pytest_loadtest.core.units import NS_PER_S, UnitError, parse_duration
from pytest_loadtest.errors import ConfigurationError

DEFAULT_LIFETIME = "1h"
DEFAULT_ALGORITHM = "HS256"
# A token is to outlive the requests that are under way when it is replaced.
SHORTEST_LIFETIME_S = 2.0
_PLACEHOLDER = "{user}"


class SignedTokens(TokenPool):
    """A token for each of the users, round by round when there are more tokens; minted anew in time."""

    def __init__(
        self,
        *,
        jwt_secret: str,
        users: UserSource,
        lifetime: object = DEFAULT_LIFETIME,
        algorithm: str = DEFAULT_ALGORITHM,
        claims: Mapping[str, Any] | None = None,
        count: int | None = None,
        unique: bool = False,
        command: str = "",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(count=count, unique=unique, command=command)
        if not isinstance(jwt_secret, str) or not jwt_secret:
            raise ConfigurationError(
                "jwt_secret is empty: it is the secret that the service checks tokens with"
            )
        declare_secret(jwt_secret)
        self._secret = jwt_secret
        self._algorithm = algorithm
        self._claims = _checked_claims(claims)
        self._lifetime_s = _lifetime_s(lifetime)
        self._users = [user.email for user in users_of(users)]
        self._clock = clock or Clock()
        self._mint(0)  # so that a secret or claims of a wrong kind are found now

    async def _make(self, needed: int, valid_for_s: float, on_progress: OnProgress) -> None:  # noqa: ARG002 - renewed in time
        """All are minted anew: that takes less time than a look at what is left of the old ones."""
        for index in range(needed):
            self._renew(index)
        on_progress(needed, needed)

    async def keep_valid(self) -> None:
        """Mint each anew when its time has come; the times are spread."""
        due_s = {index: self._due_s(index) for index in range(len(self._tokens))}
        if not due_s:
            await wait_for_ever(self._clock)
        while True:
            index = min(due_s, key=due_s.__getitem__)
            await self._clock.sleep(max(0.0, due_s[index] - self._clock.now_s()))
            self._renew(index)
            self._measured.renewals += 1
            due_s[index] = self._due_s(index)

    def _due_s(self, index: int) -> float:
        expires_at_s = self._tokens[index].expires_at_s
        assert expires_at_s is not None, "every minted token expires"
        made_at_s = expires_at_s - self._lifetime_s
        return renewal_time(index, len(self._tokens), made_at_s, expires_at_s)

    def _renew(self, index: int) -> None:
        text, expires_at_s = self._mint(index)
        if index < len(self._tokens):
            self._tokens[index].replace(text, expires_at_s)
        else:
            self._tokens.append(Token(self._user(index), text, expires_at_s))
        self._measured.attempts += 1
        self._measured.successes += 1

    def _user(self, index: int) -> str:
        return self._users[index % len(self._users)]

    def _mint(self, index: int) -> tuple[str, float]:
        jwt = extra("jwt", "tokens", "SignedTokens")
        now_s = self._clock.now_s()
        expires_at_s = now_s + self._lifetime_s
        claims = supabase_claims(self._user(index), index) | {"iat": int(now_s), "exp": int(expires_at_s)}
        claims |= filled_in(self._claims, self._user(index))
        try:
            with warnings.catch_warnings(action="ignore"):  # a secret that is short is the service's affair
                return jwt.encode(claims, self._secret, self._algorithm), float(int(expires_at_s))
        except (jwt.PyJWTError, NotImplementedError, TypeError, ValueError) as error:
            reason = redact(str(error))
        raise ConfigurationError(
            f"no token can be signed with this jwt_secret, algorithm {self._algorithm!r} "
            f"and these claims: {reason}"
        )


def _checked_claims(claims: Mapping[str, Any] | None) -> dict[str, Any]:
    if claims is not None and not isinstance(claims, Mapping):
        raise ConfigurationError(f"claims of tokens: {claims!r} is not a table of names and values")
    if timed := sorted({"exp", "iat"} & set(claims or {})):
        raise ConfigurationError(
            f"claims of tokens: {' and '.join(timed)} come from `lifetime` and the clock"
        )
    return dict(claims or {})


def _lifetime_s(lifetime: object) -> float:
    try:
        lifetime_s = parse_duration(lifetime) / NS_PER_S
    except UnitError as error:
        raise ConfigurationError(f"lifetime of tokens: {error}") from None
    if lifetime_s < SHORTEST_LIFETIME_S:
        raise ConfigurationError(
            f"lifetime of tokens: {lifetime!r} is shorter than {SHORTEST_LIFETIME_S:g} s"
        )
    return lifetime_s


def supabase_claims(user: str, index: int) -> dict[str, Any]:
    """What Supabase says of a user who has signed in. Identities are the same in every process and run."""
    return {
        "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{user}")),
        "email": user,
        "aud": "authenticated",
        "role": "authenticated",
        "session_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{user}?session={index}")),
    }


def filled_in(value: Any, user: str) -> Any:
    """The claims with ``{user}`` replaced by the user, in all texts of whatever depth."""
    if isinstance(value, str):
        return value.replace(_PLACEHOLDER, user)
    if isinstance(value, Mapping):
        return {key: filled_in(each, user) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled_in(each, user) for each in value]
    return value
