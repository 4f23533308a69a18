"""One generator's run against the server, and all runs of one workload together.

Must not know the order of the runs, nor what is printed of them.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.generators import Generator, Run
from benchmarks.measurement import Measurement, Reading, Summary, measure, summarise
from benchmarks.processes import Finished, cpu_seconds, run_pinned
from benchmarks.requirements import OURS, paired_ratios
from benchmarks.target import CounterReader, Target

VUS = 64
GENERATOR_CORE, TARGET_CORE = 0, 1
GRACE_SECONDS = 45  # for a generator's start-up, its graceful stop and its report; then it is killed


class RunError(Exception):
    """A generator's run gave no figures; the message says why."""


@dataclass
class Results:
    """All rounds of one workload so far, by generator."""

    rounds: dict[str, list[Measurement | None]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def run(self, generator: Generator, target: Target, workload: str, seconds: int) -> Measurement | None:
        """One more round of the generator; None, and a failure, where it gave no figures."""
        measured = None
        try:
            measured = run_once(generator, target, workload, seconds)
        except RunError as error:
            self.failures[generator.name] = str(error)
        self.rounds.setdefault(generator.name, []).append(measured)
        return measured

    def summaries(self) -> dict[str, Summary]:
        """Of the generators that did not fail in any round."""
        return {name: summarise(measured) for name, measured in self._whole().items()}

    def ratios_of_ours(self) -> dict[str, tuple[float, ...]]:
        """Our requests/s divided by each generator's, round by round, where both never failed."""
        whole = self._whole()
        if OURS not in whole:
            return {}
        ours = whole[OURS]
        return {name: paired_ratios(ours, theirs, "requests_per_second") for name, theirs in whole.items()}

    def _whole(self) -> dict[str, list[Measurement]]:
        return {
            name: measured
            for name, rounds in self.rounds.items()
            if (measured := [each for each in rounds if each is not None]) and len(measured) == len(rounds)
        }


def run_once(generator: Generator, target: Target, workload: str, seconds: int) -> Measurement:
    """One generator, one workload, one round. Raises RunError."""
    with (
        tempfile.TemporaryDirectory(prefix="loadtest-bench-") as folder,
        CounterReader(target.port) as counters,
    ):
        run = Run(target.origin(workload), VUS, seconds, Path(folder))
        counters.read()
        readings: list[Reading] = []

        def watch(pid: int) -> bool:
            requests = counters.read().requests
            readings.append(Reading(time.perf_counter(), requests, cpu_seconds(pid)))
            return True

        finished = run_pinned(
            generator.command(run),
            core=GENERATOR_CORE,
            cwd=generator.checkout,
            environment=environment(run, generator.checkout),
            timeout_seconds=seconds + GRACE_SECONDS,
            watch=watch,
        )
        return _measured(generator, run, finished, readings, counters.read().requests)


def environment(run: Run, checkout: Path) -> dict[str, str]:
    """What the load scripts read, and whose package they import."""
    return {
        "BENCH_URL": run.origin,
        "BENCH_SECONDS": str(run.seconds),
        "BENCH_VUS": str(run.vus),
        "PYTHONPATH": str(checkout),  # comes before the editable installation, which is of this checkout
    }


def _measured(
    generator: Generator, run: Run, finished: Finished, readings: list[Reading], requests: int
) -> Measurement:
    if finished.timed_out:
        raise RunError(f"killed: it did not end within {run.seconds + GRACE_SECONDS} s")
    if finished.status != 0:
        raise RunError(f"exit status {finished.status}:\n{finished.last_words}")
    try:
        own = generator.own_report(run, finished.output)
        if own is not None and own.failed:
            raise RunError(f"{own.failed} of its requests or checks failed")
        return measure(readings, requests, finished.cpu_seconds, run.seconds, own)
    except (ValueError, KeyError, OSError) as error:
        raise RunError(f"no figures ({error}); it said:\n{finished.last_words}") from error
