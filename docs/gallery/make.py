"""The pictures of docs/gallery.md, made from a real run.

    python -m docs.gallery.make [FOLDER]

Runs the gallery's load tests once, on a terminal, with all reports written into FOLDER (a temporary one
without it); then a browser and a rendered screen are photographed. A FOLDER that holds the reports of an
earlier run is photographed again, without load. A run in which a test ended otherwise than its name says
makes no pictures: the page would tell another story than they. Owns which pictures there are; how they are
taken is `camera`'s and `terminal`'s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from docs.gallery.camera import Camera, Shot
from docs.gallery.terminal import Recording, record
from pytest_loadtest.core.validity import State
from pytest_loadtest.results.result import LoadResult

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SUMMARY = "summary.md"


class Story(NamedTuple):
    """The picture of a load test's part, and how the test must have ended."""

    picture: str
    state: str
    is_limited: bool = False
    until: str = ".pictures"  # as far as the part is shown; "": all of it

    def is_of(self, result: LoadResult | None) -> bool:
        """Whether a result tells it."""
        limited = result is not None and result.generator.state == State.LIMITED.label
        return result is not None and result.state == self.state and limited == self.is_limited


STORIES = {
    "test_browsing_passes": Story("passes", "passed"),
    "test_a_slow_and_faulty_platform_fails": Story("fails", "failed", until=""),
    "test_a_busy_generator_is_no_verdict": Story("generator", "invalid", is_limited=True, until=""),
    "test_an_open_model_sees_freezes": Story("freezes", "failed"),
}
# Shown in the dark and on a phone, too; and its block, as budgets break in it.
LIVE = "test_a_slow_and_faulty_platform_fails"
LIVE_AFTER_S = 22.0  # of its 28: all its budgets are judged, and no ramp goes down yet
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
PHONE_HEIGHT, ROWS_HEIGHT = 1400, 1000  # as far as it is another sight than that of the parts
PLUGINS = (
    "-p",
    "no:k9",
    "-p",
    "no:locust",
    "-p",
    "no:cacheprovider",
)  # peers of make bench are no part of it


@dataclass(frozen=True)
class Reports:
    """What one run writes, in one folder."""

    folder: Path

    @property
    def page(self) -> Path:
        return self.folder / "page.html"

    @property
    def rows(self) -> Path:
        return self.folder / "report.html"

    @property
    def run(self) -> Path:
        return self.folder / "run.json"

    @property
    def markdown(self) -> Path:
        return self.folder / SUMMARY

    @property
    def terminal(self) -> Path:
        return self.folder / "terminal.json"

    def command(self) -> list[str]:
        """The run that writes them."""
        words = [
            sys.executable,
            "-m",
            "pytest",
            str(HERE / "test_gallery.py"),
            "--load-profile=cloud",
            *PLUGINS,
        ]
        words += [f"--load-html={self.page}", f"--load-json={self.run}", f"--load-markdown={self.markdown}"]
        return [*words, f"--html={self.rows}", "--self-contained-html"]


def run_loads(reports: Reports) -> None:
    """Run the load tests, some three minutes."""
    record(reports.command(), ROOT, LIVE, LIVE_AFTER_S).write(reports.terminal)


def test_name(result: LoadResult) -> str:
    """A result's test without its file."""
    return result.nodeid.rpartition("::")[2]


def other_stories(results: Sequence[LoadResult]) -> list[str]:
    """What ended otherwise than the gallery says, one sentence each."""
    ended = {test_name(result): result for result in results}
    return [
        f"{name} {_end_of(ended.get(name))}, which is not what the gallery tells of it"
        for name, story in STORIES.items()
        if not story.is_of(ended.get(name))
    ]


def _end_of(result: LoadResult | None) -> str:
    if result is None:
        return "was not run"
    return f"ended as {result.state} with the generator {result.generator.state}"


def shots_of(reports: Reports, results: Sequence[LoadResult]) -> list[Shot]:
    """The pictures of pages."""
    anchors = {test_name(result): f"#load-test-{n}" for n, result in enumerate(results, start=1)}
    parts = [
        Shot(story.picture, reports.page, anchors[test], until=f"{anchors[test]} {story.until}".rstrip())
        for test, story in STORIES.items()
    ]
    failing = anchors[LIVE]
    return [
        Shot("index", reports.page, "h1", until=".page-facts"),
        *parts,
        Shot("dark", reports.page, f"{failing} .pictures", words={"color_scheme": "dark"}),
        Shot("phone", reports.page, failing, words=PHONE, most_height=PHONE_HEIGHT),
        # The rows of what failed are open, as pytest-html has it.
        Shot("pytest-html", reports.rows, ".controls", until="#results-table", most_height=ROWS_HEIGHT),
    ]


def take_pictures(reports: Reports, target: Path) -> list[Path]:
    """All pictures, as files of `target`."""
    recording = Recording.read(reports.terminal)
    shots = shots_of(reports, LoadResult.read(reports.run))
    with Camera() as camera:
        taken = [camera.take(shot, target) for shot in shots]
        for name, lines in (("terminal-live", recording.live), ("terminal-end", recording.end)):
            page = reports.folder / f"{name}.html"
            page.write_text(recording.page_of(lines), "utf-8")
            taken.append(camera.take(Shot(name, page, "pre"), target))
    return taken


def copy_summary(reports: Reports, target: Path) -> None:
    """The summary for a pull request, as it was written: GitHub shows it as it would there."""
    (target / SUMMARY).write_text(reports.markdown.read_text("utf-8"), "utf-8")


def make(folder: Path) -> int:
    """Run if need be, check, take the pictures; the exit status."""
    reports = Reports(folder)
    if not reports.terminal.exists():
        run_loads(reports)
    if wrong := other_stories(LoadResult.read(reports.run)):
        print(*wrong, f"The reports are in {folder}.", sep="\n", file=sys.stderr)
        return 1
    for path in take_pictures(reports, HERE):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    copy_summary(reports, HERE)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the pictures of docs/gallery.md.")
    parser.add_argument("folder", nargs="?", type=Path, help="where the reports are written and kept")
    folder: Path | None = parser.parse_args().folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return make(folder.resolve())
    with tempfile.TemporaryDirectory() as temporary:
        return make(Path(temporary))


if __name__ == "__main__":
    sys.exit(main())
