"""Sessions of users within a pace, tried again where that may help. Knows requests only by their failures."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential, wait_random

from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.failures import PASSING, Kind, SignInError
from pytest_loadtest.auth.measuring import Authentication
from pytest_loadtest.auth.pace import Pace
from pytest_loadtest.auth.service_key import ServiceKey
from pytest_loadtest.auth.sign_in import Session
from pytest_loadtest.auth.users import User
from pytest_loadtest.core.units import NS_PER_S, format_duration

Result = TypeVar("Result")

# 0.5, 1, 2 and 4 s and up to a second of jitter lie between five tries: a service that is restarted is back
# by then. One that says 429 is waited for longer, as long as it says.
TRIES = {Kind.UNAVAILABLE: 5, Kind.THROTTLED: 8}
_BACKOFF = wait_exponential(multiplier=0.5, max=15.0) + wait_random(0.0, 1.0)
# A service that wants more than this is not waited for.
PATIENCE_S = 600.0


class Service(Protocol):
    """What signs in: one request each. Raises SignInError."""

    async def sign_in(self, user: User) -> Session: ...
    async def refresh(self, refresh_token: str) -> Session: ...
    async def create_user(self, user: User, service_key: str) -> None: ...


@dataclass(slots=True)
class SigningIn:
    """Sign-ins at one service. `service_key` is there when users are to be created first."""

    service: Service
    pace: Pace
    clock: Clock
    measured: Authentication
    service_key: ServiceKey | None = None
    created: set[str] = field(default_factory=set)
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def session(self, user: User, old: Session | None) -> Session:
        """A session of this user: the old one goes on, or there is a new one. Raises SignInError."""
        retrying = AsyncRetrying(
            sleep=self.clock.sleep,
            stop=_is_enough,
            wait=_wait_s,
            retry=retry_if_exception(_is_passing),
            reraise=True,
        )
        return await retrying(self.session_once, user, old)

    async def session_once(self, user: User, old: Session | None) -> Session:
        """The same, tried once."""
        if old is None:
            return await self._sign_in(user)
        try:
            session = await self._token(lambda: self.service.refresh(old.refresh_token))
        except SignInError as failure:
            if failure.kind is not Kind.REFUSED:
                raise
            session = await self._sign_in(user)
        self.measured.renewals += 1
        return session

    async def _sign_in(self, user: User) -> Session:
        if self.service_key is not None:
            await self._ensure_created(user, self.service_key)
        return await self._token(lambda: self.service.sign_in(user))

    async def _ensure_created(self, user: User, key: ServiceKey) -> None:
        """Once for each user, also when several of its sessions are made side by side."""
        async with self._locks[user.email]:
            if user.email in self.created:
                return
            service_key = await key.get()
            try:
                await self._in_turn(lambda: self.service.create_user(user, service_key))
                self.measured.created += 1
            except SignInError as failure:
                if failure.kind is not Kind.EXISTS:
                    failure.is_of_creation = True
                    raise
            self.created.add(user.email)

    async def _token(self, request: Callable[[], Awaitable[Session]]) -> Session:
        async def counted() -> Session:
            self.measured.attempts += 1
            return await request()

        session = await self._in_turn(counted)
        self.measured.successes += 1
        return session

    async def _in_turn(self, request: Callable[[], Awaitable[Result]]) -> Result:
        await self.pace.turn()
        try:
            result = await request()
        except SignInError as failure:
            if failure.kind is Kind.THROTTLED:
                self._heed(failure.reason, failure.retry_after_s)
            raise
        self.pace.answered()
        return result

    def _heed(self, reason: str, retry_after_s: float | None) -> None:
        """What one is told holds for all. To be told to wait too long is a failure of another kind."""
        self.measured.throttled += 1
        if retry_after_s is not None and retry_after_s > PATIENCE_S:
            asked = format_duration(retry_after_s * NS_PER_S)
            raise SignInError(Kind.UNEXPECTED, f"{reason}: it asks to wait {asked}") from None
        self.pace.throttled(retry_after_s)


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, SignInError) and error.kind in PASSING


def _kind(state: RetryCallState) -> Kind:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, SignInError), "others are not tried again"
    return error.kind


def _is_enough(state: RetryCallState) -> bool:
    return state.attempt_number >= TRIES[_kind(state)]


def _wait_s(state: RetryCallState) -> float:
    """The pace makes all wait that were told to."""
    return 0.0 if _kind(state) is Kind.THROTTLED else _BACKOFF(state)
