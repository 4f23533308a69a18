"""Decisions without a clock or a socket: what failures mean, when to renew, what a token says of itself."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pytest_loadtest.auth.expiry import expiry_of, user_of
from pytest_loadtest.auth.failures import LONGEST_REASON, Kind, kind_of, one_line, retry_after
from pytest_loadtest.auth.schedule import is_good_enough, renewal_time, retry_time
from pytest_loadtest.auth.token import Token, can_be_sent
from tests.plugin.supabase_server import token_for


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "over_request_rate_limit", "Request rate limit reached", Kind.THROTTLED),
        (500, "unexpected_failure", "", Kind.UNAVAILABLE),
        (522, None, "", Kind.UNAVAILABLE),
        (425, None, "", Kind.UNAVAILABLE),
        (400, "invalid_credentials", "Invalid login credentials", Kind.REFUSED),
        (400, None, "Invalid login credentials", Kind.REFUSED),
        (400, "email_not_confirmed", "", Kind.REFUSED),
        (403, "user_banned", "User is banned", Kind.REFUSED),
        (400, "refresh_token_not_found", "", Kind.REFUSED),
        (400, "refresh_token_already_used", "", Kind.REFUSED),
        (422, "email_exists", "", Kind.EXISTS),
        (422, None, "User already registered", Kind.EXISTS),
        (401, None, "Invalid API key", Kind.KEY_REFUSED),
        (403, "not_admin", "User not allowed", Kind.KEY_REFUSED),
        (400, "bad_jwt", "", Kind.KEY_REFUSED),
        (400, "captcha_failed", "captcha verification process failed", Kind.UNEXPECTED),
        (404, None, "", Kind.UNEXPECTED),
    ],
)
def test_what_an_answer_means(status: int, code: str | None, message: str, kind: Kind) -> None:
    assert kind_of(status, code, message) is kind


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        pytest.param(None, None, None, id="absent"),
        pytest.param("120", None, 120.0, id="seconds"),
        pytest.param("0.5", None, 0.5, id="parts of a second"),
        pytest.param("-3", None, 0.0, id="less than nothing"),
        pytest.param("soon", None, None, id="a word"),
        pytest.param("nan", None, None, id="not a number"),
        pytest.param("inf", None, None, id="for ever"),
        pytest.param("Thu, 01 Jan 1970 00:20:00 GMT", None, 200.0, id="a date, by our clock"),
        pytest.param(
            "Thu, 01 Jan 1970 00:20:00 GMT",
            "Thu, 01 Jan 1970 00:19:30 GMT",
            30.0,
            id="a date, by their clock",
        ),
        pytest.param("Thu, 01 Jan 1970 00:00:01 GMT", None, 0.0, id="a date that is over"),
        pytest.param("Thu, 41 Jan 1970 00:00:01 GMT", None, None, id="no date"),
    ],
)
def test_how_long_to_wait(value: str | None, date: str | None, seconds: float | None) -> None:
    assert retry_after(value, date, now_s=1000.0) == seconds


def test_what_a_service_says_is_one_short_line_without_secrets() -> None:
    assert one_line("no\n  such user. ") == "no such user"
    assert one_line("password=hunter2hunter2") == "password=[redacted]"
    assert len(one_line("x" * 10_000)) == LONGEST_REASON + 3


def test_160_tokens_made_in_one_second_are_renewed_over_a_third_of_their_life() -> None:
    times = [renewal_time(index, 160, 0.0, 3600.0) for index in range(160)]
    assert times[0] == 1800
    assert 2870 < times[-1] < 2880
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) == pytest.approx(max(gaps)) == pytest.approx(6.75)


@pytest.mark.parametrize(
    ("now_s", "valid_for_s", "is_good"),
    [
        pytest.param(0, 600, True, id="it outlives the load"),
        pytest.param(3000, 590, True, id="it just outlives the load"),
        pytest.param(3000, 600, False, id="it does not: a new one is better"),
        pytest.param(10, 7200, True, id="a new one would not outlive the load either"),
        pytest.param(2000, 7200, False, id="a new one would last longer"),
        pytest.param(3600, 0, False, id="it has expired"),
    ],
)
def test_when_a_kept_token_is_used(now_s: float, valid_for_s: float, is_good: bool) -> None:
    assert is_good_enough(now_s, 0.0, 3600.0, valid_for_s) == is_good


@pytest.mark.parametrize(
    ("failures", "now_s", "next_s"), [(1, 0, 1), (3, 0, 4), (9, 0, 30), (9, 90, 100), (2, 100, 100)]
)
def test_when_a_renewal_is_tried_again(failures: int, now_s: float, next_s: float) -> None:
    assert retry_time(failures, now_s, expires_at_s=100.0) == next_s


@pytest.mark.parametrize("text", ["", "abc", "a.b.c", "a.bm8.c", "a.W10.c", "a.\u00e9.c", "a.eyJ4Ijo.c"])
def test_a_token_that_says_nothing_of_itself(text: str) -> None:
    assert (expiry_of(text), user_of(text)) == (None, None)


def test_a_jwt_says_whose_it_is_and_when_it_expires() -> None:
    text = token_for("ann@example.com")
    assert user_of(text) == "ann@example.com"
    assert (expiry_of(text) or 0) > 1_700_000_000


@pytest.mark.parametrize(
    ("text", "can"), [("abc.def-_=", True), ("", False), ("a b", False), ("a\nb", False), ("\u00e9", False)]
)
def test_what_a_header_can_carry(text: str, can: bool) -> None:
    assert can_be_sent(text) == can


def test_headers_carry_a_token_while_they_are_to() -> None:
    token = Token("ann", "first-token", 10.0)
    ours: dict[str, str] = {"Accept": "*/*"}
    others: dict[str, str] = {"Accept": "*/*"}
    with token.authorizing(ours):
        with token.authorizing(others):
            assert ours == others == {"Accept": "*/*", "Authorization": "Bearer first-token"}
            token.replace("second-token", 20.0)
            assert ours == others == {"Accept": "*/*", "Authorization": "Bearer second-token"}
        assert others == {"Accept": "*/*"}
        token.replace("third-token", None)
        assert ours["Authorization"] == "Bearer third-token"
    token.replace("fourth-token", None)
    assert ours == others == {"Accept": "*/*"}
    assert (token.access_token, token.expires_at_s) == ("fourth-token", None)
    assert repr(token) == "<Token of ann>"
