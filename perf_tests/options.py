"""The options of this suite, besides those of pytest-loadtest: for its tests, and for the demo platform.

Each is also an environment variable of the same name: ``--requests-per-vu 8`` is ``REQUESTS_PER_VU=8``. The
command line is stronger, and an empty variable counts as not set. It knows nothing of the tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_loadtest.core.units import NS_PER_S, UnitError, parse_count, parse_duration, parse_share

ENDPOINTS = ("credits", "graphs", "blocks", "executions")


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """The values of one run. `requests_per_vu`: None leaves it to each test."""

    requests_per_vu: int | None
    endpoint: tuple[str, ...]
    concurrent_requests: int
    heartbeats_per_visit: int
    demo_latency: float  # seconds
    demo_error_rate: float
    demo_freeze: float  # seconds
    demo_freeze_every: float  # seconds

    @property
    def is_demo_ailing(self) -> bool:
        """Whether the demo platform is to behave worse than it does."""
        return bool(self.demo_latency or self.demo_error_rate or self.demo_freeze)


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Its name, with other dashes, is that of its variable and of its field in SuiteOptions."""

    name: str
    metavar: str
    help: str
    parse: Callable[[object], Any]
    default: Any
    repeatable: bool = False

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        return self.key.upper()

    @property
    def dest(self) -> str:
        """Where argparse puts it: one namespace holds the options of all plugins."""
        return f"perf_tests_{self.key}"


def _seconds(value: object) -> float:
    return parse_duration(value) / NS_PER_S


def _endpoint(value: object) -> str:
    if value not in ENDPOINTS:
        raise UnitError(value, f"one of {', '.join(ENDPOINTS)}")
    return str(value)


OPTIONS = (
    Option("requests-per-vu", "N", "journeys, or graphs, of one iteration", parse_count, None),
    Option(
        "endpoint",
        "NAME",
        f"only this endpoint in test_single_endpoint: {', '.join(ENDPOINTS)}; repeatable, in the variable"
        " separated by spaces",
        _endpoint,
        (),
        repeatable=True,
    ),
    Option("concurrent-requests", "N", "requests that test_single_endpoint sends at once", parse_count, 1),
    Option("heartbeats-per-visit", "N", "heartbeats of one visit in test_execution_updates", parse_count, 3),
    Option("demo-latency", "TIME", "the demo platform takes so much longer to answer", _seconds, 0.0),
    Option("demo-error-rate", "SHARE", "the demo platform fails this share of requests", parse_share, 0.0),
    Option("demo-freeze", "TIME", "the demo platform stands still for so long, ...", _seconds, 0.0),
    Option("demo-freeze-every", "TIME", "... once in this time; default: 20s", _seconds, 20.0),
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Register every option with pytest."""
    group = parser.getgroup("perf_tests", "load tests of the platform (each is also an environment variable)")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            dest=option.dest,
            metavar=option.metavar,
            help=option.help,
            action="append" if option.repeatable else "store",
            default=None,
        )


def read_options(config: pytest.Config) -> SuiteOptions:
    """The values of this run. Raises pytest.UsageError with the option, the value and what is allowed."""
    options = SuiteOptions(**{option.key: _value(config, option) for option in OPTIONS})
    if options.demo_freeze and options.demo_freeze >= options.demo_freeze_every:
        raise pytest.UsageError(
            f"--demo-freeze: {options.demo_freeze:g} s is not shorter than"
            f" --demo-freeze-every, which is {options.demo_freeze_every:g} s"
        )
    return options


def _value(config: pytest.Config, option: Option) -> Any:
    given, source = _given(config, option)
    if given is None:
        return option.default
    try:
        return tuple(map(option.parse, given)) if option.repeatable else option.parse(given)
    except UnitError as error:
        raise pytest.UsageError(f"{source}: {error}") from None


def _given(config: pytest.Config, option: Option) -> tuple[Any, str]:
    """What was given, and where; None when nothing was.

    The option is unknown where pytest found this folder's conftest.py only while it collected.
    """
    value = config.getoption(option.dest, None)
    if value is not None:
        return value, option.flag
    text = os.environ.get(option.variable) or None
    return text.split() if text and option.repeatable else text, f"environment variable {option.variable}"
