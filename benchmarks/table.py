"""Results as text: rows for the terminal and for Markdown. Must not know how a figure was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

Row = Sequence[str]
NARROWEST = 110  # columns; a pipe has no width of its own, and rich's 80 would cut the table


def make_console() -> Console:
    console = Console()
    return console if console.width >= NARROWEST else Console(width=NARROWEST)


def markdown_table(header: Row, rows: Sequence[Row]) -> str:
    """Text to the left, figures (all columns but the first) to the right."""
    lines = [_markdown_line(header), "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *(_markdown_line(row) for row in rows)])


def _markdown_line(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def markdown_facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def print_table(console: Console, title: str, header: Row, rows: Sequence[Row]) -> None:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)
