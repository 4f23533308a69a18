"""``python -m pytest_loadtest.results.samples FOLDER PATH``: requests out of a spool into the file asked for.

It runs beside the process that makes the load, on what that leaves of the machine, until the spool ends. A
byte on standard input says that there is more to read; its end, that the writer was killed. How it went is
told on standard output, as JSON. Owns the file and what the frames of the spool mean; must not know the load.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from pytest_loadtest.results.sample_rows import FORMATS, SampleFormat, SampleRows
from pytest_loadtest.results.spool import read_frames

# Kinds of frames: a load begins (JSON: `SampleRows.begin`), a name (UTF-8), requests as `REQUEST` packs them.
LOAD, NAME, REQUESTS = 1, 2, 3
GZIP = ".gz"
# JSON becomes 13 times smaller at 1 us a request; level 6 makes it 15 times smaller at 2.7 us.
_GZIP_LEVEL = 1
_LEAST = 19  # priority
_WAKE_UPS = 4096  # bytes read at once: each says the same


def format_of(path: Path) -> SampleFormat | None:
    """What the file's name asks for; None if it asks for nothing that is known."""
    suffixes = [each.lower() for each in path.suffixes]
    if suffixes and suffixes[-1] == GZIP:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None


def opened(path: Path) -> TextIO:
    """The file, empty."""
    if path.suffix.lower() == GZIP:
        packed = gzip.GzipFile(path, "wb", compresslevel=_GZIP_LEVEL)
        return io.TextIOWrapper(packed, "utf-8", "backslashreplace", newline="\n")
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")


def write_samples(folder: Path, path: Path, form: SampleFormat, wait: Any) -> int:
    """Everything in the spool into the file; how many requests that were. Raises OSError."""
    rows, written = SampleRows(form), 0
    with opened(path) as file:
        file.write(form.head)
        for kind, content in read_frames(folder, wait):
            if kind == LOAD:
                rows.begin(**json.loads(content))
            elif kind == NAME:
                rows.name(content.decode("utf-8", "surrogatepass"))
            else:
                lines = list(rows.lines(content))
                file.write("".join(lines))
                written += len(lines)
                if path.suffix.lower() != GZIP:  # who looks at the file as the load runs sees whole lines
                    file.flush()
    return written


def main(arguments: Sequence[str]) -> int:
    """How it went is the last line of the output: {"written": 5}, {"problem": "No space left on device"}."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # some CI systems send it to all processes of a job
    _give_way()
    folder, path = map(Path, arguments)
    form = format_of(path)
    assert form is not None, "whoever starts this has checked the path"
    try:
        told: dict[str, Any] = {"written": write_samples(folder, path, form, _more_may_have_come)}
    except OSError as error:
        told = {"problem": error.strerror or str(error)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{json.dumps(told)}\n")
    return int("problem" in told)


def _give_way() -> None:
    """Run when nobody else wants to: the load must not wait for its samples."""
    os.nice(_LEAST)
    if hasattr(os, "SCHED_IDLE"):
        with suppress(PermissionError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _more_may_have_come() -> bool:
    return bool(os.read(sys.stdin.fileno(), _WAKE_UPS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
