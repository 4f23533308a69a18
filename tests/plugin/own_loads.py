"""What tests of the fixture ``load`` share: a scenario, and a test file around a test's body."""

from __future__ import annotations

from typing import NamedTuple

from tests.plugin.conftest import Project

BROWSE = """
async def browse(http, vu):
    await http.get("/", name="front page")
    vu.check("fine", True)
"""


def write_test(project: Project, body: str, *, arguments: str = "load", before: str = "") -> None:
    """A test of this body beside the scenario `browse`."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (project.pytester.path / "test_load.py").write_text(
        f"import pytest\n{BROWSE}\n{before}\ndef test_own({arguments}):\n{lines}\n", "utf-8"
    )


class Case(NamedTuple):
    """A test that fails: a sentence on it, its body, and a line that is printed."""

    sentence: str
    body: str
    line: str
