"""The gallery: its page and its pictures go together, and the script makes them. No load is run."""

from __future__ import annotations

import io
import re
import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docs.gallery.camera import COLORS, Camera, Shot, smaller
from docs.gallery.make import HERE, STORIES, SUMMARY, Reports, other_stories, shots_of, take_pictures
from docs.gallery.terminal import Recording, kept, record
from pytest_loadtest.report.html.page import Page
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import GeneratorRow
from pytest_loadtest.results.run import Run
from tests.report.loads import broken_load, frozen_load, passed_load

PAGE = HERE.parent / "gallery.md"
MOST_BYTES, MOST_BYTES_OF_ALL = 120_000, 1_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ROWS = "<div class=controls>Show all</div><table id=results-table><tr><td>Failed</table>"


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height, as a PNG's first chunk has them."""
    assert data[:8] == PNG_SIGNATURE
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def brightness(path: Path) -> int:
    """Of a place at the left edge, which is empty."""
    with Image.open(path) as picture:
        return int(picture.convert("L").getpixel((2, 40)))


def named_pictures() -> list[str]:
    return re.findall(r"!\[[^\]]+\]\(gallery/([\w-]+)\.png\)", PAGE.read_text("utf-8"))


# -- the page and its pictures ------------------------------------------------------------------------


def test_the_page_names_every_picture_once_and_no_other() -> None:
    assert sorted(named_pictures()) == sorted(path.stem for path in HERE.glob("*.png"))


@pytest.mark.parametrize("name", named_pictures())
def test_a_picture_is_a_small_png(name: str) -> None:
    data = (HERE / f"{name}.png").read_bytes()
    width, height = png_size(data)
    assert 300 <= width <= 1100
    assert 80 <= height <= 3000
    assert len(data) < MOST_BYTES


def test_all_pictures_together_are_small() -> None:
    assert sum(path.stat().st_size for path in HERE.glob("*.png")) < MOST_BYTES_OF_ALL


def test_the_summary_is_of_the_gallerys_tests() -> None:
    summary = (HERE / SUMMARY).read_text("utf-8")
    assert [name for name in STORIES if name not in summary] == []


def test_every_load_test_has_a_story() -> None:
    source = (HERE / "test_gallery.py").read_text("utf-8")
    assert re.findall(r"^async def (test_\w+)", source, re.MULTILINE) == list(STORIES)


# -- the script ---------------------------------------------------------------------------------------


@pytest.fixture
def results() -> list[LoadResult]:
    """A result for each story, as it should be."""
    made_up = (passed_load(20), broken_load(20), passed_load(20), frozen_load(20))
    return [
        replace(
            result,
            nodeid=f"docs/gallery/test_gallery.py::{test}",
            state=story.state,
            generator=GeneratorRow("generator-limited" if story.is_limited else "ok"),
        )
        for result, (test, story) in zip(made_up, STORIES.items(), strict=True)
    ]


def test_a_run_as_the_gallery_tells_it_is_accepted(results: list[LoadResult]) -> None:
    assert other_stories(results) == []


def test_a_run_that_went_otherwise_is_refused(results: list[LoadResult]) -> None:
    passed, failed, limited, _ = results
    noisy = replace(passed, generator=GeneratorRow("generator-limited"))
    told = other_stories([noisy, replace(failed, state="passed"), limited])
    assert [each.partition(",")[0] for each in told] == [
        "test_browsing_passes ended as passed with the generator generator-limited",
        "test_a_slow_and_faulty_platform_fails ended as passed with the generator ok",
        "test_an_open_model_sees_freezes was not run",
    ]


def test_the_run_writes_every_report_where_the_pictures_look_for_it(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    written = {word.partition("=")[2] for word in reports.command() if word.startswith(("--load-", "--html"))}
    assert written - {"cloud"} == {
        str(path) for path in (reports.page, reports.run, reports.rows, reports.markdown)
    }


def test_all_pictures_of_the_page_are_taken(results: list[LoadResult], tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    run = Run("run-1", "2026-11-22T20:15:00.250Z", results=tuple(results))
    run.write(reports.run)
    reports.page.write_text(Page().html(run), "utf-8")
    reports.rows.write_text(ROWS, "utf-8")
    line = [("12 VUs <&>", "color:#f47067")]
    Recording([line], [line, line]).write(reports.terminal)
    target = tmp_path / "pictures"
    target.mkdir()
    taken = take_pictures(reports, target)
    assert sorted(path.stem for path in taken) == sorted(named_pictures())
    sizes = {path.stem: png_size(path.read_bytes()) for path in taken}
    assert sizes["phone"][0] == 390
    assert sizes["fails"][1] > sizes["dark"][1] > 300
    assert brightness(target / "dark.png") < 40
    assert brightness(target / "passes.png") > 240


def test_a_picture_of_nothing_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p id=hidden style='display:none'>nothing", "utf-8")
    with Camera() as camera, pytest.raises(SystemExit, match="has nothing to show for it"):
        camera.take(Shot("it", page, "#hidden"), tmp_path)


def test_every_part_is_shown_from_its_own_anchor(results: list[LoadResult], tmp_path: Path) -> None:
    backwards = results[::-1]
    shots = {shot.name: shot.element for shot in shots_of(Reports(tmp_path), backwards)}
    assert [shots[story.picture] for story in STORIES.values()] == [f"#load-test-{n}" for n in (4, 3, 2, 1)]


def test_few_colours_keep_thin_curves_apart() -> None:
    picture = Image.linear_gradient("L").convert("RGB")
    draw = ImageDraw.Draw(picture)
    curves = ("#0072b2", "#00875f", "#c45200")
    for n, color in enumerate(curves):
        draw.rectangle((0, 20 * n, 255, 20 * n + 1), fill=color)
    data = io.BytesIO()
    picture.save(data, "PNG")
    with Image.open(io.BytesIO(smaller(data.getvalue()))) as few:
        found = few.convert("RGB")
    assert len(found.getcolors() or []) <= COLORS
    curves_kept = ["#{:02x}{:02x}{:02x}".format(*found.getpixel((9, 20 * n))) for n in range(len(curves))]
    assert curves_kept == list(curves)


BLOCK = (
    b"\x1b[?7l\r\ntest_x  \x1b[36m\xe2\x94\x81\x1b[0m 9s left\r\n",
    b"  so far: \x1b[1;31mBROKEN\x1b[0m <&>\x1b[2A\x1b[10G\x1b[?7h",
)


def texts_of(lines: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_a_block_is_kept_when_it_is_whole() -> None:
    recording = kept([b"above\r\nfile.py .", *BLOCK, b"\x1b[J.\r\n== load tests ==\r\nend"], "test_x", 0)
    assert texts_of(recording.live) == ["file.py .", "test_x  \u2501 9s left", "  so far: BROKEN <&>"]
    assert ("BROKEN", "color:#f47067;font-weight:bold") in [tuple(span) for span in recording.live[2]]
    assert texts_of(recording.end) == ["== load tests ==", "end"]
    assert "BROKEN</span>" in recording.page_of(recording.live)
    assert "&lt;&amp;&gt;" in recording.page_of(recording.live)


def test_a_block_that_did_not_last_is_not_kept() -> None:
    assert kept([b"file.py .", *BLOCK, b"\x1b[J"], "test_x", 60).live == []


def test_a_command_runs_on_a_terminal_without_our_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_VUS", "5")
    monkeypatch.setenv("NO_COLOR", "1")
    program = "import os; print(*(os.environ.get(name) for name in ('LOAD_VUS', 'NO_COLOR')), os.isatty(1))"
    command = [sys.executable, "-c", f"{program}; print(os.get_terminal_size().columns, os.getcwd())"]
    assert texts_of(record(command, tmp_path, "test_x", 0).end) == ["None None True", f"100 {tmp_path}"]
