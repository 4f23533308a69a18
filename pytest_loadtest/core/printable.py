"""Texts that others wrote, such as a server or a test's author, as they may be shown: nothing in them moves a
terminal's cursor, turns the direction of writing, or is no character of XML.
"""

from __future__ import annotations

# No letters, but Persian and Hindi are not written without.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """On one line: a space for each that separates, U+FFFD for all else that cannot be seen."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
