"""The options that start with --load: one table, read from command line, environment variable and ini key.

The names agree: ``--load-ramp-up``, ``LOAD_RAMP_UP``, ``load_ramp_up``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_loadtest.errors import ConfigurationError

if TYPE_CHECKING:
    import pytest


PREFIX = "--load-"


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
        return f"{PREFIX}{self.name}"

    @property
    def key(self) -> str:
        """The ini key, and argparse's destination."""
        return f"load_{self.word}"

    @property
    def variable(self) -> str:
        return self.key.upper()

    @property
    def word(self) -> str:
        """The load marker's word for the same."""
        return self.name.replace("-", "_")


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
    Option("undecided", "a budget too close to call: estimate (default), pass, fail or extend", "WORD"),
    Option("pause", "pause between load tests", "TIME"),
    Option("once", "1 virtual user, 1 iteration, no budgets: to debug a test, with --pdb", flag=True),
    Option("skip", "skip load tests", flag=True),
    Option("json", "write all results to this file", "PATH"),
    Option("samples", "write every request to this file: .jsonl or .csv, also .gz", "PATH"),
    Option("html", "write a page with charts of all load tests", "PATH"),
    Option("markdown", "write a summary for a pull request", "PATH"),
    Option(
        "export",
        "send metrics while load tests run: otlp, prometheus=HOST:PORT, influx=URL, statsd=HOST:PORT",
        "WHERE",
        repeatable=True,
    ),
    Option("allow", "allow load on a protected environment", "NAME", repeatable=True),
)
_BY_NAME = {option.name: option for option in OPTIONS}
SHAPE_OPTIONS = tuple(_BY_NAME[name] for name in ("vus", "duration", "ramp-up", "ramp-down", "rate"))
_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
INI_FILE = "ini file"


def add_options(parser: pytest.Parser) -> None:
    """Register every option with pytest, on the command line and as an ini key."""
    group = parser.getgroup(
        "load", "load testing (each option is also an environment variable and an ini key)"
    )
    for option in OPTIONS:
        ini_type: Any = "args" if option.repeatable else "string"
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
    return config.getini(_BY_NAME[name].key) or None


def value_of(config: pytest.Config, name: str) -> str | None:
    """A single value: command line over environment variable over ini key."""
    return value_and_source(config, name)[0]


def value_and_source(config: pytest.Config, name: str) -> tuple[str | None, str]:
    """A single value, and what the place is called that gives it."""
    option = _BY_NAME[name]
    for value, source in (
        (from_command_line(config, name), option.flag_text),
        (from_environment(name), f"environment variable {option.variable}"),
        (from_ini(config, name), f"{INI_FILE}: {option.key}"),
    ):
        if value is not None:
            return str(value), source
    return None, ""


def values_of(config: pytest.Config, name: str) -> list[str]:
    """A repeatable option's values from the strongest place that gives any."""
    for values in values_by_place(config, name).values():
        if values:
            return values
    return []


def values_by_place(config: pytest.Config, name: str) -> dict[str, list[str]]:
    """A repeatable option's values under what their place is called; the strongest place first."""
    option = _BY_NAME[name]
    return {
        option.flag_text: list(from_command_line(config, name) or ()),
        f"environment variable {option.variable}": (from_environment(name) or "").split(),
        INI_FILE: list(from_ini(config, name) or ()),
    }


def is_set(config: pytest.Config, name: str) -> bool:
    """Whether a flag is set, in the strongest place that says anything. Raises ConfigurationError."""
    if from_command_line(config, name):
        return True
    if (text := from_environment(name)) is not None:
        return _switch(text, f"environment variable {_BY_NAME[name].variable}")
    return _switch(str(from_ini(config, name) or "0"), f"{INI_FILE}: {_BY_NAME[name].key}")


def _switch(text: str, source: str) -> bool:
    try:
        return _SWITCH[text.strip().lower()]
    except KeyError:
        raise ConfigurationError(f"{source}: {text!r} is neither of {', '.join(_SWITCH)}") from None
