"""docs/results.md against the code: its tables name every field, and its programs do what they say."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.core.plan import Layer, plan_load
from pytest_loadtest.results import rows, run, timeline
from pytest_loadtest.results.configuration import configuration_of
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.sample_rows import COLUMNS, FORMATS
from tests.plugin.conftest import Project
from tests.results.results import LATENCIES, TEXT

PAGE = Path(__file__).parent.parent.parent / "docs" / "results.md"
CLASSES: dict[str, type] = {
    "machine": run.Machine,
    "commit": run.Commit,
    "summary": run.Summary,
    "result": LoadResult,
    "latency": rows.Latency,
    "request": rows.RequestRow,
    "error": rows.ErrorRow,
    "failure": rows.FailureRow,
    "share": rows.ShareRow,
    "budget": rows.BudgetRow,
    "generator": rows.GeneratorRow,
    "blocked": rows.BlockedRow,
    "authentication": rows.AuthenticationRow,
    "timeline": timeline.Timeline,
    "requests of a timeline": timeline.RequestTimeline,
}


@cache
def sections() -> dict[str, str]:
    """What stands under each heading."""
    parts = re.split(r"^#+ (.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def listed(title: str) -> list[str]:
    """The fields in a section's table."""
    return re.findall(r"^\| `(\w+)` \|", sections()[title], re.MULTILINE)


def program(name: str) -> dict[str, Any]:
    """What a python block of the page defines."""
    (source,) = re.findall(rf"```py(?:thon)?\n(# {name}\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "a page"}
    exec(compile(source, name, "exec"), names)
    return names


@pytest.mark.parametrize("title", CLASSES)
def test_a_table_names_every_field(title: str) -> None:
    assert listed(title) == [each.name for each in fields(CLASSES[title])]


def test_the_documents_table_names_every_field() -> None:
    names = [each.name for each in fields(run.Run)]
    assert listed("The document") == ["format", "schema_version", *names[:-1], "summary", "results"]


def test_the_configurations_table_names_every_word() -> None:
    load = plan_load({"vus": 1, "duration": 1}, (), Layer("nowhere", {}))
    assert listed("configuration") == list(configuration_of(load, load.shape))


def test_the_samples_table_names_every_column_and_the_text_every_format() -> None:
    assert listed("Every request") == list(COLUMNS)
    assert all(f"`{suffix}`" in sections()["Every request"] for suffix in FORMATS)


def test_the_links_within_the_page_lead_somewhere() -> None:
    known = {title.lower().replace(" ", "-") for title in sections()}
    assert set(re.findall(r"\(#([\w-]+)\)", PAGE.read_text("utf-8"))) <= known


def test_a_distribution_is_read_as_the_page_says() -> None:
    found = list(program("distributions.py")["buckets"](TEXT))
    assert sum(count for _, _, count in found) == LATENCIES.n
    for (low, high, _), value_ms in zip(found, (10, 20, 30), strict=True):
        assert low <= value_ms * 1_000_000 < high <= low * 1.008


def test_the_slowest_names_are_printed_from_several_runs(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=3)
        async def test_shop(http):
            await http.get("/api/items")
            await http.get("/delay/0.05", name="slow")
        """
    )
    for n in range(2):
        project.run(f"--load-json={n}.json")
    capsys.readouterr()
    program("slowest.py")["main"](sorted(project.pytester.path.glob("*.json")))
    printed = re.findall(r"^(.+): p95 ([\d.]+) ms of 6 requests$", capsys.readouterr().out, re.MULTILINE)
    p95_ms = {name: float(figure) for name, figure in printed}
    assert p95_ms.keys() == {"slow", "GET /api/items"}
    assert p95_ms["slow"] >= 50
    assert list(p95_ms.values()) == sorted(p95_ms.values(), reverse=True)
