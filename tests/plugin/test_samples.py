"""--load-samples: every request of every load test, once, in one file; its failure leaves the load alone."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.plugin.sampling import Sampling
from pytest_loadtest.results.run import Run
from tests.plugin.conftest import Project

XDIST = ("xdist.plugin",)
TWO_TESTS = """
    @pytest.mark.load(vus=3, iterations=60)
    async def test_closed(http, vu):
        await http.get("/shop")
        await http.get("/status/503", name="busy" if vu.iteration else "first", expect={503})

    @pytest.mark.load(rate="100/s", duration=0.2)
    async def test_open(http):
        await http.get("/")
        await http.get("/status/500")
"""


def rows_in(path: Path) -> list[dict[str, Any]]:
    """The requests in a file."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    if ".csv" in path.suffixes:
        return list(csv.DictReader(text.splitlines()))
    return [json.loads(line) for line in text.splitlines()]


def counted(rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((row["test"], row["name"]) for row in rows)


def counted_in(run: Run) -> Counter[tuple[str, str]]:
    return Counter({(result.test, row.name): row.count for result in run.results for row in result.requests})


@pytest.mark.parametrize("name", ["out/samples.jsonl", "samples.jsonl.gz", "samples.csv", "samples.csv.gz"])
def test_every_request_of_every_load_test_is_in_the_file_once(project: Project, name: str) -> None:
    project.write(TWO_TESTS)
    result = project.run(f"--load-samples={name}", "--load-json=run.json")
    path = project.pytester.path / name
    rows = rows_in(path)
    result.stdout.fnmatch_lines([f"{len(rows)} requests in {path}"])
    assert counted(rows) == counted_in(Run.read(project.pytester.path / "run.json"))
    assert (
        sum(str(row["failed"]).lower() == "true" for row in rows)
        == counted(rows)["test_load.py::test_open", "GET /status/{id}"]
    )
    assert list(path.parent.glob(".*samples*")) == []  # the spool is gone


def test_what_a_line_says_agrees_with_the_results(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-samples=samples.jsonl", "--load-json=run.json", "-k", "open")
    rows = rows_in(project.pytester.path / "samples.jsonl")
    (result,) = Run.read(project.pytester.path / "run.json").results
    of_front = [row for row in rows if row["name"] == "GET /"]
    slowest = max(row["duration"] + row["delay"] for row in of_front)
    assert slowest == pytest.approx(result.requests[0].latency.max / 1e9, abs=2e-6)
    assert sum(row["bytes_received"] for row in of_front) == result.requests[0].bytes_received
    assert all(row["time"][:19] >= result.began_at[:19] for row in rows)
    parts = [row["sending"] + row["waiting"] + row["receiving"] for row in rows]
    assert parts == pytest.approx([row["duration"] for row in rows], abs=2e-6)


def test_each_worker_writes_a_file_of_its_own(project: Project) -> None:
    project.write(TWO_TESTS)
    result = project.run(
        "--load-samples={timestamp}.jsonl.gz", "--load-json={timestamp}.json", "-n2", plugins=XDIST
    )
    (run_path,) = project.pytester.path.glob("*.json")
    paths = sorted(project.pytester.path.glob("*.jsonl.gz"))
    assert {path.name for path in paths} <= {f"{run_path.stem}.gw{n}.jsonl.gz" for n in range(2)}
    rows = [row for path in paths for row in rows_in(path)]
    assert counted(rows) == counted_in(Run.read(run_path))
    for path in paths:
        result.stdout.fnmatch_lines([f"*{len(rows_in(path))} requests in {path}*"])


def test_ctrl_c_keeps_the_requests_until_then(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, duration="1h")
        async def test_interrupted(http, vu):
            await http.get("/shop")
            if vu.iteration == 5:
                import os, signal
                os.killpg(os.getpgid(0), signal.SIGINT)
        """
    )
    script = project.pytester.path / "run.py"
    script.write_text(
        "import os, sys, pytest\nos.setpgid(0, 0)\n"
        "sys.exit(pytest.main(['-p', 'pytest_loadtest.plugin', '--load-samples=samples.jsonl']))\n"
    )
    result = project.pytester.runpython(script)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    rows = rows_in(project.pytester.path / "samples.jsonl")
    assert len(rows) >= 6
    result.stdout.fnmatch_lines([f"{len(rows)} requests in *samples.jsonl"])


def test_a_process_that_is_killed_leaves_what_it_had_measured(project: Project) -> None:
    project.write(
        """
        import os

        @pytest.mark.load(vus=1, iterations=9)
        async def test_before(http):
            await http.get("/")

        def test_crash():
            os._exit(3)
        """
    )
    path = project.pytester.path / "samples.jsonl"
    path.touch()
    project.run_subprocess("--load-samples=samples.jsonl")
    # What writes the file goes on until it has done so, and is nobody's child any more.
    assert eventually(lambda: len(path.read_text().split("\n")) == 10)


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in far longer than it takes on a busy machine."""
    deadline = time.monotonic() + 30
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


WRONG = [
    ("samples.json", "ends in none of .jsonl, .ndjson, .csv, nor in one of them and .gz"),
    ("samples.gz", "ends in none of"),
    ("out/{when}.csv", "{when} means nothing"),
]


@pytest.mark.parametrize(
    ("name", "said", "workers"),
    [*((*row, ()) for row in WRONG), (*WRONG[0], ("-n1",))],
    ids=[*(name for name, _ in WRONG), "with xdist"],
)
def test_a_wrong_path_is_a_usage_error_before_any_load(
    project: Project, name: str, said: str, workers: tuple[str, ...]
) -> None:
    project.write(TWO_TESTS)
    result = project.run(f"--load-samples={name}", *workers, plugins=XDIST if workers else ())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--load-samples: '{name}'*{said}*"])
    assert project.target.requests == []


@pytest.mark.parametrize("distributed", [False, True], ids=["alone", "with xdist"])
def test_a_file_that_cannot_be_written_breaks_no_load_but_fails_the_session(
    project: Project, distributed: bool
) -> None:
    suffix = ".gw0.jsonl" if distributed else ".jsonl"
    (project.pytester.path / f"samples{suffix}").symlink_to("/dev/full")
    project.write(
        """
        @pytest.mark.load(vus=2, iterations=30)
        async def test_load(http):
            await http.get("/")
        """
    )
    arguments = ("-n1",) if distributed else ()
    result = project.run("--load-samples=samples.jsonl", *arguments, plugins=XDIST if distributed else ())
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"--load-samples failed: *samples{suffix}: No space left on device"])


def test_a_writer_that_dies_breaks_no_load(project: Project) -> None:
    project.write(
        """
        import os, signal

        @pytest.mark.load(vus=2, iterations=30)
        async def test_load(http, vu, request):
            if vu.id == 1 and vu.iteration == 0:
                from pytest_loadtest.plugin import sampling
                writer = request.config.stash[sampling._sampling_key]._process
                os.kill(writer.pid, signal.SIGKILL)
            await http.get("/")
        """
    )
    result = project.run("--load-samples=samples.jsonl")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--load-samples failed: *the process that writes it has died"])
    assert list(project.pytester.path.glob(".samples*")) == []


def test_a_writer_outlasts_the_end_of_a_job(project: Project) -> None:
    """CI systems send SIGTERM to all its processes: this one, too, ends when everything is written."""
    project.write(
        """
        import asyncio, os, pathlib, signal

        @pytest.mark.load(vus=1, iterations=30)
        async def test_load(http, vu, request):
            if vu.iteration == 0:
                from pytest_loadtest.plugin import sampling
                while not pathlib.Path("samples.jsonl").exists():
                    await asyncio.sleep(0.01)
                os.kill(request.config.stash[sampling._sampling_key]._process.pid, signal.SIGTERM)
            await http.get("/")
        """
    )
    result = project.run("--load-samples=samples.jsonl")
    assert result.ret == pytest.ExitCode.OK
    assert len(rows_in(project.pytester.path / "samples.jsonl")) == 30


def test_a_writer_that_cannot_be_started_breaks_no_load(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        """
        @pytest.mark.load(vus=2, iterations=30)
        async def test_load(http):
            await http.get("/")
        """
    )
    monkeypatch.setattr(sys, "executable", str(project.pytester.path / "no python"))
    result = project.run("--load-samples=samples.jsonl")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--load-samples failed: *No such file or directory"])
    assert list(project.pytester.path.glob(".samples*")) == []


def test_a_child_of_the_session_that_outlives_it_keeps_nobody_waiting(project: Project) -> None:
    project.write(
        """
        import multiprocessing, time

        @pytest.mark.load(vus=1, iterations=3)
        async def test_load(http):
            await http.get("/")

        def test_fork():
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
            child.start()
            with open("pid", "w") as file:
                file.write(str(child.pid))
            multiprocessing.process._children.discard(child)  # or pytest's process would wait for it

        @pytest.mark.load(vus=1, iterations=4)
        async def test_again(http):
            await http.get("/")
        """
    )
    try:
        project.run_subprocess("--load-samples=samples.jsonl").assert_outcomes(passed=3)
    finally:
        os.kill(int((project.pytester.path / "pid").read_text()), signal.SIGKILL)
    assert len(rows_in(project.pytester.path / "samples.jsonl")) == 7


def test_of_a_file_that_was_never_begun_nothing_is_told(tmp_path: Path) -> None:
    sampling = Sampling(tmp_path / "samples.gw2.jsonl")  # of a worker of xdist that had no load test
    sampling.close()
    assert sampling.outcome == []
    assert list(tmp_path.iterdir()) == []


def test_without_the_option_nothing_is_started(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=1)
        async def test_load(http, request):
            from pytest_loadtest.plugin import sampling
            assert request.config.stash[sampling._sampling_key] is None
            await http.get("/")
        """
    )
    project.run().assert_outcomes(passed=1)
