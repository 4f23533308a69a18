"""Long names in little room: where they may be broken, and what may be left out of them.

Names of tests are long where they differ little: ``test_browse[new]`` and ``test_browse[old]`` must stay two.
"""

from __future__ import annotations

import re
import textwrap

from rich.cells import cell_len

from pytest_loadtest.core.printable import printable

ELLIPSIS = "…"
_INDENT = "  "
# Behind these a name may be broken, if it is not inside braces, and before a bracket or brace.
_BREAKS = re.compile(r"(?<=[_\-./:,?&=\s\]}])(?=[^_\-./:,?&=\s\]}])(?![^{}\s]*\})|(?<=[^\s/])(?=[\[{])")
# Of a name that must be shortened, the part kept at its end: parameters stand there, and they tell.
_END_SHARE = 0.6


def shortened(name: str, width: int) -> str:
    """At most so wide: what is left out is in the middle, since names begin alike and end differently."""
    name = printable(name)
    if cell_len(name) <= width:
        return name
    end_width = round((width - 1) * _END_SHARE)
    begin, _ = _split(name, max(width - 1 - end_width, 0)) if width - 1 > end_width else ("", "")
    end, _ = _split(name[::-1], end_width) if end_width > 0 else ("", "")
    return begin + ELLIPSIS * (width > 0) + end[::-1]


def broken_into_lines(name: str, width: int) -> list[str]:
    """The whole name, broken between its words; within a word only if that is wider than a line."""
    lines = [""]
    for word in words_of(name):
        if lines[-1] and cell_len(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
        while len(lines[-1]) > 1 and cell_len(lines[-1].rstrip()) > width:
            head, lines[-1] = _split(lines[-1], width)
            lines.insert(-1, head)
    return [line.rstrip() for line in lines]


def wrapped(text: str, width: int) -> str:
    """Sentences with names in them as a terminal shows them: its own breaks are in the midst of words."""
    lines = textwrap.wrap(
        text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(part for line in lines for part in _of_long_words(line, width))


def _of_long_words(line: str, width: int) -> list[str]:
    """What is still too wide has a word that is: a test's id."""
    if cell_len(line) <= width:
        return [line]
    first, *others = broken_into_lines(line, width - len(_INDENT))
    return [first, *(_INDENT + other for other in others)]


def widest_word(name: str) -> int:
    """How wide a line must be, so that no word is broken."""
    return max((cell_len(word.rstrip()) for word in words_of(name)), default=0)


def words_of(name: str) -> list[str]:
    """The pieces between which a name may be broken; together they are the name."""
    return _BREAKS.split(name)


def _split(line: str, width: int) -> tuple[str, str]:
    """As much as fits, at least one character, and the rest."""
    end = len(line)
    while end > 1 and cell_len(line[:end]) > width:
        end -= 1
    return line[:end], line[end:]
