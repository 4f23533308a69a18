"""The suite's own options: which value holds, and which is refused before any load."""

from __future__ import annotations

from typing import Any

import pytest

from perf_tests.options import OPTIONS, read_options
from tests.perf_tests.bodies import suite_options
from tests.perf_tests.conftest import ROOT, Suite


class Given:
    """Of pytest's configuration: the options of a command line."""

    def __init__(self, **values: Any) -> None:
        self._values = {f"perf_tests_{name}": value for name, value in values.items()}

    def getoption(self, name: str, default: Any) -> Any:
        return self._values.get(name, default)


def read(monkeypatch: pytest.MonkeyPatch, line: dict[str, Any], variables: dict[str, str]) -> Any:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_options(Given(**line))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sentence", "line", "variables", "changed"),
    [
        ("nothing given", {}, {}, {}),
        ("a number", {"requests_per_vu": "8"}, {}, {"requests_per_vu": 8}),
        ("by variable", {}, {"REQUESTS_PER_VU": "8"}, {"requests_per_vu": 8}),
        (
            "the command line is stronger",
            {"concurrent_requests": "2"},
            {"CONCURRENT_REQUESTS": "3"},
            {"concurrent_requests": 2},
        ),
        ("an empty variable is none", {}, {"CONCURRENT_REQUESTS": ""}, {}),
        ("endpoints", {"endpoint": ["graphs", "credits"]}, {}, {"endpoint": ("graphs", "credits")}),
        ("endpoints by variable", {}, {"ENDPOINT": " graphs  blocks "}, {"endpoint": ("graphs", "blocks")}),
        ("heartbeats", {}, {"HEARTBEATS_PER_VISIT": "1"}, {"heartbeats_per_visit": 1}),
        ("milliseconds", {"demo_latency": "200ms"}, {}, {"demo_latency": 0.2}),
        ("a share", {"demo_error_rate": "5%"}, {}, {"demo_error_rate": 0.05}),
        ("a share by variable", {}, {"DEMO_ERROR_RATE": "0.5"}, {"demo_error_rate": 0.5}),
        (
            "a freeze",
            {"demo_freeze": "2s"},
            {"DEMO_FREEZE_EVERY": "5s"},
            {"demo_freeze": 2.0, "demo_freeze_every": 5.0},
        ),
    ],
)
def test_which_value_holds(
    monkeypatch: pytest.MonkeyPatch,
    sentence: str,
    line: dict[str, Any],
    variables: dict[str, str],
    changed: dict[str, Any],
) -> None:
    assert read(monkeypatch, line, variables) == suite_options(**changed), sentence


@pytest.mark.parametrize(
    ("line", "variables", "told"),
    [
        ({"requests_per_vu": "0"}, {}, ["--requests-per-vu", "'0'", "1 or more"]),
        ({"requests_per_vu": "many"}, {}, ["--requests-per-vu", "'many'"]),
        ({}, {"REQUESTS_PER_VU": "-1"}, ["environment variable REQUESTS_PER_VU", "'-1'"]),
        ({"endpoint": ["credit"]}, {}, ["--endpoint", "'credit'", "credits, graphs, blocks, executions"]),
        ({}, {"ENDPOINT": "credits,graphs"}, ["environment variable ENDPOINT", "'credits,graphs'"]),
        ({"concurrent_requests": "1.5"}, {}, ["--concurrent-requests", "'1.5'"]),
        ({"demo_latency": "-1s"}, {}, ["--demo-latency", "'-1s'"]),
        ({"demo_latency": "soon"}, {}, ["--demo-latency", "'soon'"]),
        ({"demo_error_rate": "150%"}, {}, ["--demo-error-rate", "'150%'"]),
        ({}, {"DEMO_FREEZE": "ever"}, ["environment variable DEMO_FREEZE", "'ever'"]),
        ({"demo_freeze": "20s"}, {}, ["--demo-freeze", "20 s", "--demo-freeze-every"]),
    ],
)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, line: dict[str, Any], variables: dict[str, str], told: list[str]
) -> None:
    with pytest.raises(pytest.UsageError) as error:
        read(monkeypatch, line, variables)
    for words in told:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--requests-per-vu=0",), "ERROR: --requests-per-vu: '0' *"),
        (("--endpoint=credit",), "ERROR: --endpoint: 'credit' * credits, graphs, blocks, executions"),
        (("--demo-error-rate=2",), "ERROR: --demo-error-rate: '2' *"),
    ],
)
def test_a_refused_option_is_a_usage_error(suite: Suite, args: tuple[str, ...], told: str) -> None:
    result = suite.collect(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])
    assert not suite.items


def test_help_names_every_option_and_its_values(suite: Suite) -> None:
    text = suite.collect("--help").stdout.str()
    for option in OPTIONS:
        assert f"{option.flag}={option.metavar}" in text


def test_pytest_on_the_whole_repository_goes_without_the_options(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest learns of perf_tests/ only while it collects, too late for options, in time for variables."""
    monkeypatch.setenv("ENDPOINT", "graphs")
    suite.collect("--ignore", str(ROOT / "tests"), "--ignore", str(ROOT / "benchmarks"), path=ROOT)
    assert [name for name in suite.names if "single" in name] == ["test_single_endpoint[Graphs_API_Max_Load]"]
