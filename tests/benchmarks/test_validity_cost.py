"""What measuring and judging cost: the switching in a real load, judging made-up runs, what follows of it."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import pytest

from benchmarks.generators import REPOSITORY, pytest_command
from benchmarks.judging_cost import MINUTES, Judging, made_up_run, time_once, to_judge
from benchmarks.pairs import Piece, Ratio, pieces_of
from benchmarks.processes import run_pinned
from benchmarks.target import running_target
from benchmarks.validity_cost import cost_figure, figures_of, judging_row, parse_arguments
from pytest_loadtest.core.verdict import judge

needs_nginx = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("nginx", "taskset")), reason="needs nginx and taskset"
)
CORE = min(os.sched_getaffinity(0))


def pieces_of_one_load(path: Path) -> list[Piece]:
    with running_target(CORE) as target:
        finished = run_pinned(
            pytest_command("switched_probe.py", "--load-vus=4", "--load-duration=1s"),
            core=CORE,
            cwd=REPOSITORY,
            environment={
                "BENCH_URL": target.origin(),
                "BENCH_PIECE_SECONDS": "0.1",
                "BENCH_PIECES": str(path),
                "PYTHONPATH": str(REPOSITORY),
            },
            timeout_seconds=120,
            watch=lambda _pid: True,
        )
    assert finished.status == 0, finished.last_words
    return pieces_of([json.loads(line) for line in path.read_text().splitlines()])


@needs_nginx
def test_pieces_of_one_load_are_with_and_without_in_turn(tmp_path: Path) -> None:
    for _ in range(4):
        pieces = pieces_of_one_load(tmp_path / "pieces")
        if len(pieces) >= 6:
            break  # else this machine stood still for some of them
    assert [piece.measured for piece in pieces[:6]] == [True, False, False, True, True, False]
    assert {piece.measured for piece in pieces if piece.requests > 0} == {True, False}
    assert all(piece.cpu_ns > 0 for piece in pieces)
    assert all(piece.wall_ns >= 95_000_000 for piece in pieces)  # uvloop's timers end up to 1 ms early


@pytest.mark.parametrize(
    ("ratio", "measured", "holds"),
    [
        pytest.param(Ratio(0.995, 0.985, 1.004, 100), "0.50% (-0.40% - 1.50%)", True, id="surely below 2 %"),
        pytest.param(Ratio(0.995, 0.975, 1.01, 100), "0.50% (-1.00% - 2.50%)", None, id="not sure"),
        pytest.param(Ratio(0.95, 0.94, 0.97, 100), "5.00% (3.00% - 6.00%)", False, id="surely above"),
    ],
)
def test_a_cost_is_met_when_its_whole_interval_says_so(
    ratio: Ratio, measured: str, holds: bool | None
) -> None:
    figure = cost_figure("throughput", ratio, is_gain=True)
    assert (figure.measured, figure.holds) == (measured, holds)


def test_more_cpu_is_a_cost_and_fewer_requests_are_one() -> None:
    judging = Judging(seconds=0.5, budgets=8)
    figures = figures_of(Ratio(0.99, 0.985, 0.995, 9), Ratio(1.01, 1.005, 1.015, 9), judging)
    assert [figure.measured[:5] for figure in figures] == ["1.00%", "1.00%", "0.083"]
    assert all(figure.holds for figure in figures)


def test_what_is_judged_has_five_names_and_eight_budgets_with_intervals() -> None:
    asked, budgets = to_judge()
    assert len(asked) == 8
    run = made_up_run(seconds=30)
    assert len(run.metrics.requests) == 5
    verdicts = judge(budgets, run)
    assert len(verdicts) > len(asked)  # some hold by default
    assert all(verdict.passed for verdict in verdicts)
    percentiles = [verdict for verdict in verdicts if verdict.budget.percentile is not None]
    assert all(each.interval is not None and math.isfinite(each.interval.low) for each in percentiles)
    assert time_once(budgets, run) > 0


def test_the_time_of_judging_is_a_share_of_the_load() -> None:
    row = judging_row(Judging(seconds=MINUTES * 0.6, budgets=8))
    assert row == ("of 10 minutes, 5 request names, 8 budgets", "6000.0 ms", "1.0000%")


def test_too_few_pairs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--pairs", "5"])
    assert "5 is less than 6" in capsys.readouterr().err
