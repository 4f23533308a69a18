"""InfluxDB's line protocol, read by its own rules."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.export.receivers import Receiver


class Line(NamedTuple):
    """A point of the line protocol."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, float]
    at_ns: int


def parse_line(line: str) -> Line:
    """Commas, spaces and equals signs of names are escaped with backslashes; integers end in "i"."""
    head, fields, at = (part for part in re.split(r"(?<!\\) ", line) if part)
    measurement, *tags = re.split(r"(?<!\\),", head)
    return Line(
        _plain(measurement),
        dict(_pair(tag) for tag in tags),
        {name: float(value.removesuffix("i")) for name, value in map(_pair, re.split(r"(?<!\\),", fields))},
        int(at),
    )


def _pair(text: str) -> tuple[str, str]:
    name, value = re.split(r"(?<!\\)=", text)
    return _plain(name), _plain(value)


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def lines_of(receiver: Receiver) -> list[Line]:
    return [parse_line(line) for posted in receiver.posted for line in posted.body.decode().splitlines()]
