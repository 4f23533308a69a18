"""From a test's markers, the options and the project's settings to what its load shall be.

Owns which layer is stronger: command line > environment variable > profile > marker > ini key. A profile
is a choice of scale made for this run, so it is stronger than the marker it scales.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_loadtest.core.budget import Budget, Scope, Undecided, parse_budget, parse_budgets, with_defaults
from pytest_loadtest.core.environment import Environment
from pytest_loadtest.core.plan import Layer, LoadPlan, check_layer, plan_load, plan_once
from pytest_loadtest.core.shape import Shape
from pytest_loadtest.core.targets import Targets
from pytest_loadtest.core.units import UnitError, parse_duration
from pytest_loadtest.core.windows import misfit
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.plugin import options
from pytest_loadtest.plugin.client_settings import client_settings, has_run_headers
from pytest_loadtest.plugin.measuring import iterations_asked, judged_spans
from pytest_loadtest.plugin.settings import Settings

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What one load test is to do and to keep. Without budgets (``--load-once``) nothing is judged."""

    load: LoadPlan
    budgets: tuple[Budget, ...]
    undecided: Undecided = Undecided.ESTIMATE
    once: bool = False


BudgetKey = tuple[str, Scope, str, int]


@dataclass(frozen=True, slots=True)
class BudgetLayer:
    """Budgets from one place, for every load test."""

    source: str
    budgets: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What holds for all load tests of the session. Layers are in order of strength, the strongest last."""

    settings: Settings
    environment: Environment
    allowed: tuple[str, ...]  # protected environments that load may be sent to
    run_id: str
    profile: Layer | None
    overrides: tuple[Layer, ...]
    defaults: Layer
    budget_overrides: tuple[BudgetLayer, ...]
    budget_defaults: BudgetLayer
    undecided: Undecided
    pause_ns: int
    once: bool

    @classmethod
    def of(cls, config: pytest.Config) -> SessionPlan:
        """Read options and settings. Raises ConfigurationError."""
        settings = Settings.read(config.rootpath)
        environment, profile = settings.environment(config), settings.profile(config)
        # What is wrong with it is said before any load, not in a fixture.
        client_settings(environment)
        has_run_headers(environment)
        settings.targets(environment, ())
        overrides = (*([profile] if profile else []), *_layers(config))
        defaults = Layer(options.INI_FILE, _ini_values(config))
        for layer in (*overrides, defaults):
            check_layer(layer)
        budget_defaults, *budget_overrides = _budget_layers(config)
        return cls(
            settings=settings,
            environment=environment,
            allowed=tuple(options.values_of(config, "allow")),
            run_id=_run_id(config),
            profile=profile,
            overrides=overrides,
            defaults=defaults,
            budget_overrides=tuple(budget_overrides),
            budget_defaults=budget_defaults,
            undecided=_undecided(config),
            pause_ns=_pause_ns(config),
            once=options.is_set(config, "once"),
        )

    def client_settings(self, environment: Environment) -> ClientSettings:
        """How clients behave in the environment, as fixtures have made it. Raises ConfigurationError."""
        run_id = self.run_id if has_run_headers(environment) else ""
        return replace(client_settings(environment), targets=self.targets(), run_id=run_id)

    def targets(self) -> Targets:
        """Where load may be sent to."""
        return self.settings.targets(self.environment, self.allowed)

    def plan(self, item: pytest.Item) -> TestPlan:
        """The plan of one load test. Raises ConfigurationError."""
        marker = next(_markers(item, "load"))
        if marker.args:
            raise ConfigurationError(f"load takes keywords only, not {', '.join(map(repr, marker.args))}")
        return self._with_budgets(plan_load(marker.kwargs, self.overrides, self.defaults), _marked(item))

    def check(self, item: pytest.Item) -> None:
        """What is known beforehand of a test that runs loads by itself. Raises ConfigurationError."""
        _marked(item)

    def plan_of_call(
        self, item: pytest.Item, words: Mapping[str, object], budgets: Iterable[Mapping[str, object]]
    ) -> TestPlan:
        """The plan of a load that a test runs by itself. Raises ConfigurationError.

        What it compares is its own affair: of all that the session scales, only the duration concerns it.
        """
        durations = tuple(
            Layer(layer.source, {"duration": layer.values["duration"]})
            for layer in self.overrides
            if "duration" in layer.values
        )
        load = plan_load(words, durations, self.defaults)
        called = (budget for values in budgets for budget in parse_budgets(values))
        return self._with_budgets(load, {**_marked(item), **{_key(budget): budget for budget in called}})

    def _with_budgets(self, load: LoadPlan, own: Mapping[BudgetKey, Budget]) -> TestPlan:
        """The load with its own budgets and those of the session."""
        budgets, notes = self._budgets(own, load.shape)
        if self.once:
            return TestPlan(plan_once(load), (), once=True)
        fitting, misfits = _fitting(load, budgets.values())
        load = replace(load, overrides=(*load.overrides, *notes, *misfits))
        return TestPlan(load, tuple(with_defaults(fitting)), self.undecided)

    def _budgets(
        self, own: Mapping[BudgetKey, Budget], shape: Shape
    ) -> tuple[dict[BudgetKey, Budget], list[str]]:
        """The budgets of a load, and what the session's options changed of them, in words."""
        budgets = {
            _key(budget): budget for budget in self.budget_defaults.budgets if _concerns(budget, shape)
        }
        budgets.update(own)
        notes: dict[BudgetKey, str] = {}
        for layer in self.budget_overrides:
            for budget in layer.budgets:
                if _concerns(budget, shape):
                    notes[_key(budget)] = _note(budgets.get(_key(budget)), budget, layer.source)
                    budgets[_key(budget)] = budget
        return budgets, list(notes.values())


def _fitting(load: LoadPlan, budgets: Iterable[Budget]) -> tuple[list[Budget], list[str]]:
    """The budgets that the load is long enough for, and what becomes of the others, in words.

    A window that does not fit into the marker's own load is a mistake. But who tries a test out with
    --load-duration=5s must not have to edit its markers.
    """
    fitting, misfits = [], []
    spans = judged_spans(load, load.shape, load.shape.duration_ns) or ((0, load.shape.duration_ns),)
    for budget in budgets:
        reason = misfit(budget, spans, 1) if budget.window_ns and not iterations_asked(load.shape) else ""
        if not reason:
            fitting.append(budget)
        elif load.overrides:
            misfits.append(f"budget {budget.label} left out, the load is too short for it")
        else:
            raise ConfigurationError(f"budget {budget.label}: {reason}")
    return fitting, misfits


def _concerns(budget: Budget, shape: Shape) -> bool:
    """Whether a budget for all load tests is one for this test: what has no schedule cannot drop anything."""
    return budget.key != "dropped" or shape.has_schedule


def _note(before: Budget | None, budget: Budget, source: str) -> str:
    replaced = f"{before.limit_text} -> " if before else ""
    return f"budget {budget.label} {replaced}{budget.limit_text} ({source})"


def _key(budget: Budget) -> BudgetKey:
    """Budgets with the same key speak of the same figure."""
    return budget.key, budget.scope, budget.pattern, budget.window_ns


def _markers(item: pytest.Item, name: str) -> Iterator[pytest.Mark]:
    """The item's markers, the closest first: of its set of parameters, of the function, class, module.

    pytest itself puts the function's before those of a set of parameters, and a base class's before those
    of a class derived from it.
    """
    for node in item.iter_parents():
        distances = dict(_distances(node))
        marks = [mark for mark in node.own_markers if mark.name == name]
        yield from sorted(marks, key=lambda mark: distances.get(id(mark), 0))


def _distances(node: Any) -> Iterator[tuple[int, int]]:
    """How far from the node its own markers are."""
    if (callspec := getattr(node, "callspec", None)) is not None:
        yield from ((id(mark), -1) for mark in callspec.marks)
    if isinstance(cls := getattr(node, "obj", None), type):
        for distance, base in enumerate(cls.__mro__):
            marks = base.__dict__.get("pytestmark", ())
            for mark in marks if isinstance(marks, (list, tuple)) else [marks]:
                yield id(getattr(mark, "mark", mark)), distance


def _marked(item: pytest.Item) -> dict[BudgetKey, Budget]:
    budgets: dict[BudgetKey, Budget] = {}
    for marker in _markers(item, "budget"):
        if marker.args:
            raise ConfigurationError(f"budget takes keywords only, not {', '.join(map(repr, marker.args))}")
        for budget in parse_budgets(marker.kwargs):
            budgets.setdefault(_key(budget), budget)
    return budgets


def _layers(config: pytest.Config) -> list[Layer]:
    """One layer for each value, so that its source can be named exactly."""
    shape_options = options.SHAPE_OPTIONS
    variables = [
        Layer(f"environment variable {option.variable}", {option.word: value})
        for option in shape_options
        if (value := options.from_environment(option.name)) is not None
    ]
    flags = [
        Layer(option.flag_text, {option.word: value})
        for option in shape_options
        if (value := options.from_command_line(config, option.name)) is not None
    ]
    return variables + flags


def _ini_values(config: pytest.Config) -> dict[str, object]:
    return {
        option.word: value
        for option in options.SHAPE_OPTIONS
        if (value := options.from_ini(config, option.name)) is not None
    }


def _budget_layers(config: pytest.Config) -> list[BudgetLayer]:
    """Of the ini file, of the environment variable, of the command line."""
    by_place = options.values_by_place(config, "budget")
    return [
        BudgetLayer(source, tuple(_budget_option(text, source) for text in texts))
        for source, texts in reversed(by_place.items())
    ]


def _budget_option(text: str, source: str) -> Budget:
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise ConfigurationError(f"{source}: {text!r} is not KEY=VALUE, such as p95=2s")
    try:
        return parse_budget(key.strip(), value.strip())
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from None


def _run_id(config: pytest.Config) -> str:
    """Marks the requests of this run; the same on every worker of xdist."""
    given: str | None = getattr(config, "workerinput", {}).get("testrunuid")
    return given or uuid.uuid4().hex


def _undecided(config: pytest.Config) -> Undecided:
    word, source = options.value_and_source(config, "undecided")
    try:
        return Undecided(word or Undecided.ESTIMATE)
    except ValueError:
        raise ConfigurationError(f"{source}: {word!r} is none of {', '.join(Undecided)}") from None


def _pause_ns(config: pytest.Config) -> int:
    try:
        return parse_duration(options.value_of(config, "pause") or 0)
    except UnitError as error:
        raise ConfigurationError(f"--load-pause: {error}") from None
