"""Figures beside their limits: what the command says of them all together."""

from __future__ import annotations

import argparse
import os

import pytest

from benchmarks.command_line import as_markdown, at_least, move_beside_target
from benchmarks.figures import Figure, exit_status, with_range
from benchmarks.runs import GENERATOR_CORE

MET, BROKEN, UNCHECKED = (Figure("memory", "1 MB", "< 2 MB", holds) for holds in (True, False, None))


@pytest.mark.parametrize(
    ("figures", "status"),
    [
        pytest.param([], 0, id="nothing required, nothing broken"),
        pytest.param([MET, MET], 0, id="all met"),
        pytest.param([MET, UNCHECKED], 3, id="one not checked is not success"),
        pytest.param([UNCHECKED, BROKEN], 1, id="one broken outweighs one not checked"),
    ],
)
def test_the_exit_status_is_that_of_the_worst(figures: list[Figure], status: int) -> None:
    assert exit_status(figures) == status


def test_a_row_says_what_became_of_the_limit() -> None:
    assert MET.row() == ("memory", "1 MB", "< 2 MB", "met")
    assert [figure.row()[-1] for figure in (BROKEN, UNCHECKED)] == ["not met", "not checked"]


def test_a_figure_of_rounds_carries_its_range() -> None:
    assert with_range(0.314, 0.28, 0.352, "ms") == "0.31 ms (0.28 - 0.35)"


def test_a_number_below_the_least_is_refused() -> None:
    assert at_least(2)("2") == 2
    with pytest.raises(argparse.ArgumentTypeError, match="1 is less than 2"):
        at_least(2)("1")


def test_the_section_has_the_facts_and_every_table() -> None:
    text = as_markdown({"Date": "today"}, [("Memory", ("figure", "verdict"), [("peak", "met")])])
    assert text == "- Date: today\n\n#### Memory\n\n| figure | verdict |\n|---|---:|\n| peak | met |"


def test_on_one_core_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {GENERATOR_CORE})
    assert not move_beside_target()
    assert "needs two cores" in capsys.readouterr().err
