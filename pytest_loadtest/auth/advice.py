"""What a user reads when tokens cannot be had: who, where, why, and what to do. Sentences only."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_loadtest.auth.failures import Kind, SignInError
from pytest_loadtest.auth.signing_in import TRIES
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.errors import TokenError


@dataclass(frozen=True, slots=True)
class Advice:
    """About one pool: `command` makes its tokens; `service_key` says where that is from, if it is used."""

    url: str
    command: str
    service_key: str | None

    def refusal(self, user: str, failure: SignInError) -> TokenError:
        """No session of this user is to be had now."""
        doing = "cannot be created" if failure.is_of_creation else "cannot sign in"
        what_to_do = self._what_to_do(failure)
        return TokenError(f"{user} {doing} at {redact(self.url)}: {failure.reason}. {what_to_do}")

    def lost(self, user: str, reason: str) -> TokenError:
        """A token expired under load, since all tries to renew it failed."""
        then = f" When that is mended: {self.command}" if self.command else ""
        return TokenError(
            f"the token of {user} expired during the load, and could not be renewed at "
            f"{redact(self.url)}: {reason}.{then}"
        )

    def _what_to_do(self, failure: SignInError) -> str:
        if failure.kind is Kind.REFUSED:
            return self._about_the_user(failure)
        if failure.kind is Kind.KEY_REFUSED:
            key = "service key" if failure.is_of_creation else "anon key"
            origin = self.service_key if failure.is_of_creation else "anon_key"
            return f"Supabase refuses the {key}; is {origin} that of this project?"
        if failure.kind is Kind.THROTTLED:
            return (
                f"After {TRIES[failure.kind]} tries it still says so: set a lower `rate`, or try again later"
            )
        if failure.kind is Kind.UNAVAILABLE:
            return f"It was tried {TRIES[failure.kind]} times: is the service up?"
        return "Is the url that of a Supabase project, and does it let you in?"

    def _about_the_user(self, failure: SignInError) -> str:
        if failure.is_of_creation:
            return "Change what it does not like, or create the user by hand"
        if self.service_key is not None:
            return "The user exists, so its password is not the one that is configured"
        how = f"{self.command} --create" if self.command else "the option --create, or create = true,"
        return (
            f"Either the password is wrong, or the user does not exist: {how} makes users that do not exist"
        )
