"""Which virtual user has which token, the same in every process. It does not know where tokens come from.

A pool is prepared before a load, outside of every measurement, and kept valid beside it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytest_loadtest.auth.measuring import Authentication
from pytest_loadtest.auth.token import Token
from pytest_loadtest.core.units import UnitError, parse_count
from pytest_loadtest.errors import ConfigurationError, MisuseError

# Called with how many tokens there are, and how many there are to be.
OnProgress = Callable[[int, int], None]


class TokenPool(ABC):
    """Tokens for virtual users: number n gets token (n - 1) modulo `count`."""

    def __init__(self, *, count: int | None, unique: bool, url: str | None = None, command: str = "") -> None:
        try:
            self.count = None if count is None else parse_count(count)
        except UnitError as error:
            raise ConfigurationError(f"count of tokens: {error}") from None
        self.unique = bool(unique)
        self.url = url
        self.notes: list[str] = []
        self._lasting_notes: list[str] = []
        self._measured = Authentication()
        self._command = command
        self._tokens: list[Token] = []

    def __len__(self) -> int:
        """How many tokens there are now."""
        return len(self._tokens)

    def __repr__(self) -> str:
        where = f" of {self.url}" if self.url else ""
        return f"<{type(self).__name__}{where}, {len(self)} tokens>"

    @property
    def authentication(self) -> Authentication:
        """What it has taken so far; a value of its own, which does not go on counting."""
        return replace(self._measured)

    async def prepare(self, vus: int, *, valid_for_s: float, on_progress: OnProgress | None = None) -> None:
        """Afterwards the tokens of virtual users 1 to `vus` are there, and valid that long or renewable.

        Raises ConfigurationError where the user must change something, TokenError where there is no token.
        """
        self.notes = list(self._lasting_notes)
        needed = self._number_needed(vus)
        began_ns = time.perf_counter_ns()
        try:
            await self._make(needed, valid_for_s, on_progress or _say_nothing)
        finally:
            self._measured.time_ns += time.perf_counter_ns() - began_ns

    def _number_needed(self, vus: int) -> int:
        if self.count is None or self.count >= vus:
            return vus
        shared = f"{vus} virtual users and {self.count} token{'' if self.count == 1 else 's'}"
        if self.unique:
            advice = "make more tokens, or let users share them by leaving unique out"
            raise ConfigurationError(f"{shared}, though each user is to have its own (unique): {advice}")
        self.note(f"{shared}: some share one")
        return self.count

    def token(self, vu_id: int) -> Token:
        """The token of this virtual user (the first is number 1)."""
        index = (vu_id - 1) % self.count if self.count else vu_id - 1
        if not 0 <= index < len(self._tokens):
            raise MisuseError(
                f"virtual user {vu_id} has no token: the pool was prepared for {len(self._tokens)}; "
                "await pool.prepare(vus, valid_for_s=...) comes first"
            )
        return self._tokens[index]

    def note(self, text: str) -> None:
        """Something the user should know about these tokens, said once."""
        if text not in self.notes:
            self.notes.append(text)

    def cache_in(self, directory: Path) -> None:  # noqa: B027 - most pools have nothing to keep
        """Keep tokens in this folder between runs, where a pool does that and has no other folder."""

    @abstractmethod
    async def _make(self, needed: int, valid_for_s: float, on_progress: OnProgress) -> None:
        """The first `needed` tokens are there afterwards."""

    @abstractmethod
    async def keep_valid(self) -> None:
        """Renew the prepared tokens before they expire, until cancelled. Raises TokenError if one is lost."""


def _say_nothing(done: int, total: int) -> None:
    """Nobody wants to know."""
