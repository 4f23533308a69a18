"""What can go wrong with one sign-in, and what each thing means: wait, try again, or stop. Pure.

Knows Supabase's statuses and error codes, not the package that sends the requests. No text in here has a
secret: what a service says is redacted.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from enum import Enum

from pytest_loadtest.core.redaction import redact


class Kind(Enum):
    THROTTLED = "told to wait"  # 429: all sign-ins wait, then go on
    UNAVAILABLE = "unavailable"  # 5xx, no answer, no connection: tried again
    REFUSED = "refused"  # the user, the password or the refresh token
    KEY_REFUSED = "key refused"  # the anon key or the service key
    EXISTS = "exists"  # a user that was to be created
    UNEXPECTED = "unexpected"  # an answer that makes no sense here: the address is wrong, or the service is


PASSING = frozenset({Kind.THROTTLED, Kind.UNAVAILABLE})

# GoTrue's words (before 2024 it had none, only the messages below).
_USER_CODES = frozenset(
    {"invalid_credentials", "email_not_confirmed", "user_banned", "user_not_found", "weak_password"}
    | {"refresh_token_not_found", "refresh_token_already_used", "session_not_found", "session_expired"}
)
_USER_MESSAGES = ("invalid login credentials", "invalid refresh token", "email not confirmed")
_EXISTS_CODES = frozenset({"email_exists", "user_already_exists"})
_EXISTS_MESSAGES = ("already been registered", "already registered")
_NOT_ADMIN_CODES = frozenset({"not_admin", "bad_jwt", "no_authorization"})

_PASSING_STATUSES = frozenset({408, 425})
LONGEST_REASON = 200


class SignInError(Exception):
    """One request failed; `reason` says how, without secrets."""

    def __init__(self, kind: Kind, reason: str, retry_after_s: float | None = None) -> None:
        self.kind = kind
        self.reason = one_line(reason)
        self.retry_after_s = retry_after_s
        self.is_of_creation = (
            False  # of a user that was to be created, which is asked for with the service key
        )
        super().__init__(f"{kind.value}: {self.reason}")


def kind_of(status: int, code: str | None, message: str) -> Kind:
    """What an answer with an error status means."""
    said = message.lower()
    if status == 429:
        return Kind.THROTTLED
    if status >= 500 or status in _PASSING_STATUSES:
        return Kind.UNAVAILABLE
    if code in _EXISTS_CODES or any(text in said for text in _EXISTS_MESSAGES):
        return Kind.EXISTS
    if code in _USER_CODES or any(text in said for text in _USER_MESSAGES):
        return Kind.REFUSED
    if status in (401, 403) or code in _NOT_ADMIN_CODES:
        return Kind.KEY_REFUSED
    return Kind.UNEXPECTED


def retry_after(value: str | None, date: str | None, now_s: float) -> float | None:
    """How long a Retry-After asks to wait, in seconds; None when it is absent or makes no sense.

    It is a number of seconds or a date. A date is taken by the service's own clock (its field `date`) if it
    tells it: ours may differ.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until_s, by_s = _unix_time(value), _unix_time(date or "")
        if until_s is None:
            return None
        seconds = until_s - (now_s if by_s is None else by_s)
    return max(0.0, seconds) if seconds < float("inf") else None


def _unix_time(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def one_line(text: str) -> str:
    """What somebody else said, as a part of one of our sentences."""
    compact = " ".join(redact(text).split()).rstrip(".")
    return compact if len(compact) <= LONGEST_REASON else compact[:LONGEST_REASON] + "..."
