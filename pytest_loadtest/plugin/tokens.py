"""The tokens of a load's virtual users: had before the load, kept valid beside it, counted apart from it.

Owns which token pool a test uses and where its tokens are kept between runs. How tokens are had is the
pool's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.auth import Authentication, TokenPool, pool_of
from pytest_loadtest.auth.side_by_side import side_by_side
from pytest_loadtest.core.environment import Environment
from pytest_loadtest.core.targets import Targets, host_of
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin.per_vu import PerVU
from pytest_loadtest.plugin.settings import TABLE, TOKENS
from pytest_loadtest.results.rows import AuthenticationRow

if TYPE_CHECKING:
    from pytest_loadtest.plugin.planning import SessionPlan

CACHE_FOLDER = "loadtest-tokens"  # in pytest's cache directory
_FIXTURES = "pytest_loadtest.plugin.fixtures"
COMMAND = "python -m pytest_loadtest tokens"  # makes tokens ahead

Progress = Callable[[int, int], None]


def configured_pool(environment: Environment) -> TokenPool:
    """The pool of the environment's table `tokens`. Raises ConfigurationError."""
    return pool_for(environment, token_table(environment))


def token_table(environment: Environment) -> Mapping[str, Any]:
    """The environment's table `tokens`. Raises ConfigurationError."""
    values = environment.get(TOKENS)
    if values is None:
        raise ConfigurationError(
            f"environment {environment.name!r} has no tokens: say in {TABLE[:-1]}.environments."
            f"{environment.name}.{TOKENS}] how its users sign in, or override the fixture token_pool"
        )
    if not isinstance(values, Mapping):  # and may be a secret: it is not shown
        raise ConfigurationError(f"{TABLE} environments.{environment.name}.{TOKENS} is not a table")
    return values


def pool_for(environment: Environment, values: Mapping[str, Any], options: str = "") -> TokenPool:
    """The pool of a table `tokens` of the environment. `options` of the command made it what it is.

    Raises ConfigurationError.
    """
    where = f"{TABLE} environments.{environment.name}.{TOKENS}"
    return pool_of(values, where=where, command=f"{COMMAND} --env {environment.name}{options}")


def check_configured_pool(item: pytest.Item, session: SessionPlan) -> None:
    """What is wrong with the table `tokens` is said before any load. Raises ConfigurationError."""
    if TOKENS in session.environment and _takes_our_pool(item):
        configured_pool(session.environment)


def _takes_our_pool(item: Any) -> bool:
    """Whether the test uses the fixture `token_pool`, and nobody has overridden it."""
    definitions = item._fixtureinfo.name2fixturedefs.get("token_pool", ())
    return bool(definitions) and definitions[-1].func.__module__ == _FIXTURES


def cache_directory(config: pytest.Config) -> Path | None:
    """Where tokens are kept, with a .gitignore of pytest's around it; None with ``-p no:cacheprovider``."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    return None if cache is None else cache.mkdir(CACHE_FOLDER)


class TokenSupply:
    """The token pools among the fixtures of one load, which may be none."""

    def __init__(self, pools: Sequence[TokenPool] = ()) -> None:
        self._pools = pools
        self._before = [pool.authentication for pool in pools]

    @classmethod
    def among(cls, values: Iterable[Any]) -> TokenSupply:
        """The pools among fixtures' values, and among what per-VU fixtures are made of."""
        return cls(list(dict.fromkeys(_pools(values))))

    def __bool__(self) -> bool:
        return bool(self._pools)

    async def prepare(
        self, vus: int, valid_for_s: float, *, directory: Path | None, targets: Targets, on_progress: Progress
    ) -> None:
        """Have a token for each virtual user. Raises TokenError, ConfigurationError."""
        for pool in self._pools:
            _check_target(pool, targets)
            if directory is not None:
                pool.cache_in(directory)
            await pool.prepare(vus, valid_for_s=valid_for_s, on_progress=on_progress)

    async def keep_valid(self) -> None:
        """Renew tokens until cancelled. Raises TokenError when one is beyond renewal."""
        await side_by_side(self._pools, lambda pool: pool.keep_valid(), len(self._pools))

    @property
    def notes(self) -> Iterator[str]:
        """What the pools have to say of this load's tokens."""
        for pool in self._pools:
            yield from pool.notes

    @property
    def authentication(self) -> AuthenticationRow | None:
        """What was done for this load; None when it has no tokens."""
        if not self._pools:
            return None
        pools = zip(self._before, self._pools, strict=True)
        done = [_since(before, pool.authentication) for before, pool in pools]
        return AuthenticationRow(*(sum(figures) for figures in zip(*done, strict=True)))


def _since(before: Authentication, now: Authentication) -> tuple[int, ...]:
    names = AuthenticationRow.__dataclass_fields__
    return tuple(getattr(now, name) - getattr(before, name) for name in names)


def _pools(values: Iterable[Any]) -> Iterator[TokenPool]:
    for value in values:
        if isinstance(value, TokenPool):
            yield value
        elif isinstance(value, PerVU):
            yield from _pools(value.__dict__["_dependencies"].values())


def _check_target(pool: TokenPool, targets: Targets) -> None:
    """Not even a sign-in goes where load may not."""
    if pool.url is not None and (reason := targets.refusal(host_of(pool.url))) is not None:
        raise ConfigurationError(f"{pool!r}: {reason}")
