"""Which texts are cron expressions."""

from __future__ import annotations

import pytest

from perf_tests.demo_platform.cron import fault_of


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "0 9 * * 1-5",
        "*/5 9-17 1,15 jan,MAR mon-fri",
        "0-59/10 23 31 12 7",
        "00 0 1 1 sun",
        "  5   4 * * *  ",
        ",".join(str(minute) for minute in range(60)) + " * * * *",
    ],
)
def test_a_cron_expression(text: str) -> None:
    assert fault_of(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "a cron expression has 5 fields"),
        ("* * * *", "a cron expression has 5 fields"),
        ("* * * * * *", "a cron expression has 5 fields"),
        ("@daily", "a cron expression has 5 fields"),
        ("*," * 200 + "* * * * *", "a cron expression has 5 fields"),
        ("60 * * * *", "'60' is no minute"),
        ("-1 * * * *", "'-1' is no minute"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of the month"),
        ("* * 32 * *", "'32' is no day of the month"),
        ("* * * 13 *", "'13' is no month"),
        ("* * * mon *", "'mon' is no month"),
        ("* * * * 8", "'8' is no day of the week"),
        ("5-1 * * * *", "'5-1' is no minute"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("1, * * * *", "'1,' is no minute"),
        ("1-2-3 * * * *", "'1-2-3' is no minute"),
        ("\u0661 * * * *", "'\u0661' is no minute"),
        ("tomorrow * * * *", "'tomorrow' is no minute"),
    ],
)
def test_no_cron_expression(text: str, fault: str) -> None:
    assert fault_of(text) == fault
