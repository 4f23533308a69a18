"""Durations, rates, shares, counts and sizes: what users may write, and how figures read."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_loadtest.core.units import (
    DURATION_FORMS,
    EXACT_DIGITS,
    RATE_FORMS,
    SHARE_FORMS,
    SIZE_FORMS,
    UnitError,
    format_count,
    format_duration,
    format_rate,
    format_share,
    parse_count,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
)

S = 1_000_000_000
bounded = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        pytest.param("500ms", S // 2, id="milliseconds"),
        pytest.param("30s", 30 * S, id="seconds"),
        pytest.param("3m", 180 * S, id="minutes"),
        pytest.param("1h30m", 5400 * S, id="units one after the other"),
        pytest.param("1h 30m", 5400 * S, id="units apart"),
        pytest.param(" 3 m ", 180 * S, id="spaces around and before the unit"),
        pytest.param("1d2h3m4s5ms6us", 93_784 * S + 5_006_000, id="every unit"),
        pytest.param("1.5s", 3 * S // 2, id="a decimal fraction"),
        pytest.param("0.1s", S // 10, id="a fraction that no float holds"),
        pytest.param("4.35", 4_350_000_000, id="text without a unit, as from the command line"),
        pytest.param(30, 30 * S, id="an int of seconds"),
        pytest.param(2.5, 5 * S // 2, id="a float of seconds"),
        pytest.param(timedelta(minutes=3, microseconds=7), 180 * S + 7000, id="a timedelta"),
        pytest.param(0, 0, id="zero"),
        pytest.param("0s", 0, id="zero with a unit"),
    ],
)
def test_a_duration_is_read_exactly(value: object, nanoseconds: int) -> None:
    assert parse_duration(value) == nanoseconds


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="nothing"),
        pytest.param("s", id="a unit without a number"),
        pytest.param("10min", id="a unit there is not"),
        pytest.param("5m3", id="a number without a unit behind one with"),
        pytest.param("30m1h", id="a larger unit behind a smaller one"),
        pytest.param("1m1m", id="a unit twice"),
        pytest.param("1.5.5s", id="two decimal points"),
        pytest.param("1e3s", id="an exponent"),
        pytest.param("-1s", id="negative text"),
        pytest.param("3m, 1s", id="a comma"),
        pytest.param("9" * 400, id="more than can be recorded"),
        pytest.param("999999999d", id="longer than 292 years"),
        pytest.param(-0.5, id="a negative number"),
        pytest.param(timedelta(seconds=-1), id="a negative timedelta"),
        pytest.param(math.nan, id="not a number"),
        pytest.param(math.inf, id="infinite"),
        pytest.param(10**400, id="an int that no float holds"),
        pytest.param(True, id="a bool"),
        pytest.param(None, id="None"),
        pytest.param(["3m"], id="a list"),
    ],
)
def test_what_is_no_duration_is_refused_with_what_is_one(value: object) -> None:
    with pytest.raises(UnitError) as caught:
        parse_duration(value)
    assert str(caught.value) == f"{value!r} is not {DURATION_FORMS}"


@pytest.mark.parametrize(
    ("value", "per_second"),
    [
        pytest.param("50/s", 50.0, id="per second"),
        pytest.param("3000/m", 50.0, id="per minute"),
        pytest.param("1800/h", 0.5, id="per hour"),
        pytest.param(" 0.5 / s ", 0.5, id="a fraction, spaces"),
    ],
)
def test_a_rate_is_per_second(value: object, per_second: float) -> None:
    assert parse_rate(value) == per_second


@pytest.mark.parametrize("value", ["50", 50, "0/s", "-1/s", "50/sec", "/s", "50/", "9" * 400 + "/s", None])
def test_what_is_no_rate_is_refused_with_what_is_one(value: object) -> None:
    with pytest.raises(UnitError) as caught:
        parse_rate(value)
    assert str(caught.value) == f"{value!r} is not {RATE_FORMS}"


def test_a_rate_of_zero_is_one_where_a_stage_may_end_there() -> None:
    assert parse_rate("0.0/s", zero=True) == 0


@pytest.mark.parametrize(
    ("value", "share"),
    [
        pytest.param("5%", 0.05, id="percent"),
        pytest.param("99.9%", 0.999, id="percent that are not a float divided by 100"),
        pytest.param(" 0.05 ", 0.05, id="a share as text"),
        pytest.param(0.05, 0.05, id="a share as a number"),
        pytest.param(0, 0.0, id="none"),
        pytest.param("100%", 1.0, id="all"),
        pytest.param(1, 1.0, id="all as a number"),
    ],
)
def test_a_share_is_a_fraction_of_one(value: object, share: float) -> None:
    assert parse_share(value) == share


@given(st.integers(0, 100_000))
@bounded
def test_a_share_in_percent_equals_the_same_share_counted(thousandths: int) -> None:
    assert parse_share(f"{thousandths / 1000:.3f}%") == thousandths / 100_000


@pytest.mark.parametrize(
    "value", ["150%", "-5%", 5, "5", -0.1, "nan", math.nan, "five", "5 percent", True, None]
)
def test_what_is_no_share_is_refused_with_what_is_one(value: object) -> None:
    with pytest.raises(UnitError) as caught:
        parse_share(value)
    assert str(caught.value) == f"{value!r} is not {SHARE_FORMS}"


@pytest.mark.parametrize(("value", "least", "count"), [(5, 1, 5), (" 160 ", 1, 160), ("0", 0, 0), (1, 1, 1)])
def test_a_count_is_a_whole_number(value: object, least: int, count: int) -> None:
    assert parse_count(value, least=least) == count


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("64MiB", 64 * 1024 * 1024),
        ("1.5 MB", 1_500_000),
        (" 500kB ", 500_000),
        ("1KiB", 1024),
        ("2GiB", 2 * 1024**3),
        ("1GB", 10**9),
        ("7B", 7),
        ("4096", 4096),
        (1, 1),
    ],
)
def test_a_size_is_a_number_of_bytes(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize(
    "value", [0, "0", "0MiB", "0.1B", -1, "64M", "64mb", "MiB", "1e3MB", 1.5, True, None, "9999999GiB", 2**60]
)
def test_what_is_no_size_is_refused_with_what_is_one(value: object) -> None:
    with pytest.raises(UnitError) as caught:
        parse_size(value)
    assert str(caught.value) == f"{value!r} is not {SIZE_FORMS}"


@pytest.mark.parametrize("value", [0, "0", -3, "-3", 2.0, "2.5", "five", True, None, "9" * 5000])
def test_what_is_no_count_is_refused_with_the_least_one(value: object) -> None:
    with pytest.raises(UnitError) as caught:
        parse_count(value)
    assert str(caught.value) == f"{value!r} is not a whole number, 1 or more"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 s"),
        (1, "1 ns"),
        (999.6, "1 us"),
        (1_234, "1.23 us"),
        (12_345_678, "12.3 ms"),
        (100_000_000, "100 ms"),
        (999_400_000, "999 ms"),
        (999_600_000, "1 s"),
        (1_250_000_000, "1.25 s"),
        (59_940_000_000, "59.9 s"),
        (59_960_000_000, "1m"),
        (61_500_000_000, "1m 1.5s"),
        (119_960_000_000, "2m"),
        (200 * S, "3m 20s"),
        (3_600 * S, "1h"),
        (3_725 * S, "1h 2m 5s"),
        (-5_000_000, "-5 ms"),
        (math.inf, "no end"),
        (math.nan, "-"),
    ],
)
def test_a_duration_reads_in_the_unit_that_fits(nanoseconds: float, text: str) -> None:
    assert format_duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.05, "5%"),
        (0.12345, "12.35%"),
        (0.00004, "0.004%"),
        (1e-7, "0.00001%"),
        (0.99996, "99.996%"),
        (1 - 1e-9, "99.9999999%"),
        (1, "100%"),
        (math.nan, "-"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(share: float, text: str) -> None:
    assert format_share(share) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0, "0/s"), (0.25, "0.25/s"), (50, "50/s"), (99.96, "100/s"), (12_345.6, "12,346/s"), (math.nan, "-")],
)
def test_a_rate_reads_with_three_digits(per_second: float, text: str) -> None:
    assert format_rate(per_second) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1_234_567, "1,234,567"), (math.nan, "-")])
def test_a_count_reads_exactly(number: float, text: str) -> None:
    assert format_count(number) == text


@pytest.mark.parametrize(
    ("format_", "value", "text"),
    [
        (format_duration, 5_012_500_000, "5.0125 s"),
        (format_duration, 61_234_000_000, "1m 1.234s"),
        (format_share, parse_share("7%"), "7%"),
        (format_share, 0.12345, "12.345%"),
        (format_rate, 12_345.6, "12,345.6/s"),
    ],
)
def test_with_enough_digits_a_figure_reads_as_it_was_written(
    format_: Callable[[float, int], str], value: float, text: str
) -> None:
    assert format_(value, EXACT_DIGITS) == text


@given(st.integers(1, 50 * S))
@bounded
def test_a_duration_that_was_shown_in_full_reads_back_to_itself(nanoseconds: int) -> None:
    text = format_duration(nanoseconds, EXACT_DIGITS)
    if not text.endswith("ns"):
        assert parse_duration(text) == nanoseconds
