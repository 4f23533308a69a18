"""The session as data: the run that all outputs are told of, and the file of --load-json.

The file is written after every load test, so that no crash loses what was measured. Owns what a run says of
its session. Where the results come from is `gathering`'s affair.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin import options
from pytest_loadtest.plugin.beginning import began_at
from pytest_loadtest.plugin.item import session_plan_key
from pytest_loadtest.plugin.output_file import OutputFile
from pytest_loadtest.plugin.sampling import SamplesOutput, samples_output
from pytest_loadtest.plugin.surroundings import commit_of, given_options, this_machine, versions
from pytest_loadtest.results.moments import utc_text
from pytest_loadtest.results.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_loadtest.plugin.planning import SessionPlan
    from pytest_loadtest.results.result import LoadResult

_session_key = pytest.StashKey[Run]()  # without results


def run_of(config: pytest.Config, results: tuple[LoadResult, ...], exit_status: int | None = None) -> Run:
    """The session so far."""
    if _session_key not in config.stash:
        config.stash[_session_key] = _without_results(config)
    run = config.stash[_session_key]
    return replace(
        run,
        run_id=next(
            (each.run_id for each in results), run.run_id
        ),  # xdist's controller has no plan of its own
        ended_at=utc_text(time.time_ns()),
        exit_status=exit_status,
        results=results,
    )


def _without_results(config: pytest.Config) -> Run:
    plan = _plan_of(config)
    return Run(
        run_id=plan.run_id if plan else "",
        began_at=began_at(config),
        environment=plan.environment.name if plan else "",
        api=redact(str(plan.environment.get("api", ""))) if plan else "",
        profile=options.value_of(config, "profile") or "",
        options=given_options(config),
        machine=this_machine(),
        versions=versions(),
        commit=commit_of(config.rootpath),
    )


def _plan_of(config: pytest.Config) -> SessionPlan | None:
    """xdist's controller plans nothing, but reads the same options and settings as its workers did."""
    from pytest_loadtest.plugin.planning import SessionPlan

    if (plan := config.stash.get(session_plan_key, None)) is not None:
        return plan
    try:
        return SessionPlan.of(config)
    except ConfigurationError:  # workers of another machine have other variables
        return None


class RunFile(OutputFile):
    """The file of --load-json."""

    option = "--load-json"
    what = "results"

    def write(self, run: Run, path: Path) -> None:
        """As data."""
        run.write(path)


def outputs_of(config: pytest.Config) -> list[RunFile | SamplesOutput]:
    """What the options ask for. Raises ConfigurationError."""
    return [output for output in (RunFile.asked_for(config), samples_output(config)) if output is not None]
