"""The options that start with --load: one table, read from command line, environment variable and ini key.

The names agree: ``--load-ramp-up``, ``LOAD_RAMP_UP``, ``load_ramp_up``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class Option:
    """One option. A `flag` takes no value; a `repeatable` one collects its values."""

    name: str
    help: str
    metavar: str = ""
    flag: bool = False
    repeatable: bool = False

    @property
    def flag_text(self) -> str:
        return f"--load-{self.name}"

    @property
    def key(self) -> str:
        """The ini key, and argparse's destination."""
        return f"load_{self.name.replace('-', '_')}"

    @property
    def variable(self) -> str:
        return self.key.upper()


OPTIONS = (
    Option("env", "the environment of [tool.pytest-loadtest] to load", "NAME"),
    Option(
        "profile", "the scale of the load: local, cloud (as the markers say) or one of the project's", "NAME"
    ),
    Option("vus", "virtual users of every closed-model load test", "N"),
    Option("duration", "time at full load of every load test, without ramps", "TIME"),
    Option("ramp-up", "time to go from no load to full load", "TIME"),
    Option("ramp-down", "time to go from full load to none", "TIME"),
    Option("rate", "arrivals of every open-model load test, such as 50/s", "RATE"),
    Option("budget", "replace a budget of every load test, such as p95=2s", "KEY=VALUE", repeatable=True),
    Option("pause", "pause between load tests", "TIME"),
    Option("once", "1 virtual user, 1 iteration, no budgets: to debug a test, with --pdb", flag=True),
    Option("skip", "skip load tests", flag=True),
    Option("allow", "allow load on a protected environment", "NAME", repeatable=True),
)
SHAPE_OPTIONS = ("vus", "duration", "ramp-up", "ramp-down", "rate")
_BY_NAME = {option.name: option for option in OPTIONS}
_TRUE = frozenset({"1", "true", "yes", "on"})


def add_options(parser: pytest.Parser) -> None:
    """Register every option with pytest, on the command line and as an ini key."""
    group = parser.getgroup(
        "load", "load testing (each option is also an environment variable and an ini key)"
    )
    for option in OPTIONS:
        ini_type: Any = "bool" if option.flag else "args" if option.repeatable else "string"
        parser.addini(option.key, option.help, type=ini_type, default=None)
        if option.flag:
            group.addoption(
                option.flag_text, dest=option.key, help=option.help, action="store_true", default=None
            )
        else:
            action = "append" if option.repeatable else "store"
            group.addoption(
                option.flag_text,
                dest=option.key,
                help=option.help,
                action=action,
                metavar=option.metavar,
                default=None,
            )


def from_command_line(config: pytest.Config, name: str) -> Any:
    """The value given on the command line, or None."""
    return config.getoption(_BY_NAME[name].key, None)


def from_environment(name: str) -> str | None:
    """The value of the environment variable; an empty one counts as not set."""
    return os.environ.get(_BY_NAME[name].variable) or None


def from_ini(config: pytest.Config, name: str) -> Any:
    """The value in pytest's ini file, or None."""
    value = config.getini(_BY_NAME[name].key)
    return value if value not in ("", []) else None


def value_of(config: pytest.Config, name: str) -> str | None:
    """A single value: command line over environment variable over ini key."""
    for value in (from_command_line(config, name), from_environment(name), from_ini(config, name)):
        if value is not None:
            return str(value)
    return None


def values_of(config: pytest.Config, name: str) -> list[str]:
    """A repeatable option's values from the strongest place that gives any; variables are split at spaces."""
    given = from_command_line(config, name)
    if given is None and (text := from_environment(name)) is not None:
        given = text.split()
    return list(given if given is not None else from_ini(config, name) or [])


def is_set(config: pytest.Config, name: str) -> bool:
    """Whether a flag is set anywhere."""
    if from_command_line(config, name):
        return True
    text = from_environment(name)
    return text.lower() in _TRUE if text is not None else bool(from_ini(config, name))
