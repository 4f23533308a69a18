"""A running load on a terminal: a few lines as wide as it is, drawn by rich.

The first has the bar and the time left; then the figures so far, the last minute's requests, and budgets.
Owns what gives way in little room. Knows neither the cursor nor when it is drawn: that is `live_area`'s.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pytest_loadtest.core.so_far import BudgetSoFar, Standing
from pytest_loadtest.report.names import shortened
from pytest_loadtest.report.progress import Progress, SignIn, Snapshot, figures, left_text, troubles

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

INDENT = "  "
GAP = "  "
SHORTEST_NAME = 12
SHORTEST_BAR = 6
LONGEST_BAR = 40
MOST_LINES_OF_FIGURES = 2
MOST_LINES_OF_BUDGETS = 3
SECONDS_SHOWN = 60
_LEVELS = "▁▂▃▄▅▆▇█"
_STYLES = {Standing.BROKEN: "bold red", Standing.KEPT: "green", Standing.OPEN: "bright_black"}


def block(progress: Progress, width: int) -> list[Text]:
    """The lines of one load, none wider than `width`."""
    if isinstance(progress, SignIn):
        signing_in = f"signing in {progress.done}/{progress.total}"
        return [_first_line(progress.name, progress.share_done, signing_in, width)]
    lines = [_first_line(progress.name, progress.share_done, left_text(progress), width)]
    lines += _packed(_figures(progress), width, MOST_LINES_OF_FIGURES)
    if progress.recent:
        lines.append(_last_minute(progress.recent, width))
    return lines + _budgets(progress.budgets, width)


def blocks(running: Sequence[Progress], width: int, height: int) -> list[Text]:
    """The lines of all loads that run: whole blocks if there is room, else one line each."""
    lines = [line for progress in running for line in block(progress, width)]
    if len(lines) > height:
        lines = [_single_line(progress, width) for progress in running]
    if len(lines) > height > 0:
        hidden = len(lines) - (height - 1)
        lines[height - 1 :] = [_cut(_text(f"{INDENT}and {hidden} more load tests"), width)]
    return lines[: max(height, 0)]


def as_ansi(lines: Sequence[Text], *, color: bool) -> list[str]:
    """The lines as a terminal takes them. `Console.print` would take 0.9 ms, on the loop of a load."""
    console = _console()
    return ["".join(_segment(each, color=color) for each in line.render(console)) for line in lines]


@cache
def _console() -> Console:
    """Not to write to: it knows what styles there are."""
    from rich.console import Console

    return Console(file=io.StringIO(), force_terminal=True, color_system="standard", legacy_windows=False)


def _segment(segment: Segment, *, color: bool) -> str:
    from rich.color import ColorSystem

    if not color or segment.style is None:
        return segment.text
    return segment.style.render(segment.text, color_system=ColorSystem.STANDARD)


def sparkline(values: Sequence[float]) -> str:
    """One character each, from 0 to the largest. Only what is 0 has the lowest."""
    highest = max(values, default=0)
    if not highest:
        return _LEVELS[0] * len(values)
    steps = len(_LEVELS) - 1
    return "".join(_LEVELS[math.ceil(value / highest * steps)] for value in values)


# -- lines --------------------------------------------------------------------------------------------


def _first_line(name: str, share_done: float, time: str, width: int) -> Text:
    percent = f"{share_done:4.0%}"
    fixed = len(GAP) + len(percent) + len(GAP) + len(time)
    room = width - fixed - len(GAP) - SHORTEST_BAR
    shown = shortened(name, max(room, SHORTEST_NAME))
    bar = min(LONGEST_BAR, width - fixed - len(GAP) - len(shown))
    line = _text("").append(shown, "bold").append(GAP)
    if bar >= SHORTEST_BAR:
        done = round(share_done * bar)
        line.append("━" * done, "cyan").append("━" * (bar - done), "bright_black").append(GAP[:1])
        line.append(f"{percent}{GAP}")
    return _cut(line.append(time), width)


def _figures(snapshot: Snapshot) -> list[Text]:
    bad = troubles(snapshot)
    words = figures(snapshot)
    good = words[: len(words) - len(bad)]
    has_failed = snapshot.failed_requests or snapshot.failed_iterations
    return [*map(_text, good), *(_text(each, "red" if has_failed else "") for each in bad)]


def _last_minute(recent: Sequence[int], width: int) -> Text:
    """Requests that were answered in each second: it is 0 when a target freezes, where a latency has nothing
    to show; and it costs a look into a dictionary. Where a minute has no room, a character is of several
    seconds.
    """
    shown = recent[-SECONDS_SHOWN:]
    before, after = f"{INDENT}requests/s, last {len(shown)} s{GAP}", f"{GAP}now {recent[-1]:,}"
    room = max(1, width - len(before) - len(after))
    each = -(-len(shown) // room)
    groups = [shown[max(0, end - each) : end] for end in range(len(shown), 0, -each)]
    means = [sum(group) / len(group) for group in reversed(groups)]
    return _cut(_text(before).append(sparkline(means), "cyan").append(after), width)


def _budgets(budgets: Sequence[BudgetSoFar], width: int) -> list[Text]:
    """Broken ones first; what nobody wrote is shown when it is broken."""
    shown = [each for each in budgets if each.standing is Standing.BROKEN]
    shown += [each for each in budgets if each.standing is not Standing.BROKEN and not each.implicit]
    if not shown:
        return []
    return _packed([_text("so far:"), *map(_budget, shown)], width, MOST_LINES_OF_BUDGETS)


def _budget(budget: BudgetSoFar) -> Text:
    mark = {Standing.BROKEN: "BROKEN ", Standing.KEPT: "ok ", Standing.OPEN: ""}[budget.standing]
    measured = f"{budget.measured} " if budget.measured else ""
    return _text(f"{mark}{budget.label} {measured}{budget.limit}", _STYLES[budget.standing])


def _single_line(progress: Progress, width: int) -> Text:
    if isinstance(progress, SignIn):
        return block(progress, width)[0]
    parts = [left_text(progress), *figures(progress)]
    parts += [f"BROKEN {each.label}" for each in progress.broken]
    words = GAP.join(parts)
    name = shortened(progress.name, max(SHORTEST_NAME, width - len(words) - len(GAP)))
    return _cut(_text(f"{name}{GAP}{words}", "red" if progress.broken else ""), width)


# -- text -------------------------------------------------------------------------------------------------


def _packed(parts: Sequence[Text], width: int, most_lines: int) -> list[Text]:
    """As many parts on each line as fit. Those for which no line is left are counted."""
    lines = [_text(INDENT)]
    for n, part in enumerate(parts):
        line = lines[-1]
        is_first = len(line) == len(INDENT)
        if not is_first and len(line) + len(GAP) + len(part) > width:
            if len(lines) == most_lines:
                hidden = f"{GAP}+{len(parts) - n}"
                _cut(line, width - len(hidden)).append(hidden)
                break
            lines.append(_text(INDENT).append_text(part))
        else:
            line.append("" if is_first else GAP).append_text(part)
    return [_cut(line, width) for line in lines]


def _text(words: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(words, style, no_wrap=True, overflow="ellipsis", end="")


def _cut(line: Text, width: int) -> Text:
    line.truncate(max(width, 1), overflow="ellipsis")
    return line
