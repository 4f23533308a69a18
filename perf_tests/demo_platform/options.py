"""The settings of a platform as options of its command, there and back. Amounts carry the project's units."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pytest_loadtest.core.units import (
    NS_PER_S,
    UnitError,
    parse_count,
    parse_duration,
    parse_rate,
    parse_share,
)

from .settings import DEFAULT_CREDITS, DEFAULT_FREEZE_EVERY_S, DEFAULT_TOKEN_LIFETIME_S, Faults, Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("limits").add_argument
    add("--sign-in-rate", type=_checked(_per_second), metavar="N", help='sign-ins per second ("10", "30/m")')
    add(
        "--token-lifetime",
        type=_checked(_whole_seconds),
        default=DEFAULT_TOKEN_LIFETIME_S,
        metavar="TIME",
        help='how long access tokens are good ("60", "15m"; default: an hour)',
    )
    add(
        "--credits",
        type=_checked(lambda text: parse_count(text, least=0)),
        default=DEFAULT_CREDITS,
        metavar="N",
        help="of each user at the start; default: %(default)s",
    )
    add = parser.add_argument_group("failures on purpose").add_argument
    add("--latency", type=_checked(_seconds), default=0.0, metavar="TIME", help="added to each API answer")
    add(
        "--error-rate", type=_checked(parse_share), default=0.0, metavar="SHARE", help='500s and 503s ("5%%")'
    )
    add("--freeze", type=_checked(_seconds), default=0.0, metavar="TIME", help="the process stands still...")
    add(
        "--freeze-every",
        type=_checked(_seconds),
        default=DEFAULT_FREEZE_EVERY_S,
        metavar="TIME",
        help="...once in this time; default: %(default)g s",
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Raises ValueError where the values do not go together."""
    return Settings(
        faults=Faults(arguments.latency, arguments.error_rate, arguments.freeze, arguments.freeze_every),
        sign_in_rate=arguments.sign_in_rate,
        token_lifetime_s=arguments.token_lifetime,
        credits=arguments.credits,
    )


def arguments_of(settings: Settings) -> list[str]:
    """What to give the command for these settings."""
    faults = settings.faults
    arguments = [
        f"--latency={faults.latency_s:.9f}",
        f"--error-rate={faults.error_rate:.18f}",
        f"--freeze={faults.freeze_s:.9f}",
        f"--freeze-every={faults.freeze_every_s:.9f}",
        f"--token-lifetime={settings.token_lifetime_s}",
        f"--credits={settings.credits}",
    ]
    if settings.sign_in_rate is not None:
        arguments.append(f"--sign-in-rate={settings.sign_in_rate:.18f}")
    return arguments


def _checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The parser of an option's value, whose errors argparse shows."""

    def parse_option(text: str) -> Any:
        try:
            return parse(text)
        except UnitError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_option


def _seconds(text: str) -> float:
    return parse_duration(text) / NS_PER_S


def _whole_seconds(text: str) -> int:
    return parse_duration(text) // NS_PER_S


def _per_second(text: str) -> float:
    return parse_rate(text if "/" in text else f"{text}/s")
