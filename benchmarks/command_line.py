"""What the benchmarks' commands have in common: options, numbers, the two cores, where the results go.

Must not know what is measured.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import HEADER, Figure, exit_status
from benchmarks.machine import describe_machine
from benchmarks.page import write_section
from benchmarks.runs import GENERATOR_CORE, TARGET_CORE
from benchmarks.table import Row, make_console, markdown_facts, markdown_table, print_table

Table = tuple[str, Row, Sequence[Row]]  # title, header, rows


def make_parser(module: str, text: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=text)
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="replace the section in this page")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="the date to write")
    return parser


def at_least(fewest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < fewest:
            raise argparse.ArgumentTypeError(f"{value} is less than {fewest}")
        return value

    return number


def move_beside_target() -> bool:
    """Readings are taken on the server's core, not on the generator's. False, and a word, on one core."""
    if not {GENERATOR_CORE, TARGET_CORE} <= os.sched_getaffinity(0):
        print("needs two cores: one for the generator, one for the server", file=sys.stderr)
        return False
    os.sched_setaffinity(0, {TARGET_CORE})
    return True


def facts_of(options: argparse.Namespace, method: str) -> dict[str, str]:
    """Taken before the load: the load average is of others."""
    return {"Date": options.date, "Method": method, **describe_machine()}


def publish(
    section: str,
    options: argparse.Namespace,
    facts: Mapping[str, str],
    tables: Sequence[Table],
    figures: Sequence[Figure],
) -> int:
    """Print the tables, write them into the page if one is given; the exit status."""
    console = make_console()
    verdicts: Table = ("Requirements", HEADER, [figure.row() for figure in figures])
    for title, header, rows in (*tables, verdicts):
        print_table(console, title, header, rows)
    if options.markdown is not None:
        write_section(options.markdown, section, as_markdown(facts, [*tables, verdicts]))
    return exit_status(figures)


def as_markdown(facts: Mapping[str, str], tables: Sequence[Table]) -> str:
    parts = [f"#### {title}\n\n{markdown_table(header, rows)}" for title, header, rows in tables]
    return "\n\n".join([markdown_facts(facts), *parts])
