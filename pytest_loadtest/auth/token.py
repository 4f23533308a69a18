"""One user's token as a load test holds it: its text now, and the headers that are to carry it.

It does not know how tokens are made or renewed; a pool tells it the new text.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from pytest_loadtest.core.redaction import declare_secret

HEADER = "Authorization"


def can_be_sent(text: str) -> bool:
    """Whether a header field can carry this token or key: what it cannot carry, libraries quote in errors."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


class Token:
    """The token of a virtual user, or of several when there are fewer tokens than users."""

    def __init__(self, user: str, access_token: str, expires_at_s: float | None = None) -> None:
        self.user = user
        self._carriers: list[MutableMapping[str, str]] = []
        self.replace(access_token, expires_at_s)

    def __repr__(self) -> str:
        return f"<Token of {self.user}>"

    @property
    def access_token(self) -> str:
        """The current text. It changes when the token is renewed: do not keep it."""
        return self._access_token

    @property
    def expires_at_s(self) -> float | None:
        """Unix time; None when it is not known to expire."""
        return self._expires_at_s

    def replace(self, access_token: str, expires_at_s: float | None) -> None:
        """From now on this is the token, in the headers that carry it too."""
        declare_secret(access_token)
        self._access_token = access_token
        self._expires_at_s = expires_at_s
        for headers in self._carriers:
            self._put_into(headers)

    @contextmanager
    def authorizing(self, headers: MutableMapping[str, str]) -> Iterator[None]:
        """Within the block these headers have the field ``Authorization``, replaced whenever the token is."""
        self._put_into(headers)
        self._carriers.append(headers)
        try:
            yield
        finally:
            # By identity: the headers of two virtual users may be equal.
            self._carriers = [carrier for carrier in self._carriers if carrier is not headers]
            headers.pop(HEADER, None)

    def _put_into(self, headers: MutableMapping[str, str]) -> None:
        headers[HEADER] = f"Bearer {self._access_token}"
