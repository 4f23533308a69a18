"""--load-json: one file of all load tests of a session, however the session ends; and no secrets in it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.plugin import surroundings
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.run import Commit, Run
from tests.plugin.conftest import Project
from tests.plugin.own_loads import BROWSE

XDIST = ("xdist.plugin",)
TWO_TESTS = """
    @pytest.mark.load(vus=2, duration=0.3, ramp_up=0.1)
    @pytest.mark.budget(p95="5s", request="GET /shop")
    async def test_closed(http, vu):
        await http.get("/shop")
        await http.get("/status/503", expect={503}, name="busy")
        vu.check("fine", vu.iteration % 2 == 0)
        vu.count("visits")

    @pytest.mark.load(rate="40/s", duration=0.3, max_vus=30, arrivals="poisson", seed=7, warm_up=0.1)
    async def test_open(http):
        await http.get("/")
"""


def run_in(project: Project, name: str = "run.json") -> Run:
    """The run in a file of the project."""
    return Run.read(project.pytester.path / name)


def test_the_session_and_all_its_load_tests_are_in_the_file(project: Project) -> None:
    project.write(TWO_TESTS)
    options = ("--load-json=out/run.json", "--load-duration=0.4", "--load-profile=cloud")
    result = project.run(*options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"results in {project.pytester.path}/out/run.json"])
    run = run_in(project, "out/run.json")
    assert (run.environment, run.api, run.profile) == ("TEST", project.target.url, "cloud")
    assert run.options == dict(option.split("=") for option in options)
    assert run.exit_status == 1
    assert run.versions["pytest"] == pytest.__version__
    assert run.machine.python.endswith(platform.python_version())
    assert (run.machine.cores or 0) >= 1
    assert run.began_at < run.results[0].began_at < run.results[1].began_at < run.ended_at
    assert (run.summary.loads, run.summary.passed, run.summary.failed) == (2, 1, 1)
    assert run.summary.requests == len(project.target.requests)


def test_a_closed_model_is_kept_with_its_words_and_figures(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-json=run.json", "--load-duration=0.4", "-k", "closed")
    run = run_in(project)
    (result,) = run.results
    assert (result.nodeid, result.run_id, result.state) == (
        "test_load.py::test_closed",
        run.run_id,
        "failed",
    )
    assert result.configuration == {
        "model": "closed",
        "vus": 2,
        "duration": 0.5,
        "start": 0,
        "stages": [[0.1, 2], [0.4, 2]],
        "rate": None,
        "arrivals": None,
        "iterations": None,
        "iterations_per_vu": None,
        "pacing": None,
        "graceful_stop": 30,
        "warm_up": None,
        "seed": 0,
    }
    assert result.overrides == ("duration 0.3 -> 0.4 (--load-duration)",)
    assert result.steady_spans == ((100_000_000, 500_000_000),)
    assert result.latency_spans[0][1] == 500_000_000
    shop, busy = result.requests
    assert (busy.name, busy.outcomes, busy.statuses) == (
        "busy",
        {"ok": busy.count},
        {"503": busy.count},
    )
    assert shop.latency_histogram.n == shop.latency.n == shop.count
    assert shop.bytes_sent > shop.count
    assert shop.bytes_received > shop.count
    latency = shop.latency
    figures = [latency.min, latency.p50, latency.p75, latency.p90, latency.p95, latency.p99, latency.p99_9]
    assert figures == sorted(figures)
    assert result.peak_vus == 2
    assert 0 < result.vu_seconds <= 2 * result.ran_ns / 1e9


def test_budgets_are_kept_as_figures(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-json=run.json", "--load-duration=1", "-k", "closed")
    (result,) = run_in(project).results
    budget = result.budgets[0]
    assert (budget.key, budget.scope, budget.pattern, budget.unit) == ("p95", "request", "GET /shop", "s")
    assert (budget.limit_value, budget.is_upper, budget.window_s) == (5, True, 0)
    assert budget.low is not None
    assert budget.estimate is not None
    assert 0 < budget.low <= budget.estimate < 5
    assert 0 < budget.n <= result.requests[0].count
    checks = next(row for row in result.budgets if row.key == "check_rate")
    assert (checks.scope, checks.pattern, checks.unit, checks.is_upper) == ("", "", "share", False)
    assert checks.limit_value == 1
    assert 0.3 < (checks.estimate or 0) < 0.7


def test_an_open_model_is_kept_with_its_words(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-json=run.json", "-k", "open")
    (result,) = run_in(project).results
    words = {key: value for key, value in result.configuration.items() if value is not None}
    assert words == {
        "model": "open",
        "vus": 30,
        "duration": 0.3,
        "start": 40,
        "stages": [[0.3, 40]],
        "rate": 40,
        "arrivals": "poisson",
        "graceful_stop": 30,
        "warm_up": 0.1,
        "seed": 7,
    }


def test_the_time_stands_in_the_path_and_is_that_of_the_run(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-json={timestamp}/run-{timestamp}.json", "-k", "open")
    (path,) = project.pytester.path.glob("*/run-*.json")
    stamp = re.sub(r"[-:]|\.\d+", "", Run.read(path).began_at)
    assert (path.parent.name, path.name) == (stamp, f"run-{stamp}.json")


@pytest.mark.parametrize("place", ["environment variable LOAD_JSON", "ini file: load_json", "--load-json"])
def test_a_wrong_path_is_a_usage_error_before_any_load(
    project: Project, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    project.write(TWO_TESTS)
    options = []
    if place == "--load-json":
        options = ["--load-json=out/{date}.json"]
    elif place.startswith("ini"):
        project.configure(ini='load_json = "out/{date}.json"')
    else:
        monkeypatch.setenv("LOAD_JSON", "out/{date}.json")
    result = project.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{place}: 'out/{{date}}.json': {{date}} means nothing; allowed is*"])
    assert project.target.requests == []


def test_loads_of_one_test_are_results_of_their_own(project: Project) -> None:
    project.write(
        BROWSE
        + """
def test_own(load):
    load(browse, vus=1, duration=0.2)
    load(browse, vus=2, iterations=6)
"""
    )
    project.run("--load-json=run.json").assert_outcomes(passed=1)
    first, second = run_in(project).results
    assert first.nodeid == second.nodeid == "test_load.py::test_own"
    assert first.test != second.test
    assert (second.configuration["iterations"], second.iterations) == (6, 6)


def test_a_session_without_load_tests_writes_nothing(project: Project) -> None:
    project.write("def test_plain(): pass")
    result = project.run("--load-json=run.json")
    result.assert_outcomes(passed=1)
    assert not (project.pytester.path / "run.json").exists()


def test_results_of_workers_are_in_one_file(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-json=run-{timestamp}.json", "-n2", plugins=XDIST)
    (path,) = project.pytester.path.glob("run-*.json")
    run = Run.read(path)
    assert {result.nodeid for result in run.results} == {
        "test_load.py::test_closed",
        "test_load.py::test_open",
    }
    assert {result.run_id for result in run.results} == {run.run_id}
    assert (run.environment, run.api, run.exit_status) == ("TEST", project.target.url, 1)


# -- sessions that end badly --------------------------------------------------------------------------


def test_ctrl_c_keeps_what_was_measured_until_then(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=3)
        async def test_before(http):
            await http.get("/")

        @pytest.mark.load(vus=1, duration="1h")
        async def test_interrupted(http, vu):
            await http.get("/shop")
            if vu.iteration == 5:
                import os, signal
                os.kill(os.getpid(), signal.SIGINT)

        def test_never():
            raise AssertionError
        """
    )
    project.run_subprocess("--load-json=run.json")
    run = run_in(project)
    assert [(result.state, result.count > 2) for result in run.results] == [
        ("passed", True),
        ("interrupted", True),
    ]
    assert run.exit_status == pytest.ExitCode.INTERRUPTED
    assert run.summary.others == 1


def test_a_later_test_that_kills_the_process_loses_nothing(project: Project) -> None:
    project.write(
        """
        import os

        @pytest.mark.load(vus=1, iterations=3)
        async def test_before(http):
            await http.get("/")

        def test_crash():
            os._exit(3)
        """
    )
    project.run_subprocess("--load-json=run.json")
    run = run_in(project)
    assert [result.state for result in run.results] == ["passed"]
    assert run.exit_status is None  # it never came to its end


def test_a_file_that_cannot_be_written_is_said_and_fails_the_session(project: Project) -> None:
    project.write(
        """
        import pathlib

        @pytest.mark.load(vus=1, iterations=3)
        async def test_load(http):
            await http.get("/")
            pathlib.Path("out").touch()
        """
    )
    result = project.run("--load-json=out/run.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--load-json failed: *out*"])


# -- what must not be in it -----------------------------------------------------------------------------

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
DECLARED = "correct-horse-battery"


def test_no_secret_is_in_the_file_and_markup_is_as_it_came(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SECRET", DECLARED)
    url = project.target.url.replace("http://", "http://user:pass-word-1@")
    project.configure(f'environments.TEST = {{api = "{url}", service = "${{PLATFORM_SECRET}}"}}')
    project.write(
        f"""
        @pytest.mark.load(vus=1, iterations=4)
        @pytest.mark.parametrize("what", ["<script>alert(1)</script>"])
        async def test_load(http, vu, load_env, what):
            headers = {{"Authorization": "Bearer {JWT}", "Cookie": "session=abcdefgh1234"}}
            await http.get("/echo?token=tok-en-1234", headers=headers, expect={{418}})
            await http.get("/", name=f"GET /of/{{load_env.service}}")
            vu.check(f"signed in as {{load_env.service}}", True)
            vu.count(load_env.service)
            if vu.iteration == 2:
                raise ValueError(f"cannot use {JWT} of {{load_env.service}}")
        """
    )
    options = ("--load-json=run.json", "--load-samples=samples.jsonl", "--load-markdown=password=pass-word-2")
    project.run(*options)
    for name in ("run.json", "samples.jsonl"):
        text = (project.pytester.path / name).read_text("utf-8")
        for secret in (JWT, JWT.split(".")[1], DECLARED, "abcdefgh1234", "tok-en-1234", "pass-word"):
            assert secret not in text, f"{secret} in {name}"
        assert "<script>alert(1)</script>" in text
    run = run_in(project)
    assert run.api.startswith("http://[redacted]@127.0.0.1:")
    assert run.options["--load-markdown"] == "password=[redacted]"
    (result,) = run.results
    assert [row.name for row in result.requests] == ["GET /echo", "GET /of/[redacted]"]
    assert result.counters == {"[redacted]": 4}


# -- the surroundings -------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    finished = subprocess.run(
        ("git", *identity, *arguments), cwd=folder, env=environment, check=True, capture_output=True
    )
    return finished.stdout.decode().strip()


def test_the_commit_is_that_of_the_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "work/new")
    assert surroundings.commit_of(tmp_path) is None  # nothing is committed
    file = tmp_path / "a file"
    file.touch()
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    sha = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "not in the repository").touch()
    assert surroundings.commit_of(tmp_path) == Commit(sha, "work/new", dirty=False)
    file.write_text("changed")
    (tmp_path / "folder").mkdir()
    assert surroundings.commit_of(tmp_path / "folder") == Commit(sha, "work/new", dirty=True)
    git(tmp_path, "checkout", "-q", "--detach")
    assert surroundings.commit_of(tmp_path) == Commit(sha, "", dirty=True)


def test_without_a_repository_or_without_git_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert surroundings.commit_of(tmp_path) is None
    assert surroundings.commit_of(tmp_path / "not there") is None
    git(tmp_path, "init", "-q")
    monkeypatch.setenv("PATH", "")
    assert surroundings.commit_of(tmp_path) is None


def test_a_repository_too_large_to_look_at_still_has_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(command: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[bytes]:
        if "status" in command:
            raise subprocess.TimeoutExpired(command, 2)
        return subprocess.CompletedProcess(command, 0, b"abc123\n")

    monkeypatch.setattr(subprocess, "run", slow)
    assert surroundings.commit_of(tmp_path) == Commit("abc123", "", dirty=None)


def test_a_machine_that_tells_nothing_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(_: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(surroundings, "_CPU_INFO", tmp_path / "none")
    monkeypatch.setattr(os, "sysconf", unknown)
    machine = surroundings.this_machine()
    assert (machine.cpu, machine.memory_bytes) == ("", None)
    assert platform.machine() in machine.system


def test_a_set_up_that_failed_says_why_and_hides_secrets(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        async def signed_in(vu):
            raise RuntimeError("cannot sign in with password=geheim-123")

        @pytest.mark.load(vus=1, iterations=1)
        async def test_browse(http, signed_in):
            pass
        """
    )
    result = project.run("--load-json=run.json", "--load-markdown=run.md")
    result.assert_outcomes(failed=1)
    (kept,) = LoadResult.read(project.pytester.path / "run.json")
    assert kept.state == "set-up failed"
    assert kept.reason == (
        "the set-up of virtual user 1 failed: RuntimeError: cannot sign in with password=[redacted]"
    )
    assert "cannot sign in" in (project.pytester.path / "run.md").read_text()


def test_a_result_is_small_enough_to_travel(project: Project) -> None:
    project.write(TWO_TESTS)
    project.run("--load-json=run.json")
    results = LoadResult.read(project.pytester.path / "run.json")
    assert all(len(json.dumps(result.to_plain())) < 20_000 for result in results)
