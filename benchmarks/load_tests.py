"""Our own load tests as processes: a script of load_scripts/ under pytest on one core, and its result.

Must not know what the scripts do, nor what is made of the results.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.generators import REPOSITORY, pytest_command
from benchmarks.processes import Finished, run_pinned
from benchmarks.runs import GENERATOR_CORE, RunError
from pytest_loadtest.results.result import LoadResult

START_SECONDS = 60  # for pytest's start-up and its report, beside the load
RESULTS_VARIABLE = "BENCH_RESULTS"  # load_scripts/conftest.py reads it
# Of the time: where the generator waits longer for its core, others use it, and no limit is called broken.
QUIET = 0.01
TESTS_RAN = (0, 1)  # of pytest's exit statuses: all passed, some failed


def was_quiet(result: LoadResult) -> bool:
    """Whether nothing else used the generator's core; True where nobody tells."""
    return (result.generator.run_queue or 0) <= QUIET


def run_load_test(
    script: str,
    options: Sequence[str],
    environment: Mapping[str, str],
    *,
    origin: str,
    load_seconds: float,
    watch: Callable[[int], bool] = lambda _pid: True,
) -> Finished:
    """Raises RunError when it does not end in time. What its exit status means is the caller's affair."""
    timeout_seconds = START_SECONDS + load_seconds
    finished = run_pinned(
        pytest_command(script, *options),
        core=GENERATOR_CORE,
        cwd=REPOSITORY,
        environment={"BENCH_URL": origin, **environment},
        timeout_seconds=timeout_seconds,
        watch=watch,
    )
    if finished.timed_out:
        raise RunError(f"{script} did not end within {timeout_seconds:.0f} s:\n{finished.last_words}")
    return finished


def load_result(
    script: str,
    options: Sequence[str],
    environment: Mapping[str, str],
    *,
    origin: str,
    load_seconds: float,
    watch: Callable[[int], bool] = lambda _pid: True,
) -> LoadResult:
    """The result of the one load test that runs, whatever its verdict. Raises RunError without one."""
    with tempfile.TemporaryDirectory(prefix="loadtest-bench-") as folder:
        path = Path(folder) / "results"
        finished = run_load_test(
            script,
            options,
            {**environment, RESULTS_VARIABLE: str(path)},
            origin=origin,
            load_seconds=load_seconds,
            watch=watch,
        )
        results = path.read_text().splitlines() if path.exists() else []
    if finished.status not in TESTS_RAN or len(results) != 1:
        raise RunError(
            f"{script} gave {len(results)} results, exit status {finished.status}:\n{finished.last_words}"
        )
    return LoadResult.from_plain(json.loads(results[0]))
