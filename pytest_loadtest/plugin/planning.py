"""From a test's markers, the options and the project's settings to what its load shall be.

Owns which layer is stronger: command line > environment variable > profile > marker > ini key. A profile
is a choice of scale made for this run, so it is stronger than the marker it scales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_loadtest.core.budget import Budget, Scope, parse_budget, parse_budgets, with_defaults
from pytest_loadtest.core.plan import Layer, LoadPlan, plan_load, plan_once
from pytest_loadtest.core.units import UnitError, parse_duration
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin import options
from pytest_loadtest.plugin.settings import Environment, Settings

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What one load test is to do and to keep. Without budgets (``--load-once``) nothing is judged."""

    load: LoadPlan
    budgets: tuple[Budget, ...]
    once: bool = False


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What holds for all load tests of the session."""

    environment: Environment
    profile: Layer | None
    overrides: tuple[Layer, ...]
    defaults: Layer
    budgets: tuple[Budget, ...]
    pause_ns: int
    once: bool

    @classmethod
    def of(cls, config: pytest.Config) -> SessionPlan:
        """Read options and settings. Raises ConfigurationError."""
        settings = Settings.read(config.rootpath)
        profile = settings.profile(config)
        layers = [
            profile,
            *_layers("environment variable LOAD_", lambda name: options.from_environment(name)),
            *_layers("--load-", lambda name: options.from_command_line(config, name)),
        ]
        ini = {
            _word(name): value for name in options.SHAPE_OPTIONS if (value := options.from_ini(config, name))
        }
        return cls(
            environment=settings.environment(config),
            profile=profile,
            overrides=tuple(layer for layer in layers if layer is not None),
            defaults=Layer("ini file", ini),
            budgets=tuple(_budget_option(text) for text in options.values_of(config, "budget")),
            pause_ns=_pause_ns(config),
            once=options.is_set(config, "once"),
        )

    def plan(self, item: pytest.Item) -> TestPlan:
        """The plan of one load test. Raises ConfigurationError."""
        marker = item.get_closest_marker("load")
        assert marker is not None
        if marker.args:
            raise ConfigurationError(f"load takes keywords only, not {', '.join(map(repr, marker.args))}")
        load = plan_load(marker.kwargs, self.overrides, self.defaults)
        if self.once:
            return TestPlan(plan_once(load), (), once=True)
        return TestPlan(load, tuple(with_defaults(self._budgets(item))))

    def _budgets(self, item: pytest.Item) -> list[Budget]:
        """The markers' budgets, the closest first; the options replace those of the same key."""
        budgets: dict[tuple[str, Scope, str], Budget] = {}
        for marker in item.iter_markers("budget"):
            if marker.args:
                raise ConfigurationError(
                    f"budget takes keywords only, not {', '.join(map(repr, marker.args))}"
                )
            for budget in parse_budgets(marker.kwargs):
                budgets.setdefault((budget.key, budget.scope, budget.pattern), budget)
        for budget in self.budgets:
            budgets[budget.key, budget.scope, budget.pattern] = budget
        return list(budgets.values())


def _layers(prefix: str, read: Callable[[str], object]) -> list[Layer]:
    """One layer for each value, so that its source can be named exactly."""
    found = []
    for name in options.SHAPE_OPTIONS:
        if (value := read(name)) is not None:
            shown = name.replace("-", "_").upper() if prefix.endswith("_") else name
            found.append(Layer(prefix + shown, {_word(name): value}))
    return found


def _word(name: str) -> str:
    """The marker's word for an option."""
    return name.replace("-", "_")


def _budget_option(text: str) -> Budget:
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise ConfigurationError(f"--load-budget: {text!r} is not KEY=VALUE, such as p95=2s")
    try:
        return parse_budget(key.strip(), value.strip())
    except ConfigurationError as error:
        raise ConfigurationError(f"--load-budget: {error}") from None


def _pause_ns(config: pytest.Config) -> int:
    try:
        return parse_duration(options.value_of(config, "pause") or 0)
    except UnitError as error:
        raise ConfigurationError(f"--load-pause: {error}") from None
