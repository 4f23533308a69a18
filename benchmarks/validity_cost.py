"""`python -m benchmarks.validity_cost`: what it costs that the generator measures itself, and to judge.

Owns the limit and the order. The measuring is switched on and off in the same load (switched_probe.py); what
is judged is made up (judging_cost.py), for it is judged after the load.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import Table, at_least, facts_of, make_parser, move_beside_target, publish
from benchmarks.figures import Figure
from benchmarks.judging_cost import MINUTES, NAMES, Judging, time_judging
from benchmarks.load_tests import run_load_test
from benchmarks.pairs import FEWEST_PAIRS, LEFT_OUT, Piece, Ratio, pairs_of, pieces_of, ratio_of
from benchmarks.runs import TARGET_CORE, VUS, RunError
from benchmarks.table import Row
from benchmarks.target import Target, TargetError, running_target

SECTION = "validity cost"
PIECE_SECONDS = 0.3  # short, so that a machine's drift falls on both
SWITCH_SECONDS = 0.03  # between two pieces
PAIRS = 300
MOST_COST = 0.02  # of the throughput
RATIO_HEADER = ("with / without measuring", "median", "95 % interval", "pairs")
JUDGING_HEADER = ("after a load", "takes", "of the load's time")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if not move_beside_target():
        return 1
    method = f"{VUS} VUs, {options.pairs} pairs of {PIECE_SECONDS:g} s with and without, in one load"
    facts = facts_of(options, method)
    try:
        with running_target(TARGET_CORE) as target:
            pairs = measure(target, options.pairs)
    except (TargetError, RunError) as error:
        print(error, file=sys.stderr)
        return 1
    judging = time_judging()
    rate = ratio_of([with_.rate / without.rate for with_, without in pairs])
    cpu = ratio_of([with_.cpu_per_request / without.cpu_per_request for with_, without in pairs])
    tables: list[Table] = [
        (
            "Measuring the generator",
            RATIO_HEADER,
            [ratio_row("requests/s", rate), ratio_row("CPU per request", cpu)],
        ),
        ("Judging", JUDGING_HEADER, [judging_row(judging)]),
    ]
    return publish(SECTION, options, facts, tables, figures_of(rate, cpu, judging))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("validity_cost", __doc__)
    parser.add_argument(
        "--pairs",
        type=at_least(FEWEST_PAIRS),
        default=PAIRS,
        help=f"of {PIECE_SECONDS:g} s (default {PAIRS})",
    )
    return parser.parse_args(arguments)


def measure(target: Target, pairs: int) -> list[tuple[Piece, Piece]]:
    """Raises RunError unless the load went well."""
    # One pair more than is needed: the last piece is cut short.
    seconds = math.ceil((pairs + LEFT_OUT + 1) * 2 * (PIECE_SECONDS + SWITCH_SECONDS))
    options = [f"--load-vus={VUS}", f"--load-duration={seconds}s"]
    with tempfile.TemporaryDirectory(prefix="loadtest-bench-") as folder:
        path = Path(folder) / "pieces"
        environment = {"BENCH_PIECE_SECONDS": str(PIECE_SECONDS), "BENCH_PIECES": str(path)}
        finished = run_load_test(
            "switched_probe.py", options, environment, origin=target.origin(), load_seconds=seconds
        )
        if finished.status != 0 or not path.exists():
            raise RunError(f"exit status {finished.status}:\n{finished.last_words}")
        pieces = pieces_of([json.loads(line) for line in path.read_text().splitlines()])
    try:
        return pairs_of(pieces)
    except ValueError as error:
        raise RunError(str(error)) from error


def ratio_row(name: str, ratio: Ratio) -> Row:
    return name, f"{ratio.middle:.4f}", f"{ratio.low:.4f} - {ratio.high:.4f}", str(ratio.pairs)


def judging_row(judging: Judging) -> Row:
    load = f"of {MINUTES} minutes, {NAMES} request names, {judging.budgets} budgets"
    return load, f"{judging.seconds * 1000:.1f} ms", f"{judging.share:.4%}"


def figures_of(rate: Ratio, cpu: Ratio, judging: Judging) -> list[Figure]:
    return [
        cost_figure("throughput lost by measuring the generator", rate, is_gain=True),
        cost_figure("CPU per request added by it", cpu, is_gain=False),
        Figure(
            "time of judging, of the load's",
            f"{judging.share:.4%}",
            f"< {MOST_COST:.0%}",
            judging.share < MOST_COST,
        ),
    ]


def cost_figure(name: str, ratio: Ratio, *, is_gain: bool) -> Figure:
    """Met or not where the whole interval says so; where the limit lies inside, more pairs would tell."""
    costs = [1 - each if is_gain else each - 1 for each in (ratio.middle, ratio.low, ratio.high)]
    middle, low, high = costs[0], min(costs[1:]), max(costs[1:])
    holds = True if high < MOST_COST else False if low >= MOST_COST else None
    return Figure(name, f"{middle:.2%} ({low:.2%} - {high:.2%})", f"< {MOST_COST:.0%}", holds)


if __name__ == "__main__":
    sys.exit(main())
