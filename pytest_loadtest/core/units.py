"""Durations, rates, shares and sizes: from what users write to exact values, and back to what reads best.

Owns the grammar of units. Durations are integer nanoseconds, rates are events per second, shares are
fractions of 1, sizes are bytes. Every parser takes the public forms and raises `UnitError` with what is
allowed.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

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
_BYTES_PER_UNIT = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_SECONDS_PER_RATE_UNIT = {"s": 1, "m": 60, "h": 3600}

_NUMBER = r"(\d{1,18}(?:\.\d{1,18})?)"
_PLAIN = re.compile(_NUMBER)
_DURATION_PART = re.compile(_NUMBER + r"\s*(us|ms|s|m|h|d)\s*")
_RATE = re.compile(_NUMBER + r"\s*/\s*(s|m|h)")
_SIZE = re.compile(_NUMBER + rf"\s*({'|'.join(_BYTES_PER_UNIT)})")
_SHARE = re.compile(_NUMBER + r"\s*%")

# What fits into the signed 64 bits in which times are recorded: 292 years.
_LONGEST_NS = 2**63 - 1
# What an address space could hold, and more than any machine has.
_LARGEST_SIZE = 2**48
# Enough to show a limit as it was written, and few enough not to show the error of a float.
EXACT_DIGITS = 12

DURATION_FORMS = 'a duration such as "500ms", "30s", "3m", "1h30m", seconds as a number, or a timedelta'
RATE_FORMS = 'a rate such as "50/s" or "3000/m"'
SHARE_FORMS = 'a share such as "5%" or 0.05'
SIZE_FORMS = 'a size such as "64MiB", "500kB", or a whole number of bytes, 1 or more'


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
    else:
        nanoseconds = round(_number(value, DURATION_FORMS) * NS_PER_S)
    if not 0 <= nanoseconds <= _LONGEST_NS:
        raise UnitError(value, DURATION_FORMS)
    return nanoseconds


def _duration_from_text(text: str) -> int:
    compact = text.strip()
    if _PLAIN.fullmatch(compact):  # option values arrive as text: "30" is 30 seconds
        return round(Decimal(compact) * NS_PER_S)
    parts = _DURATION_PART.findall(compact)
    scales = [_NS_PER_UNIT[unit] for _, unit in parts]
    is_descending = all(larger > smaller for larger, smaller in pairwise(scales))
    if not parts or _DURATION_PART.sub("", compact) or not is_descending:
        raise UnitError(text, DURATION_FORMS)
    return sum(round(Decimal(number) * scale) for (number, _), scale in zip(parts, scales, strict=True))


def parse_rate(value: object, *, zero: bool = False) -> float:
    """``"50/s"``, ``"3000/m"`` -> events per second, more than zero unless `zero` is allowed too."""
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (float(match[1]) == 0 and not zero):
        raise UnitError(value, RATE_FORMS)
    return float(Decimal(match[1]) / _SECONDS_PER_RATE_UNIT[match[2]])


def parse_share(value: object) -> float:
    """``"5%"`` or ``0.05`` -> 0.05. At most 1: a number above 1 is taken for a forgotten ``%``.

    Decimal, since 999 of 1000 keep "99.9%" but are less than the float 99.9 / 100.
    """
    share = _share_from_text(value) if isinstance(value, str) else _number(value, SHARE_FORMS)
    if not 0 <= share <= 1:
        raise UnitError(value, SHARE_FORMS)
    return share


def _share_from_text(text: str) -> float:
    compact = text.strip()
    if match := _SHARE.fullmatch(compact):
        return float(Decimal(match[1]) / 100)
    if _PLAIN.fullmatch(compact):
        return float(compact)
    raise UnitError(text, SHARE_FORMS)


def parse_count(value: object, *, least: int = 1) -> int:
    """A whole number, not less than `least`; text from the command line too."""
    number = value
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise UnitError(value, f"a whole number, {least} or more")
    return number


def parse_size(value: object) -> int:
    """``"64MiB"`` (2^20), ``"1.5MB"`` (10^6) or a whole number -> bytes, one or more."""
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        try:
            size = parse_count(value)
        except UnitError:
            raise UnitError(value, SIZE_FORMS) from None
    else:
        size = int(Decimal(match[1]) * _BYTES_PER_UNIT[match[2]])
    if not 1 <= size <= _LARGEST_SIZE:
        raise UnitError(value, SIZE_FORMS)
    return size


def _number(value: object, allowed: str) -> float:
    """A finite number as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnitError(value, allowed)
    if not abs(value) <= _LONGEST_NS:  # nan, infinite, or an int that no float can hold
        raise UnitError(value, allowed)
    return float(value)


def format_duration(nanoseconds: float, digits: int = 3) -> str:
    """In the unit that reads best, three significant digits: ``12.3 ms``, ``1.25 s``, ``3m 20s``."""
    if math.isnan(nanoseconds):
        return "-"
    if nanoseconds < 0:
        return "-" + format_duration(-nanoseconds, digits)
    if math.isinf(nanoseconds):
        return "no end"
    if _significant(nanoseconds, digits) >= 60 * NS_PER_S:
        return _format_clock(nanoseconds / NS_PER_S, digits)
    for unit in ("s", "ms", "us"):
        amount = nanoseconds / _NS_PER_UNIT[unit]
        if _significant(amount, digits) >= 1:
            return f"{_digits_of(amount, digits)} {unit}"
    return f"{nanoseconds:.0f} ns" if nanoseconds else "0 s"


def _format_clock(seconds: float, digits: int) -> str:
    decimals = max(0, digits - len(f"{seconds:.0f}"))
    seconds = round(seconds, decimals)
    hours, minutes = int(seconds // 3600), int(seconds // 60 % 60)
    rest = _without_trailing_zeros(f"{seconds % 60:.{decimals}f}")
    parts = [(str(hours), "h"), (str(minutes), "m"), (rest, "s")]
    return " ".join(f"{amount}{unit}" for amount, unit in parts if amount != "0")


def _significant(amount: float, digits: int) -> float:
    return float(f"{amount:.{digits}g}")


def _digits_of(amount: float, digits: int) -> str:
    """``1.25``, ``12.5``, ``125`` for three digits: no exponent, no trailing zeros."""
    decimals = max(0, digits - 1 - math.floor(math.log10(amount)))
    return _without_trailing_zeros(f"{amount:,.{decimals}f}")


def _without_trailing_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_share(share: float, digits: int = 2) -> str:
    """``5%``, ``0.12%``, two decimals; never rounded to 0% or 100% when it is not exactly that."""
    if math.isnan(share):
        return "-"
    percent = share * 100
    for decimals in range(digits, EXACT_DIGITS + 1):
        text = f"{percent:.{decimals}f}"
        if (float(text) == 0) == (share == 0) and (float(text) == 100) == (share == 1):
            break
    return _without_trailing_zeros(text) + "%"


def format_rate(per_second: float, digits: int = 3) -> str:
    """``50/s``, ``0.25/s``, ``12,300/s``."""
    if math.isnan(per_second):
        return "-"
    return f"{_digits_of(per_second, digits)}/s" if per_second else "0/s"


def format_count(number: float, digits: int = 3) -> str:  # noqa: ARG001 - as the other formats are called
    """``12,300``; always exact."""
    return "-" if math.isnan(number) else f"{number:,.0f}"
