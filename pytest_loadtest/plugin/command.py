"""``python -m pytest_loadtest tokens``: tokens made ahead of the load tests that use them.

Owns the command's options and what it prints. Environments and the cache directory are those of the
project, so pytest itself is started to find them; it collects nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import pytest

import pytest_loadtest.plugin
from pytest_loadtest.auth import StaticTokens, TokenPool
from pytest_loadtest.auth.configuration import DEFAULT_SOURCE
from pytest_loadtest.core.environment import Environment
from pytest_loadtest.core.redaction import redact_declared
from pytest_loadtest.core.units import NS_PER_S, UnitError, format_duration, parse_count, parse_duration
from pytest_loadtest.errors import ConfigurationError, TokenError
from pytest_loadtest.plugin.settings import TABLE, Settings
from pytest_loadtest.plugin.tokens import cache_directory, pool_for, token_table

DEFAULT_COUNT = 150
NO_TOKENS = 1
# As pytest's for a usage error: nothing was sent.
USAGE_ERROR = int(pytest.ExitCode.USAGE_ERROR)
INTERRUPTED = int(pytest.ExitCode.INTERRUPTED)
# Tokens that are used up before a load test can begin are no help.
VALID_FOR_S = 600.0


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit status: 0, 1 without tokens, 2 after Ctrl-C, 4 for a usage error."""
    given = _parser().parse_args(arguments)
    making = _Making(given)
    with patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=""):
        status = pytest.main(_PYTEST, plugins=[pytest_loadtest.plugin, making])
    return int(status) if making.status is None else making.status


# Of pytest, only the project's folder, its ini file and its cache are wanted here.
_PYTEST = [
    *("-p", "no:terminal", "--noconftest"),
    *chain.from_iterable(
        ("-o", f"{key}=") for key in ("addopts", "required_plugins", "testpaths", "filterwarnings")
    ),
]


class _Parser(argparse.ArgumentParser):
    """Wrong options have the exit status that they have with pytest."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m pytest_loadtest")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tokens = commands.add_parser(
        "tokens",
        help="sign users in and keep their tokens for load tests",
        description="Sign the users of an environment in, and keep their tokens in pytest's cache directory, "
        "where load tests find them. What is there and still valid is kept.",
        epilog="Exit status: 0, 1 when tokens cannot be had, 2 after Ctrl-C, 4 when something is wrong with "
        "the options or the configuration.",
    )
    tokens.add_argument("--env", required=True, metavar="NAME", help=f"an environment of {TABLE}")
    tokens.add_argument(
        "--count",
        type=_count,
        metavar="N",
        help=f"tokens in all (default: as configured, else {DEFAULT_COUNT})",
    )
    tokens.add_argument("--timeout", type=_timeout, metavar="S", help="limit of one sign-in, in seconds")
    tokens.add_argument("--users", metavar="FILE", help="the users: a line each, EMAIL or EMAIL,PASSWORD")
    tokens.add_argument(
        "--create", action="store_true", help="create the users first, which needs the service key"
    )
    tokens.add_argument(
        "--allow", action="append", default=[], metavar="NAME", help="allow a protected environment"
    )
    return parser


def _count(text: str) -> int:
    try:
        return parse_count(text)
    except UnitError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _timeout(text: str) -> float:
    """Seconds; also with a unit, as in the configuration."""
    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdigit() else text) / NS_PER_S
    except UnitError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class _Making:
    """A pytest plugin that makes tokens where pytest would run tests."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self.status: int | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> bool:
        """Nothing is collected."""
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Make the tokens."""
        try:
            self._make(session.config)
        except ConfigurationError as error:
            self.status = _complain(error, USAGE_ERROR)
        except TokenError as error:
            self.status = _complain(error, NO_TOKENS)
        except KeyboardInterrupt:
            self.status = _complain("interrupted; the tokens made so far are kept", INTERRUPTED)
        else:
            self.status = 0
        return True

    def _make(self, config: pytest.Config) -> None:
        settings = Settings.read(config.rootpath)
        environment = settings.environment_named(self._given.env, self._given.allow, "--allow")
        values = self._values(environment)
        pool = pool_for(environment, values, self._options())
        directory = cache_directory(config)
        assert directory is not None, "the cache provider is one of pytest's own plugins"
        pool.cache_in(directory)
        assert pool.count is not None, "it is always among the values"
        with _progress() as on_progress:
            asyncio.run(pool.prepare(pool.count, valid_for_s=VALID_FOR_S, on_progress=on_progress))
        _report(pool, environment, directory)

    def _options(self) -> str:
        """Those that choose the users and where they are, for who is advised to run the command again."""
        users = f" --users {shlex.quote(self._given.users)}" if self._given.users else ""
        return users + "".join(f" --allow {shlex.quote(name)}" for name in self._given.allow)

    def _values(self, environment: Environment) -> dict[str, Any]:
        """The table `tokens` with what the options say instead."""
        table = token_table(environment)
        source = table.get("source", DEFAULT_SOURCE)
        if source == "signed" or table.get("cache") is False:
            raise ConfigurationError(
                f"tokens of environment {environment.name!r} are made when they are needed and not kept: "
                "there is nothing to do ahead"
            )
        values = dict(table)
        if self._given.count is not None:
            values["count"] = self._given.count
        elif source != "static":  # those are as many as there are
            values.setdefault("count", DEFAULT_COUNT)
        if self._given.timeout is not None:
            values["timeout"] = self._given.timeout
        if self._given.users is not None:
            values.pop("users", None)
            values["users_file"] = self._given.users
        if self._given.create:
            values["create"] = True
        return values


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = TextColumn("signing in"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("signing in", total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _report(pool: TokenPool, environment: Environment, directory: Path) -> None:
    done = pool.authentication
    for note in pool.notes:
        sys.stdout.write(f"note: {redact_declared(note)}\n")
    if isinstance(pool, StaticTokens):
        sys.stdout.write(f"{len(pool)} tokens for {environment.name}: all can be used; none is kept\n")
        return
    created = f"{done.created} users created, " if done.created else ""
    sys.stdout.write(
        f"{len(pool)} tokens for {environment.name}: {done.reused} there already, {created}{done.successes} "
        f"signed in with {done.attempts} attempts in {format_duration(done.time_ns)}; kept in {directory}\n"
    )


def _complain(error: object, status: int) -> int:
    sys.stderr.write(f"{redact_declared(str(error))}\n")
    return status
