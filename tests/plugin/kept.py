"""A session to be interrupted, and what its reports say of its tests."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

from pytest_loadtest.results.run import Run
from tests.plugin.conftest import Project
from tests.plugin.session import Session

REPORTS = ("--junitxml=junit.xml", "--html=report.html", "--self-contained-html", "--load-json=load.json")
PLUGINS = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin", "-p", "xdist.plugin")
NOTE = """
import pathlib

def note(what):
    with pathlib.Path("notes").open("a") as notes:
        notes.write(what + "\\n")
"""
# On the controller, whose word it is to end a load: it may hear later of one than the load's target does.
CONTROLLER_KNOWS = """
class Controller:
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self):
        note("the controller knows")

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller())
"""


@dataclass(frozen=True)
class Kept:
    """What the reports say of the session's tests."""

    verdicts: list[str | None]  # of JUnit's properties
    failures: list[str | None]  # of JUnit
    rows: list[tuple[str, str]]  # of pytest-html: result and test
    states: list[str]  # of our own file
    exit_status: int | None

    @classmethod
    def at(cls, folder: Path) -> Self:
        root = ElementTree.parse(folder / "junit.xml").getroot()
        data = re.search('data-jsonblob="([^"]*)"', (folder / "report.html").read_text())
        assert data is not None
        tests = json.loads(html.unescape(data[1]))["tests"]
        run = Run.read(folder / "load.json")
        return cls(
            [each.get("value") for each in root.iter("property") if each.get("name") == "load_verdict"],
            [each.get("message") for each in root.iter("failure")],
            sorted((row["result"], row["testId"]) for rows in tests.values() for row in rows),
            [each.state for each in run.results],
            run.exit_status,
        )


def controller_knows(session: Session, tests: int = 1) -> bool:
    """That so many tests have begun; of a session with `CONTROLLER_KNOWS` in its conftest.py."""
    return session.notes().count("the controller knows") == tests


def begun(project: Project, *args: str, conftest: str = "") -> Session:
    """A session with `test_load.py`; with notes, and more of a conftest.py."""
    project.write(NOTE + conftest, "conftest.py")
    return Session(project, *PLUGINS, *args)
