"""The fixture ``load``: loads that a test runs by itself, to compare them.

Owns how such a call becomes a `LoadJob`. The test around it is an ordinary one, run once by pytest.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.errors import ConfigurationError, MisuseError, TokenError
from pytest_loadtest.plugin.collection import is_generator
from pytest_loadtest.plugin.item import loop_key
from pytest_loadtest.plugin.job import LoadJob, forget_loads, sections_of
from pytest_loadtest.plugin.planning import SessionPlan
from pytest_loadtest.plugin.program import PytestProgram, Scenario, per_vu_nodes
from pytest_loadtest.plugin.running import raise_error, raise_verdict, run_load
from pytest_loadtest.plugin.tokens import TokenSupply
from pytest_loadtest.plugin.tracebacks import below_ours, without_ours_below
from pytest_loadtest.report.failure import details
from pytest_loadtest.results.measured import MeasuredLoad

Budgets = Mapping[str, object] | Sequence[Mapping[str, object]]
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Load:
    """``load(scenario, vus=10, duration="10s")`` runs the scenario as the body of a load test is run.

    The scenario's arguments are fixtures. The keywords are those of the load marker; `budget` has those of
    the budget marker, or is a list of such. The load holds the test's budget markers, too, and the default
    limits: if one is broken, the test fails, unless `check` is False; where pytest-timeout's limit on the
    test ends the load, it fails in any case. Returns what was measured.

    Raises ConfigurationError for wrong keywords, MisuseError where no load can be run.
    """

    def __init__(self, request: pytest.FixtureRequest, session: SessionPlan) -> None:
        self._request = request
        self._session = session
        self._labels = Counter[str]()
        forget_loads(request.node)

    def __call__(
        self,
        scenario: Callable[..., object],
        /,
        *,
        budget: Budgets | None = None,
        check: bool = True,
        **shape: object,
    ) -> MeasuredLoad:
        __tracebackhide__ = True
        job = self._job(scenario, shape, _checked(budget))
        try:
            loaded = run_load(job)
            raise_error(loaded.ended)
        except BaseException as error:  # the way from here to the user's line is ours
            error.__traceback__ = below_ours(error.__traceback__)
            if isinstance(error, (ConfigurationError, TokenError)):  # its message says it all
                error.__traceback__ = without_ours_below(error.__traceback__)
            raise
        # The test's time is over, too: `check` is about this load only.
        if check or loaded.ended.end.ending is Ending.TIMED_OUT:
            raise_verdict(loaded, f"load {job.label!r}: ")
        assert loaded.result is not None  # without one, an error was raised
        # Beneath an assertion that fails later stands what it is about.
        sections_of(job.item).append((job.name, details(loaded.result)))
        return MeasuredLoad.of(loaded.ended.run, loaded.result, job.label)

    def _job(
        self,
        scenario: Callable[..., object],
        shape: Mapping[str, object],
        budgets: Sequence[Mapping[str, object]],
    ) -> LoadJob:
        __tracebackhide__ = True
        item: Any = self._request.node
        _check_scenario(scenario)
        if item.config.stash[loop_key].is_running:  # in another thread
            raise MisuseError(
                "load(...): another load is running; one load can run a scenario that does both"
            )
        try:
            plan = self._session.plan_of_call(item, shape, budgets)
        except ConfigurationError as error:
            raise ConfigurationError(str(error)) from None  # without the way to it, which is ours
        arguments = {name: self._request.getfixturevalue(name) for name in _fixtures_of(scenario)}
        nodes = per_vu_nodes([*item.funcargs.values(), *arguments.values()])
        level, _, _ = shape_in_words(plan.load.shape).partition(",")
        label = self._distinct(plan.load.name or f"{_name_of(scenario)}, {level}")
        return LoadJob(
            item=item,
            name=f"{item.name}: {label}",
            label=label,
            title=f"{item.nodeid}: {label}",
            plan=plan,
            program=PytestProgram(
                Scenario(scenario, arguments, nodes), item.config.rootpath, keep_error=plan.once
            ),
            fixtures=tuple(arguments),
            loop=item.config.stash[loop_key],
            tokens=TokenSupply.among([*item.funcargs.values(), *arguments.values()]),
        )

    def _distinct(self, label: str) -> str:
        """The same load twice is two rows of the results, with two names."""
        self._labels[label] += 1
        return label if self._labels[label] == 1 else f"{label} #{self._labels[label]}"


def _checked(budget: object) -> Sequence[Mapping[str, object]]:
    __tracebackhide__ = True
    budgets = [budget] if isinstance(budget, Mapping) else budget or []
    if isinstance(budgets, (list, tuple)) and all(isinstance(each, Mapping) for each in budgets):
        return budgets
    raise ConfigurationError(
        f'load: budget: {budget!r} is not a dictionary such as {{"p95": "500ms"}}, or a list of such'
    )


def _check_scenario(scenario: object) -> None:
    __tracebackhide__ = True
    if not callable(scenario):
        raise MisuseError(f"load({scenario!r}, ...): its first argument is the function that users run")
    if is_generator(scenario):
        raise MisuseError(f"load({_name_of(scenario)}, ...): a scenario must not yield")
    if asyncio._get_running_loop() is not None:
        raise MisuseError("load(...) waits until the load is over: call it in a plain `def` test")


def _fixtures_of(scenario: Callable[..., object]) -> list[str]:
    """The arguments that nobody has given yet."""
    parameters = inspect.signature(scenario).parameters.values()
    return [
        each.name for each in parameters if each.kind in _NAMED and each.default is inspect.Parameter.empty
    ]


def _name_of(scenario: Any) -> str:
    return str(getattr(getattr(scenario, "func", scenario), "__name__", type(scenario).__name__))
