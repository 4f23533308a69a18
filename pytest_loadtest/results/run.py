"""A run as data: one session of pytest, what it ran on and with, and the results of all its load tests.

Plain values. It knows neither pytest nor how they were gathered; `files` keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.results import files, plain
from pytest_loadtest.results.moments import epoch_ns_of
from pytest_loadtest.results.result import LoadResult

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Machine:
    """What the load generator ran on. Empty or None: unknown."""

    cpu: str = ""  # "AMD EPYC 9V74 80-Core Processor"
    cores: int | None = None  # that this process may use
    memory_bytes: int | None = None
    system: str = ""  # "Linux 6.8.0 x86_64"
    python: str = ""  # "CPython 3.11.2"


@dataclass(frozen=True, slots=True)
class Commit:
    """The state of the project's repository. `branch` is empty where none is checked out."""

    sha: str
    branch: str = ""
    dirty: bool | None = None  # files of the repository are changed; None: nobody could say


@dataclass(frozen=True, slots=True)
class Summary:
    """All loads of a run in a few figures. `others` have neither passed nor failed: invalid, interrupted."""

    loads: int = 0
    passed: int = 0
    failed: int = 0
    others: int = 0
    vu_minutes: float = 0  # the time that active users spent, all together
    peak_vus: int = 0  # the most users that were active at one time
    requests: int = 0
    failed_requests: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One session. Times are ISO 8601 in UTC; `ended_at` is when it was last written. It holds no secrets."""

    run_id: str  # as requests bear it with `run_headers = true`
    began_at: str
    ended_at: str = ""
    exit_status: int | None = None  # of pytest; None while it runs, and if it never came to its end
    environment: str = ""
    api: str = ""
    profile: str = ""
    options: dict[str, str] = field(default_factory=dict)  # those that were given: "--load-vus": "5"
    machine: Machine = field(default_factory=Machine)
    versions: dict[str, str] = field(default_factory=dict)
    commit: Commit | None = None
    results: tuple[LoadResult, ...] = ()

    @property
    def schema_version(self) -> int:
        """Of the file that `write` makes."""
        return files.SCHEMA_VERSION

    @property
    def summary(self) -> Summary:
        """All loads together."""
        results = self.results
        passed = sum(each.has_passed for each in results)
        failed = sum(each.state == "failed" for each in results)
        return Summary(
            loads=len(results),
            passed=passed,
            failed=failed,
            others=len(results) - passed - failed,
            vu_minutes=round(sum(each.vu_seconds for each in results) / _MINUTE_S, 3),
            peak_vus=_peak_vus(results),
            requests=sum(each.count for each in results),
            failed_requests=sum(each.failed_requests for each in results),
        )

    def to_plain(self) -> dict[str, Any]:
        """As dictionaries, lists, texts and numbers. The summary is in it for who reads the file."""
        values = plain.to_plain(self)
        results = values.pop("results")
        return {**values, "summary": plain.to_plain(self.summary), "results": results}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """The run that `to_plain` was called on. Raises ResultError."""
        return plain.from_plain(cls, values)

    def write(self, path: str | Path) -> None:
        """Keep it in a file, wholly or not at all. Raises OSError."""
        files.write(Path(path), self.to_plain())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The run that was written to a file. Raises ResultError, and OSError if it cannot be read."""
        path = Path(path)
        with files.telling_of(path):
            return cls.from_plain(files.read(path))


def _peak_vus(results: Sequence[LoadResult]) -> int:
    """Of all loads together: under xdist they overlap. A load without a moment of its own counts alone."""
    changes: list[tuple[int, int]] = []
    for result in results:
        try:
            began_ns = epoch_ns_of(result.began_at)
        except ValueError:
            continue
        for second, vus in enumerate(result.timeline.vus):
            begin_ns = began_ns + second * NS_PER_S
            end_ns = min(begin_ns + NS_PER_S, began_ns + result.ran_ns)
            if begin_ns < end_ns:
                changes += [(begin_ns, vus), (end_ns, -vus)]
    changes.sort()  # where one second ends and the next begins, first the end
    together = max(accumulate(change for _, change in changes), default=0)
    return max(together, *(each.peak_vus for each in results), 0)
