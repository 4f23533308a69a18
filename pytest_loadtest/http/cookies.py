"""The cookies of one virtual user: the jar of httpx, and the Cookie line it gives, kept until it changes.

Asking the jar takes 130 us; a session's cookies stay the same for thousands of requests. A virtual
user that never meets a cookie has no jar. Must not know connections or clients.
"""

from __future__ import annotations

import time
from http.cookiejar import Cookie, CookieJar
from typing import Final

import httpx

from pytest_loadtest.http.encoding import encode_fields
from pytest_loadtest.http.wire.origin import Origin

MAX_LINES: Final = 64  # per virtual user
FOREVER: Final = float("inf")


class ObservedJar(CookieJar):
    """The standard library's jar, counting its changes. Every change goes through these two methods."""

    version = 0

    def set_cookie(self, cookie: Cookie) -> None:
        self.version += 1
        super().set_cookie(cookie)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        self.version += 1
        super().clear(domain, path, name)


class CookieLines:
    """Gives the Cookie line of requests from a jar that may change at any time."""

    __slots__ = ("_by_path", "_jar", "_lines", "_valid_until", "_version", "cookies")

    def __init__(self, cookies: httpx.Cookies | None = None) -> None:
        self._jar = ObservedJar()
        self.cookies = httpx.Cookies(self._jar)
        if cookies is not None:
            self.cookies.update(cookies)
        self._lines: dict[tuple[Origin, str], bytes] = {}
        self._version = -1
        self._valid_until = 0.0
        self._by_path = False

    def __repr__(self) -> str:
        return f"<CookieLines cookies={len(self._jar)}>"

    def get(self, origin: Origin, path: str) -> bytes:
        """``Cookie: a=1; b=2`` with its line end, or nothing."""
        if self._version != self._jar.version or time.time() >= self._valid_until:
            self._renew()
        key = (origin, path if self._by_path else "")
        line = self._lines.get(key)
        if line is None:
            line = self._make(origin, path)
            if len(self._lines) >= MAX_LINES:
                self._lines.clear()
            self._lines[key] = line
        return line

    def _renew(self) -> None:
        self._lines.clear()
        self._jar.clear_expired_cookies()
        kept = list(self._jar)
        self._by_path = any(cookie.path != "/" for cookie in kept)
        self._valid_until = min(
            (cookie.expires for cookie in kept if cookie.expires is not None), default=FOREVER
        )
        self._version = self._jar.version

    def _make(self, origin: Origin, path: str) -> bytes:
        request = httpx.Request("GET", f"{origin}{path}")
        self.cookies.set_cookie_header(request)
        fields = [field for field in request.headers.raw if field[0].lower() == b"cookie"]
        version = self._jar.version  # asking the jar drops what has expired by now
        self._version = version
        return encode_fields(fields)
