"""Signing the load tests' users in: one token per user, made when the first virtual user asks for it.

So a load of five virtual users signs in five users, and a load of 157 signs in all there are and shares
them. It goes through the ``supabase`` package, as the applications under test do. A sign-in that fails
raises in the set-up of the virtual user that needed it: there is no load without a token.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from supabase import AsyncClientOptions, AuthError, acreate_client

# As many as are kind to a hosted Supabase, which limits the rate of sign-ins.
SIGN_INS_AT_ONCE = 4


class SignInError(Exception):
    """A user could not be signed in; the message says who, where and why."""


@dataclass(frozen=True, slots=True)
class Token:
    user: str
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SupabaseProject:
    """Where to sign in, and with what."""

    url: str
    anon_key: str = field(repr=False)
    password: str = field(repr=False)


class TokenPool:
    """The tokens of one run. `session_id` marks its requests in the logs of the system under test."""

    def __init__(
        self, project: SupabaseProject, users: Sequence[str], connections: httpx.AsyncClient
    ) -> None:
        self.session_id = str(uuid.uuid4())
        self._project = project
        self._users = tuple(users)
        self._connections = connections
        self._tokens: dict[str, Token] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sign_ins = asyncio.Semaphore(SIGN_INS_AT_ONCE)

    def __repr__(self) -> str:
        return f"<TokenPool {self._project.url} {len(self._tokens)} of {len(self._users)} users signed in>"

    async def token(self, vu_id: int) -> Token:
        """The token of a virtual user: number n gets that of user (n - 1) modulo the number of users."""
        user = self._users[(vu_id - 1) % len(self._users)]
        async with self._locks[user]:
            if user not in self._tokens:
                self._tokens[user] = await self._sign_in(user)
            return self._tokens[user]

    async def _sign_in(self, user: str) -> Token:
        options = AsyncClientOptions(
            httpx_client=self._connections, auto_refresh_token=False, persist_session=False
        )
        async with self._sign_ins:
            client = await acreate_client(self._project.url, self._project.anon_key, options)
            try:
                answer = await client.auth.sign_in_with_password(
                    {"email": user, "password": self._project.password}
                )
            except AuthError as error:
                message = f"{user} cannot sign in at {self._project.url}: {error.message}"
                raise SignInError(message) from error
        if answer.session is None:
            raise SignInError(f"{user} got no session from {self._project.url}")
        return Token(user, answer.session.access_token)
