"""What is said when the generator itself is the bottleneck, from the run to what is printed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.plugin.conftest import Project
from tests.plugin.made_up_probe import MadeUpProbe
from tests.plugin.results import KEEP_RESULTS, results_of
from tests.plugin.target import Target

MS = 1_000_000
# So late that a request may owe all of its time to the generator, however slow the machine is.
VERY_LATE_MS = 60_000
# Takes at least 200 ms a request: how much more, nobody knows.
SLOW = """
    @pytest.mark.load(vus=1, iterations=3)
    @pytest.mark.budget(p95="{limit}")
    async def test_slow(http):
        await http.get("/delay/0.2")
"""


Generator = Callable[[float, float], None]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Generator:
    """Says how full the generator's core is and how many ms late it reads."""

    def set_probe(cpu: float, read_ms: float) -> None:
        probe = MadeUpProbe(cpu, read_ms)
        monkeypatch.setattr("pytest_loadtest.plugin.running.GeneratorProbe", lambda: probe)

    return set_probe


def test_a_latency_budget_that_a_busy_generator_may_have_broken_is_invalid(
    project: Project, generator: Generator
) -> None:
    generator(0.97, VERY_LATE_MS)
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(SLOW.format(limit="150ms"))
    result = project.run()
    result.assert_outcomes(failed=1)
    reason = (
        "p95: invalid: generator-limited: the generator may have added all of it; "
        "90% or more of a core in 100% of its seconds (97% on average); *; what helps: fewer VUs *"
    )
    headline = "1 of 3 budgets invalid: generator-limited: p95 * limit <= 150 ms"
    result.stdout.fnmatch_lines(
        [
            headline,
            reason,
            "p95 *INVALID",
            "note: generator-limited: *",
            "test_slow * invalid *",
            f"FAILED *::test_slow - {headline[:20]}*",
        ]
    )
    row = results_of(project)["test_slow"]
    assert (row.state, row.generator.state, row.generator.cpu) == ("invalid", "generator-limited", 0.97)
    assert [budget.label for budget in row.budgets if budget.invalid] == ["p95"]


def test_a_test_that_broke_another_budget_for_sure_has_failed(project: Project, generator: Generator) -> None:
    generator(0.97, VERY_LATE_MS)
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(SLOW.format(limit="150ms").replace("p95=", "rps=1000, p95="))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["2 of 4 budgets broken: *p95 *limit <= 150 ms (invalid: generator-limited)*"]
    )
    assert results_of(project)["test_slow"].state == "failed"


@pytest.mark.parametrize(
    ("cpu", "read_ms"),
    [
        pytest.param(0.2, 0.1, id="an idle generator"),
        pytest.param(0.97, 20, id="a full one that reads 20 ms late"),
    ],
)
def test_a_slow_target_is_a_failure(
    project: Project, generator: Generator, cpu: float, read_ms: float
) -> None:
    generator(cpu, read_ms)
    project.write(SLOW.format(limit="150ms"))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["1 of 3 budgets broken: p95 * > 150 ms*", "p95 *BROKEN*"])
    assert "INVALID" not in result.stdout.str()


def test_what_passes_has_passed_and_the_generator_is_mentioned(
    project: Project, generator: Generator
) -> None:
    generator(0.97, VERY_LATE_MS)
    project.write(SLOW.format(limit="20s"))
    result = project.run("-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "generator *CPU *highest *waiting *read p50 *read p99 *start p99",
            "generator-limited *97% *97% *0% *1m *1m *-",
            "note: *generator-limited: *what passed has passed in spite of it*",
        ]
    )


def test_a_degraded_generator_is_mentioned(project: Project, generator: Generator) -> None:
    generator(0.85, 1)
    project.write(SLOW.format(limit="20s"))
    result = project.run()
    result.stdout.fnmatch_lines(["note: *generator degraded: 80% or more of a core in 100% of*"])


def test_an_idle_generator_is_not_worth_a_word(project: Project, generator: Generator) -> None:
    generator(0.2, 0.1)
    project.write(SLOW.format(limit="20s"))
    notes = [line for line in project.run().outlines if line.startswith("note: ")]
    assert [note for note in notes if "generator" in note] == []


@pytest.mark.parametrize(
    ("signature", "wait"),
    [
        pytest.param("async def test_blocks(http)", 'await http.get("/")', id="async"),
        pytest.param("def test_blocks(http)", 'http.get("/")', id="sync"),
    ],
)
def test_a_blocking_call_is_named_with_file_and_line(
    project: Project, target: Target, signature: str, wait: str
) -> None:
    """It blocks until the thread that watches has seen it, which may get its turn late."""
    project.write(
        f"""
        import threading, time

        WATCH = "load block watch"

        @pytest.mark.load(vus=1, iterations=3)
        {signature}:
            {wait}
            (watch,) = (each._target.__self__ for each in threading.enumerate() if each.name == WATCH)
            while time.sleep(0.15) or watch._caught is None: pass
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    (note,) = (line for line in result.outlines if "blocked" in line and "sleep" in line)
    assert re.fullmatch(
        r"note: test_blocks: the event loop was blocked 3 times, up to [\d.]+ m?s, at test_load.py:11 "
        r"\(while time\.sleep\(0\.15\) or watch\._caught is None: pass\): meanwhile no other user was served",
        note,
    )


def test_whoever_runs_pytest_is_not_to_blame_for_what_is_no_line_of_the_test(
    project: Project, target: Target
) -> None:
    """Below the loop are lines of whoever calls pytest.main(): here, of this test."""
    project.write(
        """
        import time
        from pytest_loadtest.core.recorder import Recorder

        @pytest.fixture
        def slow_engine(monkeypatch):
            names = {"tick": Recorder.tick, "time": time}
            source = "def slow(*arguments): tick(*arguments); time.sleep(0.15)"
            exec(compile(source, "<made up>", "exec"), names)
            monkeypatch.setattr(Recorder, "tick", names["slow"])

        @pytest.mark.load(vus=1, duration="0.4s")
        async def test_load(vu, slow_engine):
            await vu.think("1ms")
        """
    )
    project.write(KEEP_RESULTS, "conftest.py")
    result = project.run()
    result.assert_outcomes(passed=1)
    generator = results_of(project)["test_load"].generator
    assert generator.read_delay.max > 50 * MS
    assert generator.blocked == ()


def test_one_iteration_for_debugging_is_not_watched(project: Project, target: Target) -> None:
    project.write(
        """
        import threading

        @pytest.mark.load(vus=1, duration="1s")
        async def test_load(http):
            await http.get("/")
            assert "load block watch" not in [thread.name for thread in threading.enumerate()]
        """
    )
    project.run("--load-once").assert_outcomes(passed=1)
    project.run().assert_outcomes(failed=1)
