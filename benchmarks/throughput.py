"""`python -m benchmarks.throughput`: our generators beside their peers, same work, same server, in rounds.

Owns the options and the order of the runs. What a generator is stands in generators.py, what is asked of it
in workloads.py, what is required in requirements.py, what is printed in throughput_text.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.command_line import at_least, facts_of, make_parser, move_beside_target
from benchmarks.generators import GENERATORS, Generator, baseline
from benchmarks.machine import describe_checkout
from benchmarks.page import write_section
from benchmarks.requirements import (
    BASELINE,
    BASELINE_REQUIREMENTS,
    REQUIREMENTS,
    Verdict,
    exit_status,
    judge,
)
from benchmarks.runs import TARGET_CORE, VUS, Results
from benchmarks.table import make_console
from benchmarks.target import Target, TargetError, running_target
from benchmarks.throughput_text import as_markdown, show
from benchmarks.workloads import WORKLOADS

SECTION = "throughput"
Turn = tuple[str, Generator]  # a workload and who runs it


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    console = make_console()
    if not move_beside_target():
        return 1
    facts = facts_of(options, method(options))
    if options.baseline is not None:
        facts["Baseline"] = describe_checkout(options.baseline)
    generators = rows_to_measure(options.baseline)
    try:
        results = run_rounds(options, generators, console)
    except TargetError as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = judge_all(results, with_baseline=options.baseline is not None)
    show(console, generators, results, verdicts)
    if options.markdown is not None:
        write_section(options.markdown, SECTION, as_markdown(facts, generators, results, verdicts))
    return exit_status(verdicts, any(measured.failures for measured in results.values()))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("throughput", __doc__)
    add, every_generator = parser.add_argument, [generator.name for generator in rows_to_measure(Path())]
    every_workload = [workload.name for workload in WORKLOADS]
    add("--seconds", type=at_least(1), default=5, help="load per generator and round (default 5)")
    add("--rounds", type=at_least(1), default=3, help="rounds in turn (default 3)")
    add(
        "--workload",
        type=some_of(every_workload),
        default=every_workload,
        metavar="NAME,...",
        help="default: all",
    )
    add("--only", type=some_of(every_generator), metavar="NAME,...", help="these generators only")
    add("--baseline", type=checkout, metavar="PATH", help="measure our package of this other checkout too")
    options = parser.parse_args(arguments)
    if BASELINE in (options.only or ()) and options.baseline is None:
        parser.error(f"--only {BASELINE} needs --baseline PATH")
    return options


def some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return chosen

    return names


def checkout(text: str) -> Path:
    path = Path(text).resolve()
    if not (path / "pytest_loadtest" / "__init__.py").is_file():
        raise argparse.ArgumentTypeError(f"{text!r} holds no package pytest_loadtest")
    return path


def method(options: argparse.Namespace) -> str:
    return (
        f"{VUS} VUs, {options.seconds} s per generator and round, {options.rounds} rounds in turn, "
        "every second one backwards"
    )


def rows_to_measure(baseline_checkout: Path | None) -> list[Generator]:
    """The baseline follows our first row, so that nothing but the turn of the rounds is between them."""
    ours, *others = GENERATORS
    return [ours, *others] if baseline_checkout is None else [ours, baseline(baseline_checkout), *others]


def run_rounds(
    options: argparse.Namespace, generators: Sequence[Generator], console: Console
) -> dict[str, Results]:
    """Every generator with every workload in every round, one at a time; results by workload."""
    results = {name: Results() for name in options.workload}
    turns = [
        (workload, generator)
        for workload, measured in results.items()
        for generator in generators
        if workload in generator.workloads and _is_to_run(generator, options.only, measured)
    ]
    with running_target(TARGET_CORE, options.workload) as target:
        for number in range(1, options.rounds + 1):
            for workload, generator in in_turn(turns, number):
                outcome = _run(results[workload], generator, target, workload, options.seconds)
                progress = f"round {number}: {workload}: {generator.name}: {outcome}"
                console.print(progress, markup=False, highlight=False)
    return results


def in_turn(turns: list[Turn], round_number: int) -> list[Turn]:
    """Every second round goes backwards: each of two rows is as often the first, and drift favours none."""
    return turns if round_number % 2 else turns[::-1]


def _is_to_run(generator: Generator, only: list[str] | None, results: Results) -> bool:
    reason = "left out" if only is not None and generator.name not in only else generator.missing()
    if reason:
        results.absent[generator.name] = reason
    return not reason


def _run(results: Results, generator: Generator, target: Target, workload: str, seconds: int) -> str:
    measured = results.run(generator, target, workload, seconds)
    return f"{measured.requests_per_second:.0f} requests/s" if measured else "failed"


def judge_all(results: Mapping[str, Results], *, with_baseline: bool) -> list[Verdict]:
    """Of every workload: a requirement on one that was left out is not checked."""
    table = (*REQUIREMENTS, *BASELINE_REQUIREMENTS) if with_baseline else REQUIREMENTS
    verdicts = []
    for workload in WORKLOADS:
        asked = [each for each in table if each.workload == workload.name]
        measured = results.get(workload.name)
        if measured is None:
            left_out = {each.subject: "its workload was left out" for each in asked}
            verdicts += judge([each for each in asked if each.limit is not None], {}, left_out)
        else:
            verdicts += judge(asked, measured.rounds, measured.absent)
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
