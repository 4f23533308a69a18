"""Dates as the platform writes them: UTC, ISO 8601, always the same length, so that they sort as text."""

from __future__ import annotations

from datetime import UTC, datetime


def text_of(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def now() -> str:
    return text_of(datetime.now(UTC))
