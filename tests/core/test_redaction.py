"""Secrets do not get out; what is not secret stays."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.redaction import MASK, declare_secret, redact, redact_name, redact_source

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Authorization: Bearer s3cr3t.s3cr3t", f"Authorization: {MASK}", id="a bearer header"),
        pytest.param("authorization: Token s3cr3t", f"authorization: {MASK}", id="a scheme nobody knows"),
        pytest.param("Cookie: a=s3cr3t; b=s3cr3t", f"Cookie: {MASK}", id="every cookie of the line"),
        pytest.param(
            "Set-Cookie: a=s3cr3t; Path=/\nDate: x", f"Set-Cookie: {MASK}\nDate: x", id="one line only"
        ),
        pytest.param(
            "sent Bearer s3cr3ts3cr3t to it", f"sent Bearer {MASK} to it", id="a bearer in a sentence"
        ),
        pytest.param("Basic czNjcjN0OnMzY3IzdA==", f"Basic {MASK}", id="user and password in base64"),
        pytest.param(
            "{'authorization': 'Bearer s3cr3t', 'accept': '*/*'}",
            f"{{'authorization': {MASK}, 'accept': '*/*'}}",
            id="headers as a dict",
        ),
        pytest.param(
            "[(b'Cookie', b'a=s3cr3t; b=s3cr3t'), (b'Accept', b'*/*')]",
            f"[(b'Cookie', {MASK}), (b'Accept', b'*/*')]",
            id="headers as pairs of bytes",
        ),
        pytest.param(
            '{"password": "s3c,r3t s3cr3t", "user": "bob"}',
            f'{{"password": {MASK}, "user": "bob"}}',
            id="JSON",
        ),
        pytest.param(
            '{"access_token":"s3cr3t","n":1}', f'{{"access_token":{MASK},"n":1}}', id="compact JSON"
        ),
        pytest.param(
            '{"pwd": "a\\"s3cr3t", "n": 1}', f'{{"pwd": {MASK}, "n": 1}}', id="a quote in the secret"
        ),
        pytest.param('{"token": 12345, "n": 1}', f'{{"token": {MASK}, "n": 1}}', id="a number"),
        pytest.param('{"password": "s3cr3t s3cr3t', f'{{"password": {MASK}', id="JSON that was cut"),
        pytest.param(
            '"{\\"refresh_token\\": \\"s3cr3t s3cr3t\\", \\"n\\": 1}"',
            f'"{{\\"refresh_token\\": {MASK}, \\"n\\": 1}}"',
            id="JSON inside JSON",
        ),
        pytest.param("GET /x?access_token=s3cr3t&n=1", f"GET /x?access_token={MASK}&n=1", id="a query"),
        pytest.param("GET /x?n=1&sig=s3cr3t&m=2", f"GET /x?n=1&sig={MASK}&m=2", id="a signed URL"),
        pytest.param("x-api-key: s3cr3t", f"x-api-key: {MASK}", id="a key's header"),
        pytest.param(
            "SUPABASE_SERVICE_KEY=s3cr3t", f"SUPABASE_SERVICE_KEY={MASK}", id="an environment variable"
        ),
        pytest.param("password='s3cr3t s3cr3t' n=1", f"password={MASK} n=1", id="an assignment"),
        pytest.param("password: s3cr3t,s3cr3t next", f"password: {MASK} next", id="a comma in the secret"),
        pytest.param("(token=s3cr3t) and more", f"(token={MASK}) and more", id="in brackets"),
        pytest.param("https://bob:s3cr3t@host/a", f"https://{MASK}@host/a", id="a URL with a password"),
        pytest.param("https://bob:s3@cr3t@host/a", f"https://{MASK}@host/a", id="a password with an @"),
        pytest.param("https://s3cr3t@host/a", f"https://{MASK}@host/a", id="a URL with a token"),
        pytest.param(
            "got eyJhbGciOiJI.eyJzdWIiOiIx.s3cr3t-x here", f"got {MASK} here", id="a JSON Web Token"
        ),
        pytest.param("sb_secret_s3cr3ts3cr3ts3cr3t", MASK, id="a key of Supabase"),
    ],
)
def test_a_secret_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert SECRET not in redact(text)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "status 500: no such agent",
        "GET /api/store/agents?page=1&page_size=10&search_query=data%20analysis",
        "http://127.0.0.1:8006/agents?mail=a@b.c",
        "KeyError: 'agents'",
        "basic validation failed",
        "token is missing",
        'WWW-Authenticate: Bearer realm="agents"',
        '{"agents": [{"id": 1, "token_type": "bearer"}]}',
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_what_was_declared_secret_is_hidden_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_loadtest.core.redaction._declared", set())
    declare_secret("plain words")
    declare_secret("short")
    assert redact("assert 'plain words' == 'short'") == f"assert '{MASK}' == 'short'"


@pytest.mark.parametrize("name", ["GET /skill-recommendations", "GET /skeleton_of_a_long_page", "AKIA"])
def test_a_path_that_begins_like_a_key_stays(name: str) -> None:
    assert redact(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("GET /confirm/eyJhbGciOiJI.eyJzdWIiOiIx.s3cr3t", f"GET /confirm/{MASK}"),
        ("GET /token: refresh", "GET /token: refresh"),
    ],
)
def test_names_lose_web_tokens_and_nothing_that_only_looks_like_a_secret(name: str, shown: str) -> None:
    assert redact_name(name) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param(
            "raise min(errors, key=how_much_it_says)", "raise min(errors, key=how_much_it_says)", id="a name"
        ),
        pytest.param(
            "def f(token: str, password=None):", "def f(token: str, password=None):", id="an annotation"
        ),
        pytest.param(
            'api_key = os.environ["KEY"]', 'api_key = os.environ["KEY"]', id="where a secret comes from"
        ),
        pytest.param("login(password='s3c r3t', n=1)", f"login(password={MASK}, n=1)", id="a literal"),
        pytest.param('key = f"s3cr3t-{n}"', f"key = {MASK}", id="a formatted literal"),
        pytest.param("key = rb's3cr3t'", f"key = {MASK}", id="a literal of bytes"),
        pytest.param(
            'password = """s3cr3t s3cr3t""" + x', f"password = {MASK} + x", id="a literal of several lines"
        ),
        pytest.param('password = """s3cr3t', f"password = {MASK}", id="the first line of such a one"),
        pytest.param("n = 1; token = 12345", f"n = 1; token = {MASK}", id="a number"),
        pytest.param(
            '{"authorization": "Bearer s3cr3t s3cr3t"}', f'{{"authorization": {MASK}}}', id="a header"
        ),
        pytest.param("get('/x?access_token=s3cr3t', n)", f"get('/x?access_token={MASK}, n)", id="a URL"),
        pytest.param("run('--token=s3cr3t')", f"run('--token={MASK})", id="what a text tells"),
        pytest.param("x = 1  # password: s3cr3t", f"x = 1  # password: {MASK}", id="a comment"),
        pytest.param("f(key=name,token='s3cr3t')", f"f(key=name,token={MASK})", id="beside a name"),
    ],
)
def test_of_a_program_only_what_is_written_there_is_a_secret(line: str, shown: str) -> None:
    assert redact_source(line) == shown


def test_a_declared_secret_is_one_in_a_program_too() -> None:
    declare_secret("known-by-its-value")
    assert redact_source("x = 'known-by-its-value'") == f"x = '{MASK}'"
