"""``--load-undecided``: a budget too close to call, from the option to what is printed."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.target import Target

# Every latency budget of a handful of requests is too close to call, if its estimate keeps it.
FEW = """
    @pytest.mark.load(vus=1, iterations=10)
    @pytest.mark.budget(p99="30s")
    async def test_few(http):
        await http.get("/")
"""


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [([], "passed"), (["--load-undecided=pass"], "passed"), (["--load-undecided=fail"], "failed")],
    ids=["the estimate decides", "pass", "fail"],
)
def test_a_budget_too_close_to_call(
    project: Project, target: Target, arguments: list[str], outcome: str
) -> None:
    project.write(FEW)
    result = project.run(*arguments)
    result.assert_outcomes(**{outcome: 1})
    text = result.stdout.str()
    assert "of too few values to be sure" in text
    assert "to confirm p99 takes 368" in text


def test_an_unknown_word_is_a_usage_error(project: Project) -> None:
    project.write(FEW)
    result = project.run("--load-undecided=perhaps")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--load-undecided: 'perhaps' is none of estimate, pass, fail, extend*"])


def test_the_ini_key_does_the_same(project: Project, target: Target) -> None:
    project.write(FEW)
    result = project.run("-o", "load_undecided=fail")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*p99 * too close to call, limit <= 30 s*"])


def test_many_close_calls_are_told_in_one_sentence(project: Project, target: Target) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=10)
        @pytest.mark.budget(p90="30s", p95="30s", p99="30s")
        async def test_few(http):
            await http.get("/")
        """
    )
    result = project.run("-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["p99 * <= 30 s * - ?  ok, close", "note: *3 of * budgets are too close to call (p90, p95, p99): *"]
    )
