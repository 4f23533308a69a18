"""Durations, rates and shares: from what users write to exact values, and back to what reads best.

Owns the grammar of units. Durations are integer nanoseconds, rates are events per second, shares are
fractions of 1. Every parser takes the public forms and raises `UnitError` with what is allowed.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

_NS_PER_UNIT = {
    "us": 1_000,
    "ms": NS_PER_MS,
    "s": NS_PER_S,
    "m": 60 * NS_PER_S,
    "h": 3600 * NS_PER_S,
    "d": 86_400 * NS_PER_S,
}
_SECONDS_PER_RATE_UNIT = {"s": 1, "m": 60, "h": 3600}

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")

DURATION_FORMS = 'a duration such as "500ms", "30s", "3m", "1h30m", seconds as a number, or a timedelta'
RATE_FORMS = 'a rate such as "50/s" or "3000/m"'
SHARE_FORMS = 'a share such as "5%" or 0.05'


class UnitError(ValueError):
    """A value is not of the form that its unit allows. The message says which forms are."""

    def __init__(self, value: object, allowed: str) -> None:
        super().__init__(f"{value!r} is not {allowed}")


def parse_duration(value: object) -> int:
    """``"1h30m"``, ``2.5`` (seconds) or a timedelta -> nanoseconds, zero or more."""
    if isinstance(value, timedelta):
        nanoseconds = (value // timedelta(microseconds=1)) * 1_000
    elif isinstance(value, str):
        nanoseconds = _duration_from_text(value)
    elif _is_number(value):
        nanoseconds = round(float(value) * NS_PER_S)  # type: ignore[arg-type]  # _is_number narrows it
    else:
        raise UnitError(value, DURATION_FORMS)
    if nanoseconds < 0:
        raise UnitError(value, DURATION_FORMS)
    return nanoseconds


def _duration_from_text(text: str) -> int:
    compact = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", compact):  # option values arrive as text: "30" is 30 seconds
        return round(float(compact) * NS_PER_S)
    parts = _DURATION_PART.findall(compact)
    if not parts or _DURATION_PART.sub("", compact).strip():
        raise UnitError(text, DURATION_FORMS)
    return sum(round(float(number) * _NS_PER_UNIT[unit]) for number, unit in parts)


def parse_rate(value: object) -> float:
    """``"50/s"``, ``"3000/m"`` -> events per second, more than zero."""
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise UnitError(value, RATE_FORMS)
    return float(match[1]) / _SECONDS_PER_RATE_UNIT[match[2]]


def parse_share(value: object) -> float:
    """``"5%"`` or ``0.05`` -> 0.05. At most 1: a number above 1 is taken for a forgotten ``%``."""
    if isinstance(value, str):
        match = _SHARE.fullmatch(value.strip())
        share = float(match[1]) / 100 if match else _number_from_text(value)
    elif _is_number(value):
        share = float(value)  # type: ignore[arg-type]  # _is_number narrows it
    else:
        share = math.nan
    if not 0 <= share <= 1:
        raise UnitError(value, SHARE_FORMS)
    return share


def parse_count(value: object, *, least: int = 1) -> int:
    """A whole number, not less than `least`; text from the command line too."""
    allowed = f"a whole number, {least} or more"
    if isinstance(value, str) and re.fullmatch(r"\s*\d+\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UnitError(value, allowed)
    return value


def _number_from_text(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def format_duration(nanoseconds: float) -> str:
    """In the unit that reads best, three significant digits: ``12.3 ms``, ``1.25 s``, ``3m 20s``."""
    if math.isinf(nanoseconds):
        return "never"
    if math.isnan(nanoseconds):
        return "-"
    if nanoseconds >= 60 * NS_PER_S:
        return _format_clock(round(nanoseconds / NS_PER_S))
    for unit in ("s", "ms", "us"):
        amount = nanoseconds / _NS_PER_UNIT[unit]
        if float(f"{amount:.3g}") >= 1:
            return f"{_three_digits(amount)} {unit}"
    return f"{nanoseconds:.0f} ns" if nanoseconds else "0 s"


def _format_clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "m"), (seconds, "s")]
    return " ".join(f"{amount}{unit}" for amount, unit in parts if amount)


def _three_digits(amount: float) -> str:
    """``1.25``, ``12.5``, ``125``: no exponent, no trailing zeros."""
    digits = max(0, 2 - math.floor(math.log10(amount))) if amount < 100 else 0
    text = f"{amount:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_share(share: float) -> str:
    """``5%``, ``0.12%``; never rounded to 0% or 100% when it is not exactly that."""
    if math.isnan(share):
        return "-"
    percent = share * 100
    for digits in (2, 3, 4, 6):
        text = f"{percent:.{digits}f}"
        if (float(text) == 0) == (share == 0) and (float(text) == 100) == (share == 1):
            break
    return text.rstrip("0").rstrip(".") + "%"


def format_rate(per_second: float) -> str:
    """``50/s``, ``0.25/s``, ``12,300/s``."""
    if math.isnan(per_second):
        return "-"
    if per_second >= 100:
        return f"{per_second:,.0f}/s"
    return f"{_three_digits(per_second)}/s" if per_second else "0/s"
