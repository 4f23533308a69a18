"""Tables and folded parts as Markdown, and which of them fit. Owns that none is cut in the middle.

It knows no results; cells are escaped already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

MOST_TABLE_BYTES = 8_000

_Row = TypeVar("_Row")


def size(text: str) -> int:
    """In bytes, as it is stored; what has no encoding is replaced there."""
    return len(text.encode("utf-8", "replace"))


def table(
    titles: Sequence[str],
    rows: Sequence[_Row],
    cells_of: Callable[[_Row], Sequence[str]],
    *,
    texts: Collection[str] = (),
    of: str = "rows",
    most_bytes: int = MOST_TABLE_BYTES,
) -> str:
    """The rows that fit, and how many are left out. Columns are figures, on the right, unless `texts`."""
    aligned = [":---" if title in texts else "---:" for title in titles]
    lines = [_line(titles), _line(aligned)]
    room = most_bytes - sum(size(line) + 1 for line in lines)
    for shown, row in enumerate(rows):
        line = _line(cells_of(row))
        room -= size(line) + 1
        if room < 0:
            return "\n".join([*lines, "", f"and {len(rows) - shown:,} more {of}"])
        lines.append(line)
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def folded(summary_html: str, parts: Iterable[str]) -> str:
    """A part that opens on a click. The blank lines let its content be Markdown."""
    return "\n\n".join([f"<details><summary>{summary_html}</summary>", *parts, "</details>"])


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a section that is shown as a whole or not at all."""

    title: str
    text: str

    def __str__(self) -> str:
        return f"**{self.title}**\n\n{self.text}"


@dataclass
class Section:
    """What there is to say of one load: `head` in the open (or empty), `pieces` folded, the dearest first."""

    summary_html: str
    head: str = ""
    pieces: Sequence[Piece] = ()
    shown: list[Piece] = field(default_factory=list)
    is_headed: bool = False

    @property
    def is_shown(self) -> bool:
        return self.is_headed or bool(self.shown)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is left out."""
        return len(self.shown) == len(self.pieces) and self.is_headed == bool(self.head)

    @property
    def text(self) -> str:
        """What is shown of it."""
        parts = [self.head] if self.is_headed else []
        if self.shown:
            kept = [piece for piece in self.pieces if piece in self.shown]
            told = [self._left_out] if len(kept) < len(self.pieces) else []
            parts.append(folded(self.summary_html, [*map(str, kept), *told]))
        return "\n\n".join(parts)

    @property
    def _left_out(self) -> str:
        titles = (piece.title.lower() for piece in self.pieces if piece not in self.shown)
        return f"Left out for want of room: {', '.join(titles)}."


def fit(sections: Sequence[Section], room: int) -> None:
    """Show as much as there is room for: all heads, then the first piece of each section, and so on."""
    for section in sections:
        if section.head and size(section.head) + 2 <= room:
            section.is_headed = True
            room -= size(section.head) + 2
    for rank in range(max((len(section.pieces) for section in sections), default=0)):
        for section in sections:
            if rank < len(section.pieces):
                room -= _shown_if_it_fits(section, section.pieces[rank], room)


def _shown_if_it_fits(section: Section, piece: Piece, room: int) -> int:
    """How much room it took. What is left out is told in each section, so that sentence may shrink, too."""
    if section.head and not section.is_headed:  # details of what nobody was told
        return 0
    before = size(section.text)
    section.shown.append(piece)
    taken = size(section.text) - before + 2
    if taken > room:
        section.shown.remove(piece)
        return 0
    return taken
