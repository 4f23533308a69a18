"""Checking tokens, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from starlette.requests import Request

from perf_tests.demo_platform import auth
from perf_tests.demo_platform.auth import Authenticator, Unauthorized
from perf_tests.demo_platform.database import Database
from perf_tests.demo_platform.seed import seed
from perf_tests.demo_platform.signing import TokenSigner

SECRET = "a secret for this test, and long enough"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "platform.sqlite3")
    seed(database)
    yield database
    database.close()


def request_with(token: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})


def token_of(database: Database) -> tuple[str, str]:
    user_id = str(database.value("SELECT id FROM users"))
    return user_id, TokenSigner(SECRET).access_token(user_id, "user@example.com", "session", "issuer")


def test_a_token_is_good_until_it_expires(database: Database) -> None:
    user_id, token = token_of(database)
    expires_at = TokenSigner(SECRET).verify(token)[1]
    now = [expires_at - 0.1]
    authenticator = Authenticator(database, TokenSigner(SECRET), clock=lambda: now[0])
    assert authenticator.user_id(request_with(token)) == user_id
    now[0] = float(expires_at)
    with pytest.raises(Unauthorized, match="Token has expired"):
        authenticator.user_id(request_with(token))


def test_a_token_that_comes_expired_is_refused(database: Database) -> None:
    claims = {"sub": "x", "aud": "authenticated", "exp": 1}
    token = jwt.encode(claims, SECRET, "HS256")
    with pytest.raises(Unauthorized, match="Token has expired"):
        Authenticator(database, TokenSigner(SECRET)).user_id(request_with(token))


@pytest.mark.parametrize("missing", ["sub", "aud", "exp"])
def test_a_token_without_a_needed_claim_is_refused(database: Database, missing: str) -> None:
    claims = {"sub": "x", "aud": "authenticated", "exp": 9_999_999_999}
    del claims[missing]
    token = jwt.encode(claims, SECRET, "HS256")
    with pytest.raises(Unauthorized, match="Invalid token"):
        Authenticator(database, TokenSigner(SECRET)).user_id(request_with(token))


def test_the_user_of_a_token_must_exist(database: Database) -> None:
    token = TokenSigner(SECRET).access_token("nobody", "nobody@example.com", "session", "issuer")
    with pytest.raises(Unauthorized, match="does not exist"):
        Authenticator(database, TokenSigner(SECRET)).user_id(request_with(token))


def test_more_tokens_than_are_remembered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REMEMBERED_TOKENS", 2)
    authenticator = Authenticator(database, TokenSigner(SECRET))
    tokens = [token_of(database) for _ in range(5)]
    for user_id, token in tokens + tokens:
        assert authenticator.user_id(request_with(token)) == user_id


def test_the_secret_is_not_shown() -> None:
    assert repr(TokenSigner(SECRET)) == "TokenSigner(token_lifetime_s=3600)"
