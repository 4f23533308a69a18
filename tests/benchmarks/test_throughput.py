"""Who runs what, in which order, with whose package; and how the results read."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.generators import GENERATORS, REPOSITORY, Generator, Run, baseline, pytest_command
from benchmarks.machine import describe_checkout
from benchmarks.measurement import Measurement
from benchmarks.processes import run_pinned
from benchmarks.reports import check_package, read_loop
from benchmarks.requirements import BASELINE, OURS, OURS_HTTPX, State, exit_status
from benchmarks.runs import GENERATOR_CORE, TARGET_CORE, Results, environment
from benchmarks.target import running_target
from benchmarks.throughput import in_turn, judge_all, parse_arguments, rows_to_measure
from benchmarks.throughput_text import as_markdown, rows
from benchmarks.workloads import GZIP, PLAIN, TLS

RUN = Run("http://127.0.0.1:8080", vus=64, seconds=5, folder=Path("/tmp"))


def names(workload: str) -> list[str]:
    return [generator.name for generator in GENERATORS if workload in generator.workloads]


def measured(rate: float) -> Measurement:
    return Measurement(rate, 50.0, 60.0, 0.9, ())


def results(**rates: list[float | None]) -> Results:
    """Of generators by name, `_` for what cannot be in one."""
    return Results(
        rounds={
            name.replace("_", "-"): [None if rate is None else measured(rate) for rate in each]
            for name, each in rates.items()
        }
    )


def test_every_generator_runs_the_plain_workload() -> None:
    assert names(PLAIN) == [generator.name for generator in GENERATORS]


def test_all_but_the_bare_loop_run_the_tls_workload() -> None:
    assert set(names(PLAIN)) - set(names(TLS)) == {"bare"}


def test_none_runs_the_gzip_workload_that_does_not_decode() -> None:
    assert set(names(TLS)) - set(names(GZIP)) == {"wrk", "hey"}


def test_the_baseline_comes_right_after_ours_and_differs_in_the_checkout_alone(tmp_path: Path) -> None:
    ours, earlier = rows_to_measure(tmp_path)[:2]
    assert (ours.name, earlier.name) == (OURS, BASELINE)
    assert (ours.checkout, earlier.checkout) == (REPOSITORY, tmp_path)
    assert ours.command(RUN) == earlier.command(RUN)


def test_the_package_that_is_imported_is_that_of_the_checkout(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(REPOSITORY / "pytest_loadtest", earlier / "pytest_loadtest")
    generator = baseline(earlier)
    finished = run_pinned(
        pytest_command("browse.py", "--collect-only"),
        core=min(os.sched_getaffinity(0)),
        cwd=generator.checkout,
        environment=environment(RUN, generator.checkout),
        timeout_seconds=120,
        watch=lambda _pid: True,
    )
    assert finished.status == 0, finished.last_words
    generator.own_report(RUN, finished.output)
    with pytest.raises(ValueError, match="it imported"):
        check_package(finished.output, REPOSITORY)


SEND_FOR_A_SECOND = """
import http.client, json, os, time, urllib.parse
connection = http.client.HTTPConnection(urllib.parse.urlsplit(os.environ["BENCH_URL"]).netloc)
started, requests = time.perf_counter(), 0
while time.perf_counter() - started < float(os.environ["BENCH_SECONDS"]):
    connection.request("GET", "/api/store/agents?page=1&page_size=20")
    connection.getresponse().read()
    requests += 1
print(json.dumps({"requests": requests, "seconds": time.perf_counter() - started, "failed_checks": FAILED}))
"""
needs_nginx_and_two_cores = pytest.mark.skipif(
    not {GENERATOR_CORE, TARGET_CORE} <= os.sched_getaffinity(0)
    or not all(shutil.which(name) for name in ("nginx", "taskset")),
    reason="needs nginx, taskset and two cores",
)


def run_program(program: str, workload: str) -> Results:
    """One round of one second of a Python program in a generator's place. Where the machine stood still for
    much of that second, there is no steady part: then once more.
    """
    for _ in range(4):
        measured_by_it = one_round(program, workload)
        if not any("too few requests for a steady part" in each for each in measured_by_it.failures.values()):
            break
    return measured_by_it


def one_round(program: str, workload: str) -> Results:
    generator = Generator(
        "program",
        "",
        (),
        lambda _run: [sys.executable, "-c", program],
        lambda _run, output: read_loop(output),
    )
    measured_by_it = Results()
    with running_target(TARGET_CORE, [workload]) as target:
        measured_by_it.run(generator, target, workload, seconds=1)
    return measured_by_it


@needs_nginx_and_two_cores
@pytest.mark.parametrize("workload", [PLAIN, GZIP])
def test_a_round_counts_what_the_server_saw_of_the_workload(workload: str) -> None:
    measured_by_it = run_program(SEND_FOR_A_SECOND.replace("FAILED", "0"), workload)
    assert measured_by_it.failures == {}
    assert measured_by_it.summaries()["program"].requests_per_second > 0


@needs_nginx_and_two_cores
@pytest.mark.parametrize(
    ("program", "reason"),
    [
        pytest.param("raise SystemExit('no such fixture')", "exit status 1:\nno such fixture", id="status"),
        pytest.param("print('hello')", "no figures (the loop printed no report)", id="no report"),
        pytest.param(
            SEND_FOR_A_SECOND.replace("FAILED", "2"), "2 of its requests or checks failed", id="failed checks"
        ),
    ],
)
def test_a_round_that_gives_no_figures_is_a_failure_with_its_reason(program: str, reason: str) -> None:
    measured_by_it = run_program(program, PLAIN)
    assert measured_by_it.rounds == {"program": [None]}
    assert measured_by_it.failures["program"].startswith(reason)
    assert measured_by_it.summaries() == {}


def test_every_second_round_goes_backwards() -> None:
    turns = [(PLAIN, generator) for generator in GENERATORS[:3]]
    assert [in_turn(turns, number) for number in (1, 2, 3)] == [turns, turns[::-1], turns]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--workload", "plain,udp"], "'udp' is none of plain, tls, gzip", id="workload"),
        pytest.param(["--only", "wrk,ab"], "'ab' is none of pytest-loadtest, baseline, ", id="generator"),
        pytest.param(["--baseline", "/nowhere"], "'/nowhere' holds no package", id="baseline"),
        pytest.param(["--only", "baseline"], "--only baseline needs --baseline PATH", id="no baseline"),
        pytest.param(["--rounds", "0"], "0 is less than 1", id="rounds"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_allowed(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_all_workloads_are_measured_unless_some_are_chosen() -> None:
    assert parse_arguments([]).workload == [PLAIN, TLS, GZIP]
    assert parse_arguments(["--workload", "gzip,tls"]).workload == [GZIP, TLS]


def test_a_requirement_on_a_workload_that_was_left_out_is_not_checked() -> None:
    verdicts = judge_all({}, with_baseline=True)
    assert {verdict.state for verdict in verdicts} == {State.NOT_CHECKED}
    assert {verdict.requirement.workload for verdict in verdicts} == {PLAIN}
    assert exit_status(verdicts, failed=False) == 3


def test_without_a_baseline_nothing_is_said_of_one() -> None:
    verdicts = judge_all({}, with_baseline=False)
    assert BASELINE not in {verdict.requirement.peer for verdict in verdicts}


def test_a_row_shows_its_medians_its_range_and_how_often_ours_is_it_round_by_round() -> None:
    both = results(pytest_loadtest=[1000, 3000, 5000], locust=[500, 1000, 5000])
    shown = {row[0]: row for row in rows(GENERATORS, PLAIN, both)}
    assert shown["locust"] == ("locust", "1000", "500 - 5000", "2.00", "50.0", "60.0", "90%")


def test_a_row_without_figures_says_why() -> None:
    some = results(pytest_loadtest=[1000], locust=[None])
    some.absent["k9"] = "not installed: pip install k9-load"
    shown = {row[0]: row for row in rows(GENERATORS, PLAIN, some)}
    assert shown["locust"][1:3] == ("failed", "")
    assert shown["k9"][1] == "not installed: pip install k9-load"


def test_ratios_are_left_out_where_ours_failed() -> None:
    some = results(pytest_loadtest=[None], locust=[1000])
    shown = {row[0]: row for row in rows(GENERATORS, PLAIN, some)}
    assert shown["locust"][1:4] == ("1000", "1000 - 1000", "")


def test_the_page_has_a_table_for_each_workload_with_those_that_run_it() -> None:
    measured_by = {PLAIN: results(pytest_loadtest=[1000, 1100]), GZIP: results(pytest_loadtest=[300, 330])}
    measured_by[GZIP].failures["locust"] = "exit status 1:\nits words"
    page = as_markdown({"Date": "today"}, GENERATORS, measured_by, [])
    _, plain, compressed, _ = page.split("#### ")
    assert plain.startswith("`plain`: small answer\n")
    assert "| wrk |" in plain
    assert "| pytest-loadtest | 315 | 300 - 330 |" in compressed
    assert "| wrk |" not in compressed
    assert "- locust failed: exit status 1:\n  its words" in compressed


def test_the_baselines_commit_is_said(tmp_path: Path) -> None:
    assert describe_checkout(tmp_path) == "(commit unknown)"


def test_httpx_client_is_a_row_of_every_workload() -> None:
    assert all(OURS_HTTPX in names(workload) for workload in (PLAIN, TLS, GZIP))
