"""What a sample of a failed request has of the answer's body: text, on one line, and no part of a secret."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.redaction import MASK, declare_secret
from pytest_loadtest.http.error_samples import LOOKED_THROUGH, MOST_OF_BODY, sample_error

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvbmUifQ.c2lnbmF0dXJlLW9mLWl0"


class Samples:
    """A recorder that wants each sample."""

    def __init__(self) -> None:
        self.text = ""

    def wants_sample(self, name: str, outcome: Outcome, status: int) -> bool:
        return True

    def error_sample(self, name: str, outcome: Outcome, status: int, text: str) -> None:
        self.text = text


def said_in(body: bytes) -> str:
    samples = Samples()
    sample_error(samples, "x", Outcome.STATUS, 500, "500", "GET /x", body)  # type: ignore[arg-type]
    return samples.text.removeprefix("500: GET /x")


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("as declared in the configuration", id="a declared value"),
        pytest.param("ghp_abcdefghijklmnopqrstuvwxyz0123456789", id="a key that says what it is"),
        pytest.param("postgres://admin:hunter2hunter2@db/", id="the password of a URL"),
        pytest.param(TOKEN, id="a web token"),
        pytest.param('"api_key": "s3cr3t s3cr3t s3cr3t"', id="a named value"),
    ],
)
def test_no_part_of_a_secret_is_left_wherever_the_body_is_cut(secret: str) -> None:
    declare_secret("as declared in the configuration")
    longest_shown = max(
        len(part) for part in ("postgres://", '"api_key": ', "db/")
    )  # what of these is no secret
    for length in range(MOST_OF_BODY - len(secret) - 2, MOST_OF_BODY + 2):
        padding = ("it went wrong " * MOST_OF_BODY)[: length - 1]
        said = said_in(f"{padding} {secret} and no more".encode())
        rest = said.removeprefix(f": {padding}").strip()
        shown = rest.partition("[")[0]
        assert len(shown) <= longest_shown, (length, said)
        assert shown in f"{secret} and no more", (length, said)


@pytest.mark.parametrize("before", range(-3, 4))
def test_a_secret_at_the_end_of_what_is_looked_through_is_not_halved(before: int) -> None:
    """Much of the rest is masked, so that what is shown reaches to where the body was cut."""
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    mask = f"token={'a' * (LOOKED_THROUGH - 100)}"
    body = f"{mask} {'b' * (LOOKED_THROUGH - len(mask) - 2 - len(secret) // 2 + before)} {secret} end"
    assert "ghp" not in said_in(body.encode())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(
            b'\xef\xbb\xbf{"error": "db"}', ': {"error": "db"}', id="a mark of the byte order is none"
        ),
        pytest.param("zero\u200bwidth".encode(), ": zero\u200bwidth", id="a possible line break is text"),
        pytest.param(
            "\u0645\u06cc\u200c\u062e\u0648".encode(),
            ": \u0645\u06cc\u200c\u062e\u0648",
            id="a joiner of Persian",
        ),
        pytest.param(b"a\tb\r\nc", ": a b c", id="what separates is a space"),
        pytest.param(b"a\x1b[2Jb", "", id="what moves a cursor is no text"),
        pytest.param(b"\x1f\x8b\x08\x00\x00", "", id="what is compressed is no text"),
        pytest.param(f"token={TOKEN} is old".encode(), f": token={MASK} is old", id="secrets are masked"),
    ],
)
def test_what_of_a_body_is_text(body: bytes, said: str) -> None:
    assert said_in(body) == said
