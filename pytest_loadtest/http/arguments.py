"""The arguments of a request: their types (those of httpx, which keeps its own private) and their meaning.

Pure: no sockets, no clocks.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Container, Generator, Iterable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

import httpx

from pytest_loadtest.http.redirects import REDIRECT_STATUSES
from pytest_loadtest.http.wire.head import Head

Primitive = str | int | float | bool | None
URLTypes = httpx.URL | str
QueryParamTypes = (
    httpx.QueryParams
    | Mapping[str, Primitive | Sequence[Primitive]]
    | list[tuple[str, Primitive]]
    | tuple[tuple[str, Primitive], ...]
    | str
    | bytes
)
HeaderTypes = (
    httpx.Headers
    | Mapping[str, str]
    | Mapping[bytes, bytes]
    | Sequence[tuple[str, str]]
    | Sequence[tuple[bytes, bytes]]
)
CookieTypes = httpx.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]
ContentTypes = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
FileContent = IO[bytes] | bytes | str
FileTypes = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
FilesTypes = Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]
AuthTypes = tuple[str | bytes, str | bytes] | Callable[[httpx.Request], httpx.Request] | httpx.Auth
TimeoutTypes = float | tuple[float | None, float | None, float | None, float | None] | httpx.Timeout | None
Expect = int | Container[int]

UNAUTHORIZED: Final = 401


# An argument that was not given, where None means something else; the one of httpx, as SDKs pass it on.
UNSET: Final = httpx.USE_CLIENT_DEFAULT
if TYPE_CHECKING:
    from httpx._client import UseClientDefault  # the type has no public name

    Unset = UseClientDefault
else:
    Unset = type(UNSET)


class RequestOptions(TypedDict, total=False):
    """What every method takes by keyword. The last two are ours, the others those of httpx."""

    params: QueryParamTypes | None
    headers: HeaderTypes | None
    cookies: CookieTypes | None
    auth: AuthTypes | None
    follow_redirects: bool
    timeout: TimeoutTypes
    extensions: Mapping[str, Any] | None
    name: str | None
    expect: Expect | None


class BodyOptions(RequestOptions, total=False):
    """For the methods that send a body."""

    content: ContentTypes | None
    data: Mapping[str, Any] | None
    files: FilesTypes | None
    json: Any


class Timeouts(NamedTuple):
    """`total_ns` bounds a whole request, `connect_ns` making its connection; None is for ever."""

    total_ns: int | None
    connect_ns: int | None


def timeouts_of(timeout: TimeoutTypes) -> Timeouts:
    """A number bounds the whole request; of httpx.Timeout, `read` does and `connect` bounds connecting."""
    parts = httpx.Timeout(timeout)
    return Timeouts(_nanoseconds(parts.read), _nanoseconds(parts.connect))


def timeout_of(timeouts: Timeouts) -> httpx.Timeout:
    """As httpx says it; `timeouts_of` backwards."""
    total_s, connect_s = (None if limit is None else limit / 1e9 for limit in timeouts)
    return httpx.Timeout(total_s, connect=connect_s)


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


class Terms(NamedTuple):
    """What holds for a request and for everything that follows from it.

    Statuses `on_the_way` are no answers yet: redirects that are followed, the challenge of an authentication.
    `closes`: the request says that its connection is not to be used again (RFC 9112, section 9.6).
    """

    timeouts: Timeouts
    expect: Expect | None
    follows: bool
    on_the_way: frozenset[int]
    closes: bool = False

    def allow(self, head: Head) -> bool:
        """Is it a success? 200-399 are, unless the caller says otherwise."""
        expect, status = self.expect, head.status
        if status in self.on_the_way and _leads_on(head):
            return True
        if expect is None:
            return 200 <= status <= 399
        return status == expect if isinstance(expect, int) else status in expect


def _leads_on(head: Head) -> bool:
    """Does the answer say what is to follow it?"""
    if head.status == UNAUTHORIZED:
        return any(value.lower().startswith(b"digest ") for value in head.values(b"www-authenticate"))
    return bool(head.values(b"location"))


def check_expect(expect: object) -> None:
    """Before anything is sent. Raises TypeError for what statuses cannot be looked up in."""
    if expect is None or _is_status(expect):
        return
    is_container = isinstance(expect, Container) and not isinstance(expect, (str, bytes))
    if not is_container or not all(map(_is_status, expect if isinstance(expect, _COLLECTIONS) else ())):
        raise TypeError(
            f"expect is a status such as 201 or a container of them such as {{200, 402}}, not {expect!r}"
        )


_COLLECTIONS: Final = (set, frozenset, list, tuple)


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def terms_of(timeouts: Timeouts, expect: Expect | None, *, follows: bool) -> Terms:
    check_expect(expect)
    return Terms(timeouts, expect, follows, REDIRECT_STATUSES if follows else frozenset())


def with_challenge(terms: Terms, auth: httpx.Auth) -> Terms:
    """Digest authentication begins with a 401, unless the challenge is known already."""
    if isinstance(auth, httpx.DigestAuth):
        return terms._replace(on_the_way=terms.on_the_way | {UNAUTHORIZED})
    return terms


class FunctionAuth(httpx.Auth):
    """A function from request to request, as `auth=` allows."""

    def __init__(self, function: Callable[[httpx.Request], httpx.Request]) -> None:
        self._function = function

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        yield self._function(request)


def auth_of(auth: AuthTypes | None) -> httpx.Auth | None:
    """What stands behind an `auth` argument. Raises TypeError for what cannot be one."""
    if auth is None or isinstance(auth, httpx.Auth):
        return auth
    if isinstance(auth, tuple):
        return httpx.BasicAuth(*auth)
    if callable(auth):
        return FunctionAuth(auth)
    raise TypeError(f'Invalid "auth" argument: {type(auth)!r}')
