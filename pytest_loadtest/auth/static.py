"""Tokens that somebody else made: a list, or a file with one a line or in JSON.

They cannot be renewed, so what matters is said before the load: which of them end too early.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_loadtest.auth.clock import Clock, wait_for_ever
from pytest_loadtest.auth.expiry import as_time, expiry_of, user_of
from pytest_loadtest.auth.pool import OnProgress, TokenPool
from pytest_loadtest.auth.private_files import exposure_of
from pytest_loadtest.auth.token import Token, can_be_sent
from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.core.units import format_duration
from pytest_loadtest.errors import ConfigurationError, TokenError

_TEXTS = ("token", "access_token")
_FIELDS = ("user", *_TEXTS, "expires_at")
# Of the tokens that end too early, as many are named.
_NAMED = 5

TokenSource = str | Path | Sequence[str | Mapping[str, Any]]


class StaticTokens(TokenPool):
    """The tokens of a list, or of a file (a path): one a line, or a list in JSON of texts or objects."""

    def __init__(
        self, tokens: TokenSource, *, unique: bool = False, command: str = "", clock: Clock | None = None
    ) -> None:
        self._origin = f"tokens file {tokens}" if isinstance(tokens, (str, Path)) else "tokens"
        self._clock = clock or Clock()
        entries, exposure = (
            _read(Path(tokens), self._origin) if isinstance(tokens, (str, Path)) else (tokens, None)
        )
        self._given = [_given(entry, f"{self._origin}: number {n}") for n, entry in enumerate(entries, 1)]
        if not self._given:
            raise ConfigurationError(f"{self._origin}: there are no tokens")
        super().__init__(count=len(self._given), unique=unique, command=command)
        if exposure:
            self._lasting_notes.append(exposure)
        self._tokens = [
            Token(given.user or f"token {number}", given.text, given.expires_at_s)
            for number, given in enumerate(self._given, 1)
        ]
        self._needed = 0  # so many of them the last load uses

    async def _make(self, needed: int, valid_for_s: float, on_progress: OnProgress) -> None:
        now_s = self._clock.now_s()
        ending = [
            f"number {number} ({token.user}) {_ends(token.expires_at_s - now_s)}"
            for number, token in enumerate(self._tokens[:needed], 1)
            if token.expires_at_s is not None and token.expires_at_s < now_s + max(valid_for_s, 0)
        ]
        if ending:
            raise self._ended(ending, f"they are needed for {format_duration(valid_for_s * 1e9)}")
        self._needed = needed
        self._measured.reused += needed
        on_progress(needed, needed)

    async def keep_valid(self) -> None:
        """Nothing can be renewed: a token that ends after all, because a load took longer, ends the load."""
        used = self._tokens[: self._needed]
        times = [token.expires_at_s for token in used if token.expires_at_s is not None]
        if not times:
            await wait_for_ever(self._clock)
        while (left_s := min(times) - self._clock.now_s()) > 0:
            await self._clock.sleep(left_s)
        number, token = next((n, each) for n, each in enumerate(used, 1) if each.expires_at_s == min(times))
        raise self._ended([f"number {number} ({token.user}) {_ends(0)}"], "the load goes on")

    def _ended(self, ending: Sequence[str], why: str) -> TokenError:
        named = ", ".join(ending[:_NAMED])
        more = f" and {len(ending) - _NAMED} more" if len(ending) > _NAMED else ""
        then = f", and try them with: {self._command}" if self._command else ""
        return TokenError(
            f"{self._origin}: {named}{more}, but {why}. "
            f"Tokens of a list cannot be renewed: put new ones there{then}"
        )


def _ends(left_s: float) -> str:
    if left_s <= 0:
        return f"expired {format_duration(-left_s * 1e9)} ago" if left_s else "has expired"
    return f"expires in {format_duration(left_s * 1e9)}"


# -- what is given ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Given:
    text: str = field(repr=False)
    user: str | None
    expires_at_s: float | None


def _given(entry: object, where: str) -> _Given:
    """A token's text, or an object with it. Raises ConfigurationError, without what it says."""
    if isinstance(entry, str):
        text = _checked_text(entry, where)
        return _Given(text, user_of(text), expiry_of(text))
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{where} is neither a text nor an object with {_listed(_FIELDS)}")
    if unknown := [str(name) for name in entry if name not in _FIELDS]:
        raise ConfigurationError(f"{where} has {_listed(unknown)}; there are {_listed(_FIELDS)}")
    texts = [entry[name] for name in _TEXTS if name in entry]
    if len(texts) != 1:
        raise ConfigurationError(
            f"{where} has {'both' if texts else 'neither'} token and access_token: one it is"
        )
    text = _checked_text(texts[0], where)
    expires_at_s = as_time(entry.get("expires_at"))
    if entry.get("expires_at") is not None and expires_at_s is None:
        raise ConfigurationError(f"{where}: expires_at is not a Unix time in seconds")
    user = entry.get("user")
    if user is not None and not isinstance(user, str):
        raise ConfigurationError(f"{where}: user is not a text")
    return _Given(text, user or user_of(text), expires_at_s if expires_at_s is not None else expiry_of(text))


def _checked_text(value: object, where: str) -> str:
    """A text that can stand in a header field. Raises ConfigurationError, without the text."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{where} is empty, or not a text")
    text = value.strip()
    declare_secret(text)
    if not can_be_sent(text):
        raise ConfigurationError(
            f"{where} is not a token: it has spaces or characters that no header can carry"
        )
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _read(path: Path, origin: str) -> tuple[Sequence[Any], str | None]:
    """A file's entries, and what to say when others can read it."""
    try:
        text = path.read_text("utf-8-sig")
        exposure = exposure_of(path.stat())
    except OSError as error:
        raise ConfigurationError(f"{origin} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{origin} is not text in UTF-8") from None
    note = f"{origin} {exposure}: chmod 600 {path}" if exposure else None
    return _entries(text, origin), note


def _entries(text: str, origin: str) -> Sequence[Any]:
    if not text.lstrip().startswith("["):
        lines = (line.strip() for line in text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]
    try:
        entries: list[Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{origin}:{error.lineno}: this is not JSON: {error.msg}") from None
    return entries
