"""The settings of a platform as options, there and back, and what is refused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import pytest

from perf_tests.demo_platform import Faults
from perf_tests.demo_platform.__main__ import main
from perf_tests.demo_platform.options import add_options, arguments_of, settings_of
from perf_tests.demo_platform.settings import Settings


def parsed(arguments: list[str]) -> Settings:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser)
    return settings_of(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ("", Settings()),
        ("--latency 200ms", Settings(Faults(latency_s=0.2))),
        ("--error-rate 5%", Settings(Faults(error_rate=0.05))),
        ("--freeze 2s", Settings(Faults(freeze_s=2.0))),
        ("--freeze 500ms --freeze-every 1m", Settings(Faults(freeze_s=0.5, freeze_every_s=60.0))),
        ("--sign-in-rate 10", Settings(sign_in_rate=10.0)),
        ("--sign-in-rate 30/m", Settings(sign_in_rate=0.5)),
        ("--token-lifetime 60", Settings(token_lifetime_s=60)),
        ("--token-lifetime 15m", Settings(token_lifetime_s=900)),
        ("--credits 0", Settings(credits=0)),
    ],
)
def test_options_carry_units(arguments: str, settings: Settings) -> None:
    assert parsed(arguments.split()) == settings


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(Faults(0.001, 1 / 3, 0.25, 7.5), sign_in_rate=1 / 3, token_lifetime_s=1, credits=10**12),
        Settings(Faults(error_rate=1e-9), sign_in_rate=1e6),
    ],
)
def test_the_platforms_process_gets_what_was_asked_for(settings: Settings) -> None:
    assert parsed(arguments_of(settings)) == settings


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--latency fast", "'fast' is not a duration"),
        ("--error-rate 101%", "'101%' is not a share"),
        ("--sign-in-rate 0", "'0/s' is not a rate"),
        ("--credits=-1", "'-1' is not a whole number"),
        ("--token-lifetime 500ms", "a token lives a second or more"),
        ("--freeze 20s", "must run in between"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    arguments: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo_platform", "--port", "0", *arguments.split()])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda: Faults(latency_s=-1), "zero seconds or more"),
        (lambda: Faults(error_rate=1.5), "between 0 and 1"),
        (lambda: Faults(freeze_s=3, freeze_every_s=3), "run in between"),
        (lambda: Settings(sign_in_rate=0), "more than 0"),
        (lambda: Settings(token_lifetime_s=0), "a second or more"),
        (lambda: Settings(credits=-1), "0 or more"),
    ],
)
def test_wrong_settings_are_refused(wrong: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        wrong()
