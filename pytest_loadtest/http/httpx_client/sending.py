"""What a transport of httpx is not told: are redirects followed, who authenticates, who reads the body?

Our clients leave word of it for as long as httpx sends a request. Owns too what is read from the extensions
of a request: its name, its expected statuses, its time-outs. Values only.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import httpx

from pytest_loadtest.http.arguments import UNAUTHORIZED, Terms, Timeouts, check_expect, terms_of
from pytest_loadtest.http.encoding import asks_to_close
from pytest_loadtest.http.settings import ClientSettings

_MAX_TERMS: Final = 64  # a load test has one or two sets of time-outs


class Sending(NamedTuple):
    """How a client sends `request` and all that follows from it."""

    request: httpx.Request
    whole: bool  # the client reads the body at once
    follows: bool  # redirects
    by_digest: bool
    answered: httpx.Response | None = None  # the answer that has come to `request` already


sending: ContextVar[Sending | None] = ContextVar("sending", default=None)


class TermsTable:
    """The terms of requests, made once for each combination of what they depend on."""

    def __init__(self, settings: ClientSettings) -> None:
        self._default = Timeouts(settings.timeout_ns, settings.connect_timeout_ns)
        self._known: dict[tuple[Any, ...], Terms] = {}

    def of(self, request: httpx.Request, *, follows: bool, by_digest: bool = False) -> Terms:
        """A digest challenge is on the way to the answer only of a request that does not authenticate yet."""
        extensions = request.extensions
        challenged = by_digest and "authorization" not in request.headers
        timeout = extensions.get("timeout")
        limits = None if timeout is None else (timeout.get("read"), timeout.get("connect"))
        key = (limits, follows, challenged)
        terms = self._known.get(key)
        if terms is None:
            terms = self._make(limits, follows=follows, challenged=challenged)
            if len(self._known) >= _MAX_TERMS:
                self._known.clear()
            self._known[key] = terms
        if asks_to_close(request.headers.raw):
            terms = terms._replace(closes=True)
        if "expect" in extensions:
            check_expect(extensions["expect"])
            terms = terms._replace(expect=extensions["expect"])
        return terms

    def while_sending(self, request: httpx.Request, now: Sending | None) -> Terms:
        """For a transport. What an unknown client does with the answer is not known: it may not follow it."""
        if now is None:
            return self.of(request, follows=False)
        return self.of(request, follows=now.follows, by_digest=now.by_digest)

    def _make(
        self, limits: tuple[float | None, float | None] | None, *, follows: bool, challenged: bool
    ) -> Terms:
        timeouts = self._default if limits is None else Timeouts(*map(_nanoseconds, limits))
        terms = terms_of(timeouts, None, follows=follows)
        return terms._replace(on_the_way=terms.on_the_way | {UNAUTHORIZED}) if challenged else terms


def name_of(request: httpx.Request, default: str, now: Sending | None = None) -> str:
    """Its name in the results: the one in its extensions; a redirect, which inherits them, has its own."""
    if now is not None and not _is_that_of(now.request, request):
        return default
    name: str | None = request.extensions.get("name")
    return default if name is None else name


def _is_that_of(first: httpx.Request, request: httpx.Request) -> bool:
    return first is request or (first.method == request.method and first.url == request.url)


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)
