"""A run: its summary, its file, and what is said of a file that holds none."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.errors import ResultError
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.run import Run, Summary
from pytest_loadtest.results.timeline import Timeline
from tests.results.results import LATENCIES, MS, S, load_result, run

# -- the summary ----------------------------------------------------------------------------------


def test_the_summary_is_of_all_loads() -> None:
    longer = Timeline(vus=(5, 7, 7))
    passed = load_result(state="passed", ran_ns=int(2.5 * S), timeline=longer, began_at="")
    others = (load_result(state=state, began_at="") for state in ("failed", "interrupted", "invalid"))
    results = (passed, *others)
    # 3 times 2 + 1, and 5 + 7 + half a second of 7
    vu_seconds = 3 * 3 + 15.5
    assert run(results=results).summary == Summary(
        loads=4,
        passed=1,
        failed=1,
        others=2,
        vu_minutes=round(vu_seconds / 60, 3),
        peak_vus=7,
        requests=12,
        failed_requests=4,
    )


@pytest.mark.parametrize(
    ("began_at", "peak"),
    [
        pytest.param("2026-11-22T20:15:02.000Z", 7, id="one behind the other"),
        pytest.param("2026-11-22T20:15:01.999Z", 7 + 4, id="the other begins before the one is over"),
        pytest.param("2026-11-22T20:15:00.500Z", 7 + 5, id="side by side, on two workers"),
        pytest.param("", 7, id="nobody knows when"),
        pytest.param("yesterday", 7, id="nor understands it"),
    ],
)
def test_the_peak_is_of_all_users_that_were_active_at_one_time(began_at: str, peak: int) -> None:
    one = load_result(began_at="2026-11-22T20:15:00.000Z", ran_ns=2 * S, timeline=Timeline(vus=(3, 7)))
    other = load_result(began_at=began_at, ran_ns=2 * S, timeline=Timeline(vus=(4, 5)))
    assert run(results=(one, other)).summary.peak_vus == peak


def test_a_run_without_results_has_a_summary() -> None:
    assert run(results=()).summary == Summary()


@pytest.mark.parametrize(
    ("ran_s", "vus", "seconds"),
    [
        (2, (4, 2), 6),
        (1.5, (4, 2), 5),
        (1, (4, 2), 4),  # in the second after the end users only tear down
        (0.25, (4,), 1),
        (0, (), 0),
    ],
)
def test_the_time_of_users_is_the_integral_of_active_ones(
    ran_s: float, vus: tuple[int, ...], seconds: float
) -> None:
    result = load_result(ran_ns=int(ran_s * S), timeline=Timeline(vus=vus))
    assert (result.vu_seconds, result.peak_vus) == (seconds, max(vus, default=0))


def test_a_result_says_whether_it_has_passed() -> None:
    assert load_result(state="passed").has_passed
    assert not load_result(state="invalid").has_passed


# -- the file ---------------------------------------------------------------------------------------


def test_a_run_is_the_same_when_it_is_read_back_and_written_again(tmp_path: Path) -> None:
    written, again = tmp_path / "run.json", tmp_path / "again.json"
    run().write(written)
    read = Run.read(written)
    assert read == run()
    read.write(again)
    assert again.read_bytes() == written.read_bytes()
    assert LoadResult.read(str(written)) == run().results


def test_the_file_says_what_it_is_and_has_the_summary_before_the_results(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    run().write(path)
    document = json.loads(path.read_text("utf-8"))
    assert (document["format"], document["schema_version"]) == ("pytest-loadtest run", 1)
    assert run().schema_version == 1
    assert document["summary"]["peak_vus"] == 2
    expected = [each.name for each in fields(Run)]
    assert list(document) == ["format", "schema_version", *expected[:-1], "summary", "results"]


def test_folders_are_made_and_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "run.json"
    run().write(path)
    run(exit_status=0).write(path)
    assert Run.read(path).exit_status == 0
    assert [each.name for each in path.parent.iterdir()] == ["run.json"]


def test_a_new_file_may_be_read_as_any_other_and_an_old_one_as_before(tmp_path: Path) -> None:
    path, other = tmp_path / "run.json", tmp_path / "other"
    other.touch()
    run().write(path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
    path.chmod(0o600)
    run().write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "run.json"
    link.symlink_to(tmp_path / "real" / "run.json")
    run().write(link)
    assert link.is_symlink()
    assert Run.read(tmp_path / "real" / "run.json") == run()


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a file that could be replaced"):
        run().write(path)
    assert path.is_fifo()


@pytest.mark.parametrize("failing", ["fsync", "fchmod"])
def test_what_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "run.json"
    run().write(path)

    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        run(exit_status=0).write(path)
    assert Run.read(path).exit_status == 1
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_numbers_that_are_none_and_text_that_is_no_unicode_do_not_keep_it_from_being_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.json"
    odd = load_result(stall_share=math.nan, confidence=math.inf, reason="\udcff </script> \u2028 é")
    run(results=(odd,)).write(path)
    document = json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)
    (result,) = document["results"]
    assert (result["stall_share"], result["confidence"]) == (None, None)
    assert result["reason"] == "\udcff </script> \u2028 é"


WRONG_FILES = [
    ("", "no JSON, or only a part of it"),
    ('{"format": "pytest-loadtest run", "schema', "no JSON, or only a part of it"),
    ("\xff", "no JSON, or only a part of it"),
    ("[" * 100_000, "no JSON, or only a part of it"),
    ('{"format": "pytest-loadtest run", "schema_version": 1, "x": NaN}', "NaN is no JSON"),
    ("[]", 'not a file of --load-json: it has no "format": "pytest-loadtest run"'),
    ('{"format": "k6"}', "not a file of --load-json"),
    ('{"format": "pytest-loadtest run"}', "schema_version: None is not the number of a version"),
    ('{"format": "pytest-loadtest run", "schema_version": true}', "schema_version: True is not"),
    (
        '{"format": "pytest-loadtest run", "schema_version": 2}',
        "written by a newer version of pytest-loadtest (schema_version 2; this one reads up to 1): update it",
    ),
    ('{"format": "pytest-loadtest run", "schema_version": 1}', "'run_id' is missing"),
]


@pytest.mark.parametrize(("content", "said"), WRONG_FILES, ids=lambda each: each[-40:])
def test_a_file_that_is_no_run_is_named_with_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ResultError) as raised:
        Run.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)


def test_a_wrong_value_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    run().write(path)
    document = json.loads(path.read_text("utf-8"))
    document["results"][0]["requests"][0]["latency"]["p95"] = "fast"
    path.write_text(json.dumps(document))
    with pytest.raises(ResultError, match=r"results\[0\]\.requests\[0\]\.latency\.p95: 'fast' is not a num"):
        LoadResult.read(path)


def test_a_file_that_is_not_there_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Run.read(tmp_path / "run.json")


# -- what is in it --------------------------------------------------------------------------------


def test_the_distribution_of_a_name_is_read_back_exactly() -> None:
    read = Run.from_plain(json.loads(json.dumps(run().to_plain())))
    histogram = read.results[0].requests[0].latency_histogram
    assert (histogram.n, histogram.sum, histogram.max) == (3, 60 * MS, 30 * MS)
    assert (histogram.counts == LATENCIES.counts).all()
    empty = replace(read.results[0].requests[0], histogram="")
    assert empty.latency_histogram.n == 0


def test_what_somebody_declared_secret_is_in_no_result() -> None:
    declare_secret("hunter2-hunter2")
    row = replace(load_result().requests[0], name="GET /hunter2-hunter2")
    kept = load_result(requests=(row,), counters={"of hunter2-hunter2": 1}).without_secrets()
    assert kept.requests[0].name == "GET /[redacted]"
    assert kept.counters == {"of [redacted]": 1}
    assert "hunter2" not in json.dumps(kept.to_plain())
    assert load_result().without_secrets() == load_result()


def test_a_result_of_an_older_process_lacks_nothing_that_has_a_default() -> None:
    plain: dict[str, Any] = load_result().to_plain()
    for name in ("nodeid", "began_at", "configuration", "steady_spans", "latency_spans", "authentication"):
        del plain[name]
    older = LoadResult.from_plain(plain)
    assert (older.nodeid, older.configuration, older.authentication) == ("", {}, None)
