"""The sessions of a pool: which is whose, which token shows which, and the file that processes share.

Token i belongs to user i modulo the number of users, so that every process gives the same users to the same
virtual users. It does not know how a session is made, or when.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pytest_loadtest.auth.token import Token
from pytest_loadtest.auth.users import User

if TYPE_CHECKING:
    from pytest_loadtest.auth.cache import Key, TokenCache
    from pytest_loadtest.auth.sign_in import Session


class Sessions:
    """Sessions by the number of their token, from 0."""

    def __init__(self, users: Sequence[User], tokens: list[Token]) -> None:
        self.cache: TokenCache | None = None
        self._users = users
        self._positions = {user.email: position for position, user in enumerate(users)}
        self._tokens = tokens  # the pool's own
        self._sessions: dict[int, Session] = {}

    def __getitem__(self, index: int) -> Session:
        return self._sessions[index]

    def get(self, index: int) -> Session | None:
        """The session of a token, if there is one."""
        return self._sessions.get(index)

    def user(self, index: int) -> User:
        """Whose token this is."""
        return self._users[index % len(self._users)]

    def put(self, index: int, session: Session) -> None:
        """The token's session from now on."""
        self._sessions[index] = session
        if index < len(self._tokens):
            self._tokens[index].replace(session.access_token, session.expires_at_s)

    def show(self, count: int) -> None:
        """There is a Token for each of the first `count` sessions afterwards."""
        for index in range(len(self._tokens), count):
            session = self._sessions[index]
            self._tokens.append(Token(self.user(index).email, session.access_token, session.expires_at_s))

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Within the block no other process changes them: what others made is there, what is made is kept."""
        if self.cache is None:
            yield
            return
        async with self.cache.locked():
            kept = await self.cache.load()
            self._adopt(kept)
            before = dict(self._sessions)
            try:
                yield
            finally:
                if self._sessions != before:
                    await self.cache.save(kept | self._by_key())

    def _adopt(self, kept: dict[Key, Session]) -> None:
        """The newer of two sessions is the one whose refresh token still works."""
        for (email, number), session in kept.items():
            if email not in self._positions:
                continue
            index = number * len(self._users) + self._positions[email]
            ours = self._sessions.get(index)
            if ours is None or ours.made_at_s < session.made_at_s:
                self.put(index, session)

    def _by_key(self) -> dict[Key, Session]:
        return {
            (self.user(index).email, index // len(self._users)): session
            for index, session in self._sessions.items()
        }
