"""Workflow files for GitHub Actions and GitLab CI: this repository's, and those that docs/ci.md shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PAGE = "docs/ci.md"


@dataclass(frozen=True)
class Workflow:
    """One file: of this repository, or as a page shows it."""

    place: str
    name: str
    text: str

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.text)
        return found

    @property
    def is_gitlab(self) -> bool:
        return self.name == ".gitlab-ci.yml"

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Of all jobs of a workflow for GitHub."""
        if self.is_gitlab:
            return []
        return [step for job in self.content["jobs"].values() for step in job["steps"]]

    @property
    def scripts(self) -> list[str]:
        """What is given to a shell."""
        if self.is_gitlab:
            jobs = (job for job in self.content.values() if isinstance(job, dict))
            return ["\n".join(job["script"]) for job in jobs if "script" in job]
        return [step["run"] for step in self.steps if "run" in step]

    def commands(self, program: str) -> Iterator[list[str]]:
        """The arguments of each call of a program, in the shell's own place too."""
        for script in self.scripts:
            for line in script.replace("\\\n", " ").splitlines():
                line = line.removeprefix("exec ")
                words = shlex.split(line) if line.startswith(f"{program} ") else []
                if words:
                    yield words[len(program.split()) :]

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"


def of_page() -> list[Workflow]:
    """The files that the page shows; the comment on their first line is their name."""
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", page_text(), re.DOTALL | re.MULTILINE)
    return [Workflow(PAGE, Path(path).name, text) for path, text in blocks]


def of_repository() -> list[Workflow]:
    paths = sorted((ROOT / ".github" / "workflows").iterdir())
    return [Workflow("repository", path.name, path.read_text("utf-8")) for path in paths]


def page_text() -> str:
    return (ROOT / PAGE).read_text("utf-8")


def named(workflows: list[Workflow], name: str) -> Workflow:
    (found,) = (each for each in workflows if each.name == name)
    return found
