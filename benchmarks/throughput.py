"""`python -m benchmarks.throughput`: our generator beside its peers, same work, same server, round by round.

Owns the order of the runs and what is printed. What a generator is stands in generators.py, what is required
in requirements.py.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.generators import GENERATORS, REPOSITORY, Generator, Workload
from benchmarks.machine import describe_machine
from benchmarks.measurement import Measurement, Reading, Summary, measure, summarise
from benchmarks.page import write_section
from benchmarks.processes import Finished, cpu_seconds, run_pinned
from benchmarks.requirements import Verdict, exit_status, judge
from benchmarks.table import make_console, markdown_facts, markdown_table, print_table
from benchmarks.target import CounterReader, Target, TargetError, running_target

VUS = 64
GENERATOR_CORE, TARGET_CORE = 0, 1
GRACE_SECONDS = 45  # for a generator's start-up, its graceful stop and its report; then it is killed
SECTION = "throughput"
HEADER = ("generator", "requests/s", "slowest - fastest", "CPU us/request", "with start-up", "of its core")


class RunError(Exception):
    """A generator's run gave no figures; the message says why."""


@dataclass
class Results:
    """All rounds so far."""

    rounds: dict[str, list[Measurement | None]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def summaries(self) -> dict[str, Summary]:
        """Of the generators that did not fail in any round."""
        return {
            name: summarise(measured)
            for name, rounds in self.rounds.items()
            if (measured := [each for each in rounds if each is not None]) and len(measured) == len(rounds)
        }


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    console = make_console()
    if not {GENERATOR_CORE, TARGET_CORE} <= os.sched_getaffinity(0):
        print("needs two cores: one for the generator, one for the server", file=sys.stderr)
        return 1
    os.sched_setaffinity(
        0, {TARGET_CORE}
    )  # the readings are taken beside the server, not beside the generator
    facts = {"Date": options.date, "Method": method(options), **describe_machine()}
    try:
        results = run_rounds(options, console)
    except TargetError as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = judge(results.rounds, results.absent)
    show(console, results, verdicts)
    if options.markdown is not None:
        write_section(options.markdown, SECTION, as_markdown(facts, results, verdicts))
    return exit_status(verdicts, bool(results.failures))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument(
        "--seconds", type=positive, default=5, help="load per generator and round (default 5)"
    )
    parser.add_argument("--rounds", type=positive, default=3, help="rounds in turn (default 3)")
    parser.add_argument("--only", type=names, default=None, metavar="NAME,...", help="these generators only")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="replace the section in this page")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="the date to write")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a whole number from 1")
    return number


def names(text: str) -> list[str]:
    known = [generator.name for generator in GENERATORS]
    chosen = text.split(",")
    for name in chosen:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
    return chosen


def method(options: argparse.Namespace) -> str:
    return f"{VUS} VUs, {options.seconds} s per generator and round, {options.rounds} rounds in turn"


def run_rounds(options: argparse.Namespace, console: Console) -> Results:
    """Every generator in every round, one at a time."""
    results = Results()
    present = [each for each in GENERATORS if _is_to_run(each, options.only, results)]
    with running_target(TARGET_CORE) as target:
        for number in range(1, options.rounds + 1):
            for generator in present:
                _run_into(results, generator, target, options.seconds)
                console.print(_progress(results, generator, number), markup=False, highlight=False)
    return results


def _is_to_run(generator: Generator, only: list[str] | None, results: Results) -> bool:
    reason = "left out" if only is not None and generator.name not in only else generator.missing()
    if reason:
        results.absent[generator.name] = reason
    return not reason


def _run_into(results: Results, generator: Generator, target: Target, seconds: int) -> None:
    measured = None
    try:
        measured = run_once(generator, target, seconds)
    except RunError as error:
        results.failures[generator.name] = str(error)
    results.rounds.setdefault(generator.name, []).append(measured)


def _progress(results: Results, generator: Generator, number: int) -> str:
    measured = results.rounds[generator.name][-1]
    outcome = f"{measured.requests_per_second:.0f} requests/s" if measured else "failed"
    return f"round {number}: {generator.name}: {outcome}"


def run_once(generator: Generator, target: Target, seconds: int) -> Measurement:
    """One generator, one round."""
    with (
        tempfile.TemporaryDirectory(prefix="loadtest-bench-") as folder,
        CounterReader(target.port) as counters,
    ):
        workload = Workload(target.origin, target.url, VUS, seconds, Path(folder))
        counters.read()
        readings: list[Reading] = []

        def watch(pid: int) -> bool:
            requests = counters.read().requests
            readings.append(Reading(time.perf_counter(), requests, cpu_seconds(pid)))
            return True

        finished = run_pinned(
            generator.command(workload),
            core=GENERATOR_CORE,
            cwd=REPOSITORY,
            environment=_environment(workload),
            timeout_seconds=seconds + GRACE_SECONDS,
            watch=watch,
        )
        return _measured(generator, workload, finished, readings, counters.read().requests)


def _environment(workload: Workload) -> dict[str, str]:
    return {
        "BENCH_URL": workload.origin,
        "BENCH_SECONDS": str(workload.seconds),
        "BENCH_VUS": str(workload.vus),
    }


def _measured(
    generator: Generator, workload: Workload, finished: Finished, readings: list[Reading], requests: int
) -> Measurement:
    if finished.timed_out:
        raise RunError(f"killed: it did not end within {workload.seconds + GRACE_SECONDS} s")
    if finished.status != 0:
        raise RunError(f"exit status {finished.status}:\n{finished.last_words}")
    try:
        own = generator.own_report(workload, finished.output)
        if own is not None and own.failed:
            raise RunError(f"{own.failed} of its requests or checks failed")
        return measure(readings, requests, finished.cpu_seconds, workload.seconds, own)
    except (ValueError, KeyError, OSError) as error:
        raise RunError(f"no figures ({error}); it said:\n{finished.last_words}") from error


def show(console: Console, results: Results, verdicts: Sequence[Verdict]) -> None:
    print_table(console, "Throughput (medians over the rounds)", HEADER, rows(results))
    for line in remarks(results):
        console.print(line, markup=False, highlight=False)
    print_table(console, "Requirements", ("requirement", "measured", "verdict"), verdict_rows(verdicts))


def rows(results: Results) -> list[tuple[str, ...]]:
    summaries = results.summaries()
    return [_row(generator.name, summaries.get(generator.name), results) for generator in GENERATORS]


def _row(name: str, summary: Summary | None, results: Results) -> tuple[str, ...]:
    if summary is None:
        return (name, results.absent.get(name, "failed"), "", "", "", "")
    return (
        name,
        f"{summary.requests_per_second:.0f}",
        f"{summary.slowest:.0f} - {summary.fastest:.0f}",
        f"{summary.cpu_us_per_request:.1f}",
        f"{summary.whole_cpu_us_per_request:.1f}",
        f"{summary.core_share:.0%}",
    )


def remarks(results: Results) -> list[str]:
    """Where figures disagree, and why a generator has none."""
    summaries = results.summaries()
    said = [f"{name}: {remark}" for name, summary in summaries.items() for remark in summary.remarks]
    return [*said, *(f"{name} failed: {reason}" for name, reason in results.failures.items())]


def verdict_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    return [
        (
            verdict.requirement.text,
            verdict.reason if verdict.ratio is None else f"{verdict.ratio:.2f}",
            verdict.state.value,
        )
        for verdict in verdicts
    ]


def as_markdown(facts: dict[str, str], results: Results, verdicts: Sequence[Verdict]) -> str:
    parts = [
        markdown_facts(facts),
        markdown_table(HEADER, rows(results)),
        "\n".join(f"- {indented(remark)}" for remark in remarks(results)),
        markdown_table(("requirement", "measured", "verdict"), verdict_rows(verdicts)),
        markdown_facts({f"`{generator.name}`": generator.how for generator in GENERATORS}),
    ]
    return "\n\n".join(part for part in parts if part)


def indented(text: str) -> str:
    """Its further lines belong to the same list item."""
    return text.replace("\n", "\n  ")


if __name__ == "__main__":
    sys.exit(main())
