"""Markdown as a parser of GitHub's dialect reads it: tables, headings, elements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

# The elements that a page may have of its own: parts that fold, and the code in what they are called.
FOLD = re.compile(
    r"<details><summary>(?:[^<>&]|&[a-z]+;|&#x?\w+;)*(?:<code>[^<>]*</code>)?</summary>\n|</details>\n?"
)


def tokens_of(text: str) -> list[Token]:
    """What a parser sees."""
    parser = MarkdownIt("gfm-like2")
    # It takes "shop.example" for an address; GitHub wants "http://", "www." or "@".
    parser.linkify.set({"fuzzy_link": False})
    return parser.parse(text)


@dataclass
class Page:
    """One text."""

    text: str

    def __post_init__(self) -> None:
        self.tokens = tokens_of(self.text)

    @property
    def tables(self) -> list[list[list[str]]]:
        """Of each table its rows, the titles first, as cells of plain text."""
        found: list[list[list[str]]] = []
        for token in self.tokens:
            if token.type == "table_open":
                found.append([])
            elif token.type == "tr_open":
                found[-1].append([])
            elif token.type == "inline" and found and token.level > 3:
                found[-1][-1].append(plain(token))
        return found

    def table(self, title: str) -> list[dict[str, str]]:
        """The rows of the first table with this title among its columns."""
        head, *rows = next(table for table in self.tables if title in table[0])
        return [dict(zip(head, row, strict=True)) for row in rows]

    @property
    def headings(self) -> list[str]:
        return [
            plain(inline)
            for opening, inline in zip(self.tokens, self.tokens[1:], strict=False)
            if opening.type == "heading_open"
        ]

    @property
    def paragraphs(self) -> list[str]:
        return [
            plain(inline)
            for opening, inline in zip(self.tokens, self.tokens[1:], strict=False)
            if opening.type == "paragraph_open"
        ]

    def check(self) -> None:
        """All tables are whole, what folds is closed, and nothing is an element that must not be."""
        for table in self.tables:
            assert {len(row) for row in table} == {len(table[0])}, table
        kinds = Counter(token.type for token in self.every_token())
        assert not kinds.keys() & {"link_open", "image", "html_inline", "s_open", "em_open", "hr"}, kinds
        folds = [token.content for token in self.tokens if token.type == "html_block"]
        assert [fold for fold in folds if not FOLD.fullmatch(fold)] == []
        openings = [fold.startswith("<details>") for fold in folds]
        assert openings == [True, False] * (len(folds) // 2)

    def every_token(self) -> Iterator[Token]:
        for token in self.tokens:
            yield token
            yield from token.children or ()


def plain(inline: Token) -> str:
    """What a person reads, without what cannot be seen."""
    parts = ("\n" if token.type == "softbreak" else token.content for token in inline.children or ())
    return "".join(parts).replace("\N{ZERO WIDTH SPACE}", "")
