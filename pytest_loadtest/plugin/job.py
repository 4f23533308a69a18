"""One load to be run for a test: what it does, under which name, and where its results are kept.

Owns what a marked test and a load that a test runs by itself have in common. It runs nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_loadtest.core.shape import Shape
from pytest_loadtest.core.verdict import Measurement
from pytest_loadtest.core.warm_up import WarmUp
from pytest_loadtest.engine.ending import LoadEnd
from pytest_loadtest.plugin.item import session_plan_key
from pytest_loadtest.plugin.load_loop import LoadLoop
from pytest_loadtest.plugin.planning import SessionPlan, TestPlan
from pytest_loadtest.plugin.tokens import TokenSupply

if TYPE_CHECKING:
    from pytest_loadtest.plugin.program import PytestProgram
    from pytest_loadtest.results.result import LoadResult

# Of the test's last run: the results of its loads, and the sections shown beneath a failure (title, text).
results_key = pytest.StashKey["list[LoadResult]"]()
sections_key = pytest.StashKey[list[tuple[str, str]]]()
reported_key = pytest.StashKey[int]()  # how many of the results a report has brought already
told_key = pytest.StashKey[int]()  # how many everybody has been told of: reports may be made and held back


@dataclass(frozen=True, slots=True)
class LoadJob:
    """One load of `item`. `name` is for progress lines, `title` for results; `label` tells it from the test's
    other loads. The body takes `fixtures`.
    """

    item: pytest.Item
    name: str
    title: str
    plan: TestPlan
    program: PytestProgram
    fixtures: Collection[str]
    loop: LoadLoop
    label: str = ""
    tokens: TokenSupply = field(default_factory=TokenSupply)

    @property
    def session(self) -> SessionPlan:
        """What holds for all loads of the session."""
        return self.item.config.stash[session_plan_key]

    def keep(self, result: LoadResult) -> None:
        """What was measured is kept before anything is raised."""
        results_of(self.item).append(result.without_secrets())


@dataclass(frozen=True, slots=True)
class EndedLoad:
    """A job that was run. `shape` may be longer than planned; `warm_up`: what of it is not judged.

    `began_at` is ISO 8601 in UTC, empty if the load never began.
    """

    job: LoadJob
    shape: Shape
    run: Measurement
    warm_up: WarmUp | None
    end: LoadEnd
    began_at: str = ""


def forget_loads(item: pytest.Item) -> None:
    """The test is run again: what an earlier run left is not its result."""
    item.stash[results_key] = []
    item.stash[sections_key] = []
    item.stash[reported_key] = item.stash[told_key] = 0


def results_of(item: pytest.Item) -> list[LoadResult]:
    """The results of the test's loads so far."""
    return item.stash.setdefault(results_key, [])


def new_results_of(item: pytest.Item) -> list[LoadResult]:
    """All results of the test's loads, for its next report; none if earlier reports had them all."""
    results = results_of(item)
    if len(results) == item.stash.get(reported_key, 0):
        return []
    item.stash[reported_key] = len(results)
    return results


def note_told(item: pytest.Item, count: int) -> None:
    """A report with so many results is on its way to everybody."""
    item.stash[told_key] = max(count, item.stash.get(told_key, 0))


def has_untold_results(item: pytest.Item) -> bool:
    """Whether there are results that nobody has been told of."""
    return len(results_of(item)) != item.stash.get(told_key, 0)


def report_untold_again(item: pytest.Item) -> None:
    """The next report brings the results that another has brought that was held back."""
    item.stash[reported_key] = item.stash.get(told_key, 0)


def sections_of(item: pytest.Item) -> list[tuple[str, str]]:
    """What is shown beneath its failure."""
    return item.stash.setdefault(sections_key, [])
