"""Requests as lines of text, JSON or CSV. Owns the columns of a file of samples.

A line costs 3 to 4 us: what does not change from request to request is made once.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_loadtest.core.layout import REQUEST
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.units import NS_PER_S

# Times are in seconds, to the microsecond: what is finer is the clock's own noise.
COLUMNS = (
    "test",
    "name",
    "started",
    "time",
    "status",
    "outcome",
    "failed",
    "duration",
    "delay",
    "sending",
    "waiting",
    "receiving",
    "bytes_sent",
    "bytes_received",
)
_LINE_END = "\r\n"


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How a line is written. `line` takes the text of `beginning` (test and name), when it started, the
    moment, the text of `end` (status, outcome, failed), five durations and two sizes.
    """

    line: str
    beginning: Callable[[str, str], str]
    end: Callable[[int, str, bool], str]
    head: str = ""  # of the file


class SampleRows:
    """Formats the requests of one load after the other: `begin` it, name its names in order, then `lines`."""

    def __init__(self, form: SampleFormat) -> None:
        self._form = form
        self._test = ""
        self._origin_ns = self._epoch_ns = 0
        self._beginnings: list[str] = []  # of each name's lines
        self._ends: dict[tuple[int, int], str] = {}  # by outcome and status
        self._second, self._second_text = -1, ""

    def begin(self, test: str, origin_ns: int, epoch_ns: int) -> None:
        """A load begins: at `origin_ns` of the requests' clock, which is `epoch_ns` of the wall's."""
        self._test, self._origin_ns, self._epoch_ns = test, origin_ns, epoch_ns
        self._beginnings.clear()

    def name(self, name: str) -> None:
        """The next name that requests refer to by its number."""
        self._beginnings.append(self._form.beginning(self._test, name))

    def lines(self, packed: bytes) -> Iterator[str]:
        """A line for each request in the recorder's packed form."""
        line, beginnings, ends = self._form.line, self._beginnings, self._ends
        for (
            name,
            outcome,
            status,
            started,
            delay,
            sending,
            waiting,
            receiving,
            sent,
            received,
        ) in REQUEST.iter_unpack(packed):
            since_ns = started - self._origin_ns
            yield line % (
                beginnings[name],
                since_ns / NS_PER_S,
                self._moment(since_ns),
                ends.get((outcome, status)) or self._end_of(outcome, status),
                (sending + waiting + receiving) / NS_PER_S,
                delay / NS_PER_S,
                sending / NS_PER_S,
                waiting / NS_PER_S,
                receiving / NS_PER_S,
                sent,
                received,
            )

    def _moment(self, since_ns: int) -> str:
        """``2026-11-22T20:15:00.250000Z``; most requests begin in the same second as the one before."""
        second, rest = divmod(self._epoch_ns + since_ns, NS_PER_S)
        if second != self._second:
            self._second = second
            self._second_text = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
        return f"{self._second_text}.{rest // 1000:06}Z"

    def _end_of(self, outcome: int, status: int) -> str:
        kind = Outcome(outcome)
        text = self._ends[outcome, status] = self._form.end(status, kind.label, kind.is_error)
        return text


def _quoted(*values: str) -> str:
    """As CSV has them. Of control characters the writer quotes those that may end a line."""
    line = io.StringIO()
    csv.writer(line, lineterminator=_LINE_END).writerow(values)
    return line.getvalue().removesuffix(_LINE_END)


JSON_LINES = SampleFormat(
    line=(
        '%s,"started":%.6f,"time":"%s",%s,"duration":%.6f,"delay":%.6f,"sending":%.6f,"waiting":%.6f,'
        '"receiving":%.6f,"bytes_sent":%d,"bytes_received":%d}\n'
    ),
    beginning=lambda test, name: f'{{"test":{json.dumps(test)},"name":{json.dumps(name)}',
    end=lambda status, outcome, failed: (
        f'"status":{status or "null"},"outcome":{json.dumps(outcome)},"failed":{json.dumps(failed)}'
    ),
)
CSV_LINES = SampleFormat(
    line="%s,%.6f,%s,%s,%.6f,%.6f,%.6f,%.6f,%.6f,%d,%d\n",
    beginning=_quoted,
    end=lambda status, outcome, failed: _quoted(str(status or ""), outcome, json.dumps(failed)),
    head=",".join(COLUMNS) + "\n",
)
FORMATS = {".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".csv": CSV_LINES}
