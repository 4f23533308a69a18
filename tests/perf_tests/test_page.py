"""The page about the suite names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from perf_tests.options import OPTIONS
from tests.perf_tests.test_scenarios import SCENARIOS

PAGE = (Path(__file__).parents[2] / "docs" / "platform-suite.md").read_text("utf-8")


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without marks and without the head."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def test_the_scenarios_are_those_of_the_tests() -> None:
    shown = {tuple(row) for row in rows("Scenarios")}
    assert shown == {
        (scenario, test, str(vus), duration, f"{ramp_up} / {ramp_down}")
        for test, scenario, vus, duration, ramp_up, ramp_down in SCENARIOS
    }


def test_the_options_are_those_of_the_suite() -> None:
    shown = [option for option, _, _ in rows("Options of the suite")]
    assert shown == [f"{option.flag} {option.metavar}" for option in OPTIONS]
