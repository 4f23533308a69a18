"""Moments of the wall's clock as text: ISO 8601 in UTC, to the millisecond. It reads no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pytest_loadtest.core.units import NS_PER_S


def epoch_ns_of(text: str) -> int:
    """The moment that `utc_text` wrote. Raises ValueError."""
    since = datetime.fromisoformat(text) - datetime.fromtimestamp(0, UTC)
    return since // timedelta(microseconds=1) * 1000


def utc_text(epoch_ns: int) -> str:
    """``2026-11-22T20:15:00.250Z``."""
    moment = datetime.fromtimestamp(epoch_ns // NS_PER_S, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch_ns % NS_PER_S // 1_000_000:03}Z"
