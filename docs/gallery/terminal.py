"""A command on a terminal in memory, and its screens as pages.

Owns the pseudo-terminal, and what of its screens is kept: the block of a running load, and how the run
ended. Knows neither what the command does nor how pages are photographed.
"""

from __future__ import annotations

import fcntl
import html
import itertools
import json
import os
import pty
import struct
import subprocess
import termios
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import pyte
from pyte.modes import DECAWM

COLUMNS, LINES = 100, 400  # as high as a run's output is long: nothing scrolls away
END_BEGINS = "= load tests ="  # the title of the final table
BAR = "━"
# Of the run alone: what the machine's own environment says would change what is shown.
NOT_PASSED_ON = ("CI", "COLUMNS", "LINES", "NO_COLOR", "PY_COLORS", "GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS")

BACKGROUND, TEXT = "#16181d", "#e6e8eb"
PALETTE = {
    "default": TEXT,
    "black": "#59616b",
    "red": "#f47067",
    "green": "#57ab5a",
    "brown": "#d4a72c",
    "blue": "#6cb6ff",
    "magenta": "#dcbdfb",
    "cyan": "#39c5cf",
    "white": TEXT,
}
STYLE = f"""
    html {{ background: {BACKGROUND}; }}
    body {{ margin: 0; }}
    pre {{ color: {TEXT}; font: 15px/1.25 'DejaVu Sans Mono', monospace; margin: 12px 16px; }}
"""

Span = tuple[str, str]  # text, and the style of it
Line = list[Span]


@dataclass(frozen=True)
class Recording:
    """What was kept of a run: lines of text with styles."""

    live: list[Line]
    end: list[Line]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text("utf-8")))

    @staticmethod
    def page_of(lines: Sequence[Line]) -> str:
        """The lines as a page."""
        text = "\n".join("".join(map(_markup, line)) for line in lines)
        return f"<!DOCTYPE html><meta charset=utf-8><style>{STYLE}</style><pre>{text}</pre>"


def record(command: Sequence[str], folder: Path, live: str, live_after_s: float) -> Recording:
    """Run a command on a terminal, and keep of it what `kept` keeps."""
    return kept(_output(command, folder), live, live_after_s)


def kept(output: Iterable[bytes], live: str, live_after_s: float) -> Recording:
    """The screen some time after a line that begins with `live` had a bar, and the screen at the end."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    first_seen_s: float | None = None
    block: list[Line] = []
    for data in output:
        stream.feed(data)
        if block or DECAWM not in screen.mode or not _has_block(screen, live):
            continue  # without automatic breaks it is in the midst of a frame
        first_seen_s = first_seen_s or time.monotonic()
        if time.monotonic() - first_seen_s >= live_after_s:
            block = live_part(screen)
    return Recording(block, end_part(screen))


def _output(command: Sequence[str], folder: Path) -> Iterator[bytes]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = _environment(os.environ)
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        try:
            while data := os.read(ours, 65536):
                yield data
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(ours)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    passed_on = {name: value for name, value in variables.items() if not name.startswith("LOAD_")}
    for name in NOT_PASSED_ON:
        passed_on.pop(name, None)
    return {**passed_on, "TERM": "xterm-256color"}


def _has_block(screen: pyte.Screen, name: str) -> bool:
    return any(BAR in line and line.startswith(name) for line in screen.display[: screen.cursor.y + 20])


def live_part(screen: pyte.Screen) -> list[Line]:
    """From the cursor's line, pytest's own, to the end of the block beneath it."""
    return _without_empty_end(lines_of(screen)[screen.cursor.y :])


def end_part(screen: pyte.Screen) -> list[Line]:
    """From the final table on; all of it if there is none."""
    begins = [n for n, line in enumerate(screen.display) if END_BEGINS in line]
    return _without_empty_end(lines_of(screen)[begins[-1] if begins else 0 :])


def lines_of(screen: pyte.Screen) -> list[Line]:
    """A screen's lines, in spans of one style."""
    return [_spans(screen, y) for y in range(screen.lines)]


def _spans(screen: pyte.Screen, y: int) -> Line:
    cells = [screen.buffer[y][x] for x in range(screen.columns)]
    grouped = itertools.groupby(cells, key=_style)
    spans = [("".join(cell.data for cell in group), style) for style, group in grouped]
    if spans:
        spans[-1] = (spans[-1][0].rstrip(), spans[-1][1])
    return spans


def _style(cell: pyte.screens.Char) -> str:
    color = PALETTE.get(cell.fg.removeprefix("bright"), f"#{cell.fg}")
    return f"color:{color};font-weight:bold" if cell.bold else f"color:{color}"


def _markup(span: Span) -> str:
    text, style = span
    return f'<span style="{html.escape(style)}">{html.escape(text)}</span>'


def _without_empty_end(lines: list[Line]) -> list[Line]:
    filled = [n for n, line in enumerate(lines) if any(text.strip() for text, _ in line)]
    return lines[: filled[-1] + 1] if filled else []
