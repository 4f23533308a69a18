"""Signing in without a server: a service that does as it is told, and a pool that uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pytest_loadtest.auth import SupabaseTokens
from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.failures import Kind, SignInError
from pytest_loadtest.auth.sign_in import Session
from pytest_loadtest.auth.signing_in import Service
from pytest_loadtest.auth.users import User

USERS = [f"user{number}@example.com" for number in range(1, 4)]
COMMAND = "python -m pytest_loadtest tokens --env DEV"

# Called with what is asked ("sign in", "refresh", "create") and for whom; raises SignInError to refuse.
Rule = Callable[[str, str], None]


class FakeService:
    """Sessions of `lifetime_s`. `asked` says what was asked when, for whom."""

    def __init__(
        self, clock: Clock, lifetime_s: float = 3600.0, rule: Rule = lambda what, user: None
    ) -> None:
        self.clock = clock
        self.lifetime_s = lifetime_s
        self.rule = rule
        self.asked: list[tuple[float, str, str]] = []
        self._refreshable: dict[str, str] = {}

    async def sign_in(self, user: User) -> Session:
        self._ask("sign in", user.email)
        return self._session(user.email)

    async def refresh(self, refresh_token: str) -> Session:
        user = self._refreshable.get(refresh_token, "")
        self._ask("refresh", user)
        if not user:
            raise SignInError(Kind.REFUSED, "Invalid Refresh Token")
        del self._refreshable[refresh_token]
        return self._session(user)

    async def create_user(self, user: User, service_key: str) -> None:
        self._ask("create", user.email)

    def _ask(self, what: str, user: str) -> None:
        self.asked.append((self.clock.now_s(), what, user))
        self.rule(what, user)

    def _session(self, user: str) -> Session:
        number = len(self.asked)
        self._refreshable[f"refresh-{number}"] = user
        now_s = self.clock.now_s()
        return Session(f"access-{number}", f"refresh-{number}", now_s, now_s + self.lifetime_s)

    def times_of(self, what: str) -> list[float]:
        return [time_s for time_s, asked, _ in self.asked if asked == what]


class FakePool(SupabaseTokens):
    """A pool of three users at that service."""

    def __init__(self, fake: FakeService, cache: Path | None = None, **options: Any) -> None:
        options = {"users": USERS, "password": "a password"} | options
        super().__init__(
            "http://supabase.invalid",
            "an-anon-key",
            cache=cache if cache is not None else False,
            clock=fake.clock,
            command=COMMAND,
            **options,
        )
        self._fake = fake

    @asynccontextmanager
    async def _service(self) -> AsyncIterator[Service]:
        yield self._fake
