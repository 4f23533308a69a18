"""How a platform is to behave: its limits, and what goes wrong in it on purpose.

Plain values, checked when they are made. This module knows neither the server nor the command line.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_TOKEN_LIFETIME_S = 3600  # Supabase's default
# Each user's at the start: enough for thousands of executions, so that only who asks for less runs out.
DEFAULT_CREDITS = 10_000
DEFAULT_FREEZE_EVERY_S = 20.0


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a platform; nothing by default."""

    latency_s: float = 0.0
    """Added to every answer of the API."""
    error_rate: float = 0.0
    """The share of the API's answers that are 500 or 503."""
    freeze_s: float = 0.0
    """How long the whole process stands still, once in every ``freeze_every_s``."""
    freeze_every_s: float = DEFAULT_FREEZE_EVERY_S

    def __post_init__(self) -> None:
        if self.latency_s < 0 or self.freeze_s < 0:
            raise ValueError("a latency or a freeze is zero seconds or more")
        if not 0 <= self.error_rate <= 1:
            raise ValueError("an error rate is between 0 and 1")
        if self.freeze_s and self.freeze_every_s <= self.freeze_s:
            raise ValueError("a platform that freezes must run in between: freeze_every_s > freeze_s")

    @property
    def in_answers(self) -> bool:
        """Whether answers are to be late or wrong."""
        return self.latency_s > 0 or self.error_rate > 0


NO_FAULTS = Faults()


@dataclass(frozen=True, slots=True)
class Settings:
    faults: Faults = NO_FAULTS
    sign_in_rate: float | None = None
    """Sign-ins per second that are answered; None: all."""
    token_lifetime_s: int = DEFAULT_TOKEN_LIFETIME_S
    credits: int = DEFAULT_CREDITS
    """What each user has at the start."""

    def __post_init__(self) -> None:
        if self.sign_in_rate is not None and self.sign_in_rate <= 0:
            raise ValueError("a sign-in rate is more than 0 per second")
        if self.token_lifetime_s < 1:
            raise ValueError("a token lives a second or more")
        if self.credits < 0:
            raise ValueError("credits are 0 or more")
