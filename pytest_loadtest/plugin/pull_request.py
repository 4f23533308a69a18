"""The summary for a pull request: the file of --load-markdown, and the summary of a step of GitHub Actions.

Owns when and where it is written. What it says is `report.markdown`'s affair, which is imported when there is
something to say.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_loadtest.plugin.output_file import OutputFile
from pytest_loadtest.results.files import replace_text
from pytest_loadtest.results.run import Run

# The variable with the file that GitHub Actions shows on the page of the run.
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
# Of one step, all of its commands together; GitHub shows nothing of a larger one.
MOST_STEP_BYTES = 1024 * 1024


class MarkdownFile(OutputFile):
    """The file of --load-markdown."""

    option = "--load-markdown"
    what = "summary for the pull request"

    def write(self, run: Run, path: Path) -> None:
        """As Markdown."""
        from pytest_loadtest.report.markdown import markdown_of

        replace_text(path, markdown_of(run))


class StepSummary:
    """What is appended to the step's summary, once, at the end. Nobody asked for it: it fails no session."""

    option = STEP_SUMMARY

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problem = ""

    def update(self, run: Run) -> None:
        """Not yet: what is appended cannot be replaced."""

    def finish(self, run: Run) -> None:
        """Append it to what earlier commands of the step have written."""
        from pytest_loadtest.report.markdown import markdown_of

        try:
            self._append(markdown_of(run))
        except OSError as error:
            self._problem = f"no summary of the step: {error}"

    def _append(self, text: str) -> None:
        with self._path.open("ab") as file:
            before = file.tell()
            appended = (f"\n\n{text}" if before else text).encode("utf-8", "replace")
            if before + len(appended) > MOST_STEP_BYTES:
                self._problem = f"no summary of the step: it has {before:,} bytes already, more is not shown"
                return
            file.write(appended)

    def note(self, run: Run) -> str | None:  # noqa: ARG002 - every output is asked for its note so
        """Only what went wrong: on GitHub the summary is seen beside this line."""
        return self._problem or None

    def __repr__(self) -> str:
        return f"<StepSummary {str(self._path)!r}>"


def outputs_of(config: pytest.Config) -> list[MarkdownFile | StepSummary]:
    """What the option and the variable ask for. Raises ConfigurationError."""
    file = MarkdownFile.asked_for(config)
    summary = os.environ.get(STEP_SUMMARY)
    return [*([file] if file else ()), *([StepSummary(Path(summary))] if summary else ())]
