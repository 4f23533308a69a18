"""Requests as lines: what each says, in both formats; and the process that writes them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.results.sample_rows import COLUMNS, CSV_LINES, JSON_LINES, SampleFormat, SampleRows
from pytest_loadtest.results.samples import LOAD, NAME, REQUESTS, format_of, write_samples
from pytest_loadtest.results.spool import SpoolWriter

US = 1000
MS = 1000 * US
S = 1000 * MS
EPOCH_NS = 1_795_378_500 * S  # 2026-11-22T20:15:00Z
ODD_NAMES = ('GET /"a",b', "new\nline", "=1+1", "</script>", "é \u2028 \x00")


class Frames:
    """A recorder's sink that keeps what it is told."""

    def __init__(self, test: str = "test_a") -> None:
        self.test = test
        self.frames: list[tuple[int, bytes]] = []

    def start(self, origin_ns: int) -> None:
        load = {"test": self.test, "origin_ns": origin_ns, "epoch_ns": EPOCH_NS}
        self.frames.append((LOAD, json.dumps(load).encode()))

    def name(self, name: str) -> None:
        self.frames.append((NAME, name.encode()))

    def requests(self, packed: bytes | bytearray) -> None:
        self.frames.append((REQUESTS, bytes(packed)))


def recorded(test: str = "test_a", origin_ns: int = 7 * S, names: tuple[str, ...] = ("GET /a",)) -> Frames:
    """An answer, a 500 half a second later, and a refused connection; of each name."""
    sink = Frames(test)
    recorder = Recorder(S, open_model=True, sink=sink)
    recorder.start(origin_ns)
    for name in names:
        at = origin_ns + 250 * MS
        recorder.response(
            name, Outcome.OK, 200, at, at + 8 * US, at + 10 * MS, at + 12 * MS, 100, 200, 3 * MS
        )
        recorder.response(name, Outcome.STATUS, 500, at + S, at + S, at + S + MS, at + S + MS, 100, 20, 0)
        recorder.no_response(name, Outcome.REFUSED, at + 2 * S, at + 2 * S + MS, 0, 0)
    recorder.flush()
    return sink


def text_of(form: SampleFormat, *sinks: Frames) -> str:
    rows, lines = SampleRows(form), [form.head]
    for kind, content in (frame for sink in sinks for frame in sink.frames):
        if kind == LOAD:
            rows.begin(**json.loads(content))
        elif kind == NAME:
            rows.name(content.decode())
        else:
            lines += rows.lines(content)
    return "".join(lines)


FIRST = {
    "test": "test_a",
    "name": "GET /a",
    "started": 0.25,
    "time": "2026-11-22T20:15:00.250000Z",
    "status": 200,
    "outcome": "ok",
    "failed": False,
    "duration": 0.012,
    "delay": 0.003,
    "sending": 0.000008,
    "waiting": 0.009992,
    "receiving": 0.002,
    "bytes_sent": 100,
    "bytes_received": 200,
}


def test_a_line_of_json_says_everything_of_a_request() -> None:
    first, second, third = map(json.loads, text_of(JSON_LINES, recorded()).splitlines())
    assert first == FIRST
    assert tuple(first) == COLUMNS
    assert (second["status"], second["outcome"], second["failed"]) == (500, "unexpected status", True)
    assert second["time"] == "2026-11-22T20:15:01.250000Z"
    assert (third["status"], third["outcome"], third["failed"]) == (None, "connection refused", True)
    assert (third["waiting"], third["bytes_received"]) == (0.001, 0)


def test_a_line_of_csv_says_the_same() -> None:
    first, second, third = csv.DictReader(text_of(CSV_LINES, recorded()).splitlines())
    assert tuple(first) == COLUMNS
    assert first == {key: _as_csv(value) for key, value in FIRST.items()}
    assert (second["status"], second["failed"]) == ("500", "true")
    assert (third["status"], third["outcome"]) == ("", "connection refused")


def _as_csv(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else "false" if value is False else str(value)


@pytest.mark.parametrize("form", [JSON_LINES, CSV_LINES])
def test_names_are_kept_whatever_stands_in_them(form: SampleFormat) -> None:
    text = text_of(form, recorded('test["x"]', names=ODD_NAMES))
    if form is JSON_LINES:
        rows: list[dict[str, Any]] = [json.loads(line) for line in text.split("\n") if line]
    else:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["name"] for row in rows] == [name for name in ODD_NAMES for _ in range(3)]
    assert {row["test"] for row in rows} == {'test["x"]'}


def test_each_load_has_its_own_beginning_and_its_own_names() -> None:
    loads = recorded("test_a", 7 * S), recorded("test_b", 1000 * S, ("GET /b", "GET /c"))
    rows = [json.loads(line) for line in text_of(JSON_LINES, *loads).splitlines()]
    assert [(row["test"], row["name"]) for row in rows[::3]] == [
        ("test_a", "GET /a"),
        ("test_b", "GET /b"),
        ("test_b", "GET /c"),
    ]
    assert {row["started"] for row in rows} == {0.25, 1.25, 2.25}


def test_a_recorder_tells_each_request_once_and_in_order() -> None:
    sink = Frames()
    recorder = Recorder(S, sink=sink)
    recorder.start(0)
    for n in range(10_000):
        recorder.response("GET /a", Outcome.OK, 200, n, n, n, n + 1, 1, 1, 0)
        if n % 999 == 0:
            recorder.flush()
    recorder.flush()
    rows = SampleRows(JSON_LINES)
    rows.begin("test_a", 0, 0)
    rows.name("GET /a")
    lines = [line for kind, content in sink.frames if kind == REQUESTS for line in rows.lines(content)]
    assert len(lines) == recorder.metrics.requests["GET /a"].total.total() == 10_000
    starts = [json.loads(line)["started"] for line in lines]
    assert all(earlier <= later for earlier, later in pairwise(starts))
    assert [kind for kind, _ in sink.frames if kind != REQUESTS] == [LOAD, NAME]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.jsonl", JSON_LINES),
        ("a.ndjson", JSON_LINES),
        ("A.JSONL.GZ", JSON_LINES),
        ("a.b.csv", CSV_LINES),
        ("a.csv.gz", CSV_LINES),
        ("a.json", None),
        ("a.gz", None),
        ("jsonl", None),
        ("a.jsonl.bz2", None),
    ],
)
def test_the_files_name_says_the_format(name: str, form: SampleFormat | None) -> None:
    assert format_of(Path(name)) is form


def spooled(folder: Path, *sinks: Frames) -> None:
    writer = SpoolWriter(folder)
    for sink in sinks:
        for kind, content in sink.frames:
            writer.write(kind, content)
    writer.close()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.csv.gz"])
def test_a_spool_becomes_a_file_that_replaces_the_one_before(tmp_path: Path, name: str) -> None:
    folder, path = tmp_path / "spool", tmp_path / name
    folder.mkdir()
    path.write_text("of an earlier run")
    spooled(folder, recorded())
    form = format_of(path)
    assert form is not None
    assert write_samples(folder, path, form, lambda: False) == 3
    content = path.read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    assert text == text_of(form, recorded())


def started(folder: Path, path: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "pytest_loadtest.results.samples", str(folder), str(path))
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_process_writes_all_and_deletes_the_spool_when_its_input_ends(tmp_path: Path) -> None:
    folder, path = tmp_path / "spool", tmp_path / "a.jsonl"
    folder.mkdir()
    spooled(folder, recorded())
    with started(folder, path) as process:
        told, _ = process.communicate(b"...")
    assert (process.returncode, json.loads(told)) == (0, {"written": 3})
    assert len(path.read_text().splitlines()) == 3
    assert not folder.exists()


def test_the_process_tells_what_kept_it_from_writing(tmp_path: Path) -> None:
    folder, path = tmp_path / "spool", tmp_path / "a.jsonl"
    folder.mkdir()
    path.mkdir()
    spooled(folder, recorded())
    with started(folder, path) as process:
        told, _ = process.communicate()
    assert (process.returncode, json.loads(told)) == (1, {"problem": os.strerror(21)})
    assert not folder.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is only there on Linux")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    folder, path = tmp_path / "spool", tmp_path / "a.jsonl"
    folder.mkdir()
    path.symlink_to("/dev/full")
    spooled(folder, recorded())
    with started(folder, path) as process:
        told, _ = process.communicate()
    assert json.loads(told) == {"problem": "No space left on device"}
