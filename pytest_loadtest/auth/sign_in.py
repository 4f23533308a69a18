"""Sign-ins at Supabase, one request each, through the ``supabase`` package. Owns what that package raises.

Nothing is repeated here, nothing waits its turn, and nothing is kept: sessions come back as values, and no
client goes on refreshing them in the background.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.failures import Kind, SignInError, kind_of, retry_after
from pytest_loadtest.auth.token import can_be_sent
from pytest_loadtest.auth.users import User
from pytest_loadtest.core.redaction import declare_secret

if TYPE_CHECKING:
    import httpx
    from supabase import AsyncClient

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Session:
    """What a sign-in gives. Times are Unix times by our clock."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    made_at_s: float
    expires_at_s: float


class SignInService:
    """Supabase's authentication at `url`, while its connections are open (``async with``)."""

    def __init__(
        self,
        url: str,
        anon_key: str,
        *,
        timeout_s: float,
        connections: int,
        tls: ssl.SSLContext,
        clock: Clock,
    ) -> None:
        self._url = url
        self._anon_key = anon_key
        self._timeout_s = timeout_s
        self._connections = connections
        self._tls = tls
        self._clock = clock

    async def __aenter__(self) -> Self:
        import httpx

        limits = httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections)
        self._http = httpx.AsyncClient(timeout=self._timeout_s, limits=limits, verify=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.sleep(
            0
        )  # the package tells its (unused) WebSocket of each session in a task; that ends now
        await self._http.aclose()

    async def sign_in(self, user: User) -> Session:
        """A new session of a user. Raises SignInError."""
        client = await self._client(self._anon_key)
        credentials: Any = {"email": user.email, "password": user.password}
        return self._session(await self._answer(client.auth.sign_in_with_password(credentials)))

    async def refresh(self, refresh_token: str) -> Session:
        """The session goes on with new tokens; the old refresh token is used up. Raises SignInError."""
        client = await self._client(self._anon_key)
        return self._session(await self._answer(client.auth.refresh_session(refresh_token)))

    async def create_user(self, user: User, service_key: str) -> None:
        """A user who can sign in at once. Raises SignInError."""
        client = await self._client(service_key)
        attributes: Any = {"email": user.email, "password": user.password, "email_confirm": True}
        await self._answer(client.auth.admin.create_user(attributes))

    async def _client(self, key: str) -> AsyncClient:
        """A client of its own for each request: after a sign-in it would sign later requests as that user."""
        from supabase import AsyncClientOptions, acreate_client

        options = AsyncClientOptions(httpx_client=self._http, auto_refresh_token=False, persist_session=False)
        return await acreate_client(self._url, key, options)

    async def _answer(self, request: Awaitable[Result]) -> Result:
        try:
            return await request
        except Exception as error:
            failure = self._failure_of(error)
        # Outside of the block: the package's errors have requests, answers and so tokens in them.
        raise failure

    def _failure_of(self, error: Exception) -> SignInError:
        """What an error of the package means. Its cause, httpx's error, has the status and the header."""
        import httpx
        from supabase import AuthError

        cause = error.__cause__
        if isinstance(cause, httpx.HTTPStatusError):
            return self._failure_of_status(cause.response, error)
        if isinstance(cause, httpx.TimeoutException):
            return SignInError(Kind.UNAVAILABLE, f"no answer within {self._timeout_s:g} s")
        if isinstance(cause, httpx.TransportError):
            return _failure_of_connection(cause)
        if isinstance(error, AuthError):
            return SignInError(Kind.UNEXPECTED, f"{type(error).__name__}: {error.message}")
        # An answer that says 200 and is none: what pydantic says of it quotes it.
        return SignInError(Kind.UNEXPECTED, f"the answer is not one of Supabase's ({type(error).__name__})")

    def _failure_of_status(self, response: httpx.Response, error: Exception) -> SignInError:
        status = response.status_code
        code = getattr(error, "code", None)
        message = _message_in(response)
        reason = f"status {status}{f', {message}' if message else ''}"
        if response.is_redirect:
            return SignInError(Kind.UNEXPECTED, f"{reason}: redirected to {response.headers.get('location')}")
        wait_s = retry_after(
            response.headers.get("retry-after"), response.headers.get("date"), self._clock.now_s()
        )
        return SignInError(kind_of(status, code, message), reason, wait_s)

    def _session(self, answer: Any) -> Session:
        session = answer.session
        if session is None or not (can_be_sent(session.access_token) and session.refresh_token):
            raise SignInError(Kind.UNEXPECTED, "the answer has no session with tokens")
        for secret in (session.access_token, session.refresh_token):
            declare_secret(secret)
        # By how long it lasts: when it ends by the service's clock may be another time by ours.
        now_s = self._clock.now_s()
        return Session(session.access_token, session.refresh_token, now_s, now_s + max(0, session.expires_in))


def _failure_of_connection(error: httpx.TransportError) -> SignInError:
    import httpx

    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    is_lasting = isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError))
    if is_lasting or "CERTIFICATE_VERIFY_FAILED" in reason:
        return SignInError(Kind.UNEXPECTED, reason)
    return SignInError(Kind.UNAVAILABLE, reason)


def _message_in(response: httpx.Response) -> str:
    """What a JSON answer says in the words of GoTrue, of its older versions, or of the gateway before it."""
    try:
        body = response.json()
    except ValueError:
        return ""
    names = ("msg", "message", "error_description", "error")
    said = (body[name] for name in names if isinstance(body.get(name), str)) if isinstance(body, dict) else ()
    return next(iter(said), "")
