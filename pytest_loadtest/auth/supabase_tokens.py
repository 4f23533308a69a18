"""Tokens of users who sign in at Supabase: made before a load, kept in a file, renewed beside the load.

Owns which session is whose, and when which is made. How a request is sent, tried again and paced is said
elsewhere. All processes that have the same file share its sessions; without one each signs in for itself.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pytest_loadtest.auth.clock import Clock, wait_for_ever
from pytest_loadtest.auth.extras import check_extra
from pytest_loadtest.auth.failures import SignInError
from pytest_loadtest.auth.pool import OnProgress, TokenPool
from pytest_loadtest.auth.schedule import is_good_enough, renewal_time
from pytest_loadtest.auth.service_key import ServiceKey
from pytest_loadtest.auth.sessions import Sessions
from pytest_loadtest.auth.side_by_side import side_by_side
from pytest_loadtest.auth.token import can_be_sent
from pytest_loadtest.auth.users import UserSource, check_sign_in, exposed_passwords, users_of
from pytest_loadtest.core.redaction import declare_secret, redact
from pytest_loadtest.core.units import NS_PER_S, UnitError, parse_count, parse_duration, parse_rate
from pytest_loadtest.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_loadtest.auth.advice import Advice
    from pytest_loadtest.auth.sign_in import Session
    from pytest_loadtest.auth.signing_in import Service, SigningIn

Number = TypeVar("Number", int, float)

DEFAULT_TIMEOUT = "30s"
# As many sign-ins side by side as keep a Supabase on one machine busy: each checks a password for 50-100 ms.
DEFAULT_AT_ONCE = 8
_PACKAGES = ("aiolimiter", "filelock", "supabase", "tenacity")


class SupabaseTokens(TokenPool):
    """A token for each virtual user (or `count` of them), of `users` in turn."""

    def __init__(
        self,
        url: str,
        anon_key: str,
        users: UserSource,
        password: str | None = None,
        *,
        count: int | None = None,
        unique: bool = False,
        rate: str | None = None,
        at_once: int = DEFAULT_AT_ONCE,
        create: bool = False,
        service_key: str | None = None,
        service_key_command: str | None = None,
        timeout: object = DEFAULT_TIMEOUT,
        cache: bool | str | Path = True,
        command: str = "",
        clock: Clock | None = None,
    ) -> None:
        check_extra(_PACKAGES, "supabase", "SupabaseTokens")
        self._address = _checked_url(url)
        super().__init__(count=count, unique=unique, url=self._address, command=command)
        self._anon_key = _checked_key(anon_key)
        people = users_of(users, password)
        check_sign_in(people)
        self._sessions = Sessions(people, self._tokens)
        if exposure := exposed_passwords(users):
            self._lasting_notes.append(exposure)
        self._at_once = _unit(parse_count, at_once, "at_once")
        self._timeout_s = _unit(parse_duration, timeout, "timeout") / NS_PER_S
        if not self._timeout_s:
            raise ConfigurationError("timeout of sign-ins: 0 is no time to sign in")
        self._service_key = ServiceKey(service_key, service_key_command)
        self._create = create
        self._created: set[str] = set()
        self._clock = clock or Clock()
        from pytest_loadtest.auth.pace import Pace

        self._pace = Pace(None if rate is None else _unit(parse_rate, rate, "rate"), self._clock)
        self._active = 0  # so many of the tokens are kept valid: those of the last load
        self._keeps = cache is not False
        self._tls: ssl.SSLContext | None = None
        if not isinstance(cache, bool):
            self.cache_in(Path(cache))

    def cache_in(self, directory: Path) -> None:
        """Keep sessions in this folder, for other processes too; not with cache=False, nor in a second."""
        from pytest_loadtest.auth.cache import TokenCache

        if self._keeps and self._sessions.cache is None:
            self._sessions.cache = TokenCache(directory, self._address, self._anon_key, self._clock)

    async def _make(self, needed: int, valid_for_s: float, on_progress: OnProgress) -> None:
        async with self._sessions.shared():
            missing = [index for index in range(needed) if not self._is_good_enough(index, valid_for_s)]
            self._measured.reused += needed - len(missing)
            on_progress(needed - len(missing), needed)
            await self._sign_in(missing, needed, on_progress)
        self._sessions.show(needed)
        self._active = needed
        if self._is_renewed_within(valid_for_s):
            self._load_packages()
        if self._sessions.cache is not None:
            self.notes += self._sessions.cache.notes
            self._sessions.cache.notes.clear()

    def _is_good_enough(self, index: int, valid_for_s: float) -> bool:
        session = self._sessions.get(index)
        if session is None:
            return False
        return is_good_enough(self._clock.now_s(), session.made_at_s, session.expires_at_s, valid_for_s)

    def _is_renewed_within(self, duration_s: float) -> bool:
        """Whether the first renewal is due in a load of this length."""
        ends_s = self._clock.now_s() + duration_s
        sessions = (self._sessions[index] for index in range(self._active))
        first_s = (renewal_time(0, 1, each.made_at_s, each.expires_at_s) for each in sessions)
        return min(first_s, default=ends_s) < ends_s

    def _load_packages(self) -> None:
        """Now: with all tokens from the cache nobody has, and it takes 0.3 s, in which a load would stand."""
        import supabase  # noqa: F401 - for those who use it beside the load

        self._tls_context()

    def _tls_context(self) -> ssl.SSLContext:
        """Made once: it takes 20 ms."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def _sign_in(self, missing: Sequence[int], needed: int, on_progress: OnProgress) -> None:
        if not missing:
            return
        if self._create:
            await self._service_key.get()  # before anything is sent
        left = len(missing)
        async with self._signing_in() as signing_in:

            async def make(index: int) -> None:
                nonlocal left
                self._sessions.put(index, await self._session(signing_in, index))
                left -= 1
                on_progress(needed - left, needed)

            await side_by_side(missing, make, self._at_once)

    async def _session(self, signing_in: SigningIn, index: int) -> Session:
        user = self._sessions.user(index)
        try:
            return await signing_in.session(user, self._sessions.get(index))
        except SignInError as failure:
            error = self._advice().refusal(user.email, failure)
        raise error

    async def keep_valid(self) -> None:
        """Renew each session in its time, spread over a third of its life, until cancelled."""
        if not self._active:
            await wait_for_ever(self._clock)
        from pytest_loadtest.auth.renewal import Renewals

        async with self._signing_in() as signing_in:
            renewals = Renewals(self._sessions, signing_in, self._clock, self._advice(), self._at_once)
            await renewals.run(self._active)

    @asynccontextmanager
    async def _signing_in(self) -> AsyncIterator[SigningIn]:
        from pytest_loadtest.auth.signing_in import SigningIn

        async with self._service() as service:
            key = self._service_key if self._create else None
            yield SigningIn(service, self._pace, self._clock, self._measured, key, self._created)

    def _service(self) -> AbstractAsyncContextManager[Service]:
        from pytest_loadtest.auth.sign_in import SignInService

        return SignInService(
            self._address,
            self._anon_key,
            timeout_s=self._timeout_s,
            connections=self._at_once,
            tls=self._tls_context(),
            clock=self._clock,
        )

    def _advice(self) -> Advice:
        from pytest_loadtest.auth.advice import Advice

        origin = self._service_key.origin if self._create else None
        return Advice(self._address, self._command, origin)


def _checked_url(url: object) -> str:
    """The address of a Supabase project, without a slash at its end. Raises ConfigurationError."""
    if not isinstance(url, str):
        raise ConfigurationError(f"url of Supabase: {url!r} is not a text")
    try:
        parts = urlsplit(url.strip())
        is_complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_complete = is_complete and parts.username is None  # it would be shown with every error
    except ValueError:  # the port is not a number
        is_complete = False
    if not is_complete:
        raise ConfigurationError(
            f'url of Supabase: {redact(url)!r} is not an address such as "http://localhost:8000"'
        )
    return url.strip().rstrip("/")


def _checked_key(key: object) -> str:
    if isinstance(key, str):
        declare_secret(key.strip())
        if can_be_sent(key.strip()):
            return key.strip()
    raise ConfigurationError(
        "anon_key of Supabase is empty or not a key: it has spaces, or characters no header carries"
    )


def _unit(parse: Callable[[object], Number], value: object, name: str) -> Number:
    try:
        return parse(value)
    except UnitError as error:
        raise ConfigurationError(f"{name} of sign-ins: {error}") from None
