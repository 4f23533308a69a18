"""Foreign text in Markdown: names, messages and samples that may contain Markdown, HTML, mentions, controls.

Owns how such text stays text on GitHub and GitLab. It knows no results. Where it can, it makes
foreign text code: no links, mentions, references or emphasis are made of that.
"""

from __future__ import annotations

import html
import re

from pytest_loadtest.core.printable import printable

NOTHING = "\N{EN DASH}"  # what an empty text is shown as; a hyphen might begin a list
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_BACKTICKS = re.compile(r"`+")
# What means something anywhere in a line. An underscore inside of a word does not, and reads better as it is.
_STRUCTURE = re.compile(r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])")
# What begins a list, a heading, a rule or a quotation where it stands first.
_FIRST = re.compile(r"[-+=](?=[-+=\s]|$)|#{1,6}(?=\s|$)|\d{1,9}[.)](?=\s|$)")
# What GitHub makes a link, a mention or a picture of, also where it is escaped: "@name", "#1", "GH-1", URLs,
# ":name:". A space without width in its middle prevents that.
_LINKS = re.compile(r"(?<=@)|(?<=#)(?=\d)|(?<=:)(?=//|[a-z+-][\w+-]*:)|(?i:(?<=www)(?=\.)|(?<=GH)(?=-))")
_BREAK = "\N{ZERO WIDTH SPACE}"
_VISIBLE_BREAK = "&#8203;"  # as an editor shows it


def one_line(text: str, longest: int) -> str:
    """The text on one line, cut to so many characters."""
    looked_at = text[: 4 * longest]  # of a body of megabytes
    line = " ".join(printable(looked_at).split())
    return shortened(line + ELLIPSIS if len(looked_at) < len(text) else line, longest)


def shortened(text: str, longest: int) -> str:
    """At most so many characters; where something is missing, an ellipsis says so."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + ELLIPSIS


def code(text: str, longest: int = 200) -> str:
    """Code in a line, outside of tables."""
    line = one_line(text, longest)
    if not line:
        return NOTHING
    fence = "`" * (_longest_run(line) + 1)
    padding = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def cell(text: str, longest: int = 120) -> str:
    r"""Code in a cell of a table.

    A pipe is escaped there, also in code. Parsers do not agree on ``\\|``, so a space goes between the two.
    """
    return re.sub(r"\\(?=\|)", r"\\ ", code(text, longest)).replace("|", r"\|")


def prose(text: str, longest: int = 600) -> str:
    """A sentence of ours that may have foreign words in it, anywhere."""
    line = one_line(text, longest)
    for sign, readable in (("<=", "\N{LESS-THAN OR EQUAL TO}"), (">=", "\N{GREATER-THAN OR EQUAL TO}")):
        line = line.replace(sign, readable)
    broken = (_BREAK if _FIRST.match(line) else "") + _LINKS.sub(_BREAK, line)
    return _STRUCTURE.sub(_entity, broken).replace(_BREAK, _VISIBLE_BREAK) or NOTHING


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def in_html(text: str, longest: int = 200) -> str:
    """Code inside of an HTML element, where Markdown is not read."""
    return f"<code>{html.escape(one_line(text, longest))}</code>"


def fenced(text: str, most_lines: int = 30, longest: int = 200) -> str:
    """A block of code: so many lines, the last ones of a longer text, as those of a traceback say most."""
    lines = [_block_line(line, longest) for line in text.splitlines()]
    if len(lines) > most_lines:
        lines = [ELLIPSIS, *lines[1 - most_lines :]]
    content = "\n".join(lines)
    fence = "`" * max(3, _longest_run(content) + 1)
    return f"{fence}text\n{content}\n{fence}"


def _block_line(line: str, longest: int) -> str:
    """The indentation stays."""
    return shortened(printable(line.expandtabs(4)[: longest + 1]).rstrip(), longest)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
