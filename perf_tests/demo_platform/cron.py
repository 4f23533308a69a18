"""Is this text a cron expression? Five fields, each of values, ranges and steps. Nothing is run by it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

LONGEST = 200  # characters; a field that lists every minute has 167, and nobody writes two of these

PART = re.compile(r"(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    lowest: int
    highest: int
    words: tuple[str, ...] = ()

    def value(self, text: str) -> int:
        """-1 for what is no value of this field."""
        if text.lower() in self.words:
            return self.words.index(text.lower()) + self.lowest
        return int(text) if text.isdigit() and self.lowest <= int(text) <= self.highest else -1

    def accepts(self, text: str) -> bool:
        return all(self._accepts_part(part) for part in text.split(","))

    def _accepts_part(self, part: str) -> bool:
        found = PART.fullmatch(part)
        if found is None or (found[3] is not None and not int(found[3])):
            return False
        if found[1] is None:
            return True
        first = self.value(found[1])
        last = first if found[2] is None else self.value(found[2])
        return 0 <= first <= last


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of the week", 0, 7, DAYS),
)


def fault_of(text: str) -> str | None:
    """What is wrong with a cron expression; None when nothing is."""
    parts = text.split()
    if len(text) > LONGEST or len(parts) != len(FIELDS):
        return f"a cron expression has {len(FIELDS)} fields"
    for field, part in zip(FIELDS, parts, strict=True):
        if not field.accepts(part):
            return f"{part!r} is no {field.name}"
    return None
