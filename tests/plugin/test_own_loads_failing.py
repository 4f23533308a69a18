"""The fixture ``load`` where it is misused, or where its loads fail: what the test is told."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.own_loads import BROWSE, Case, write_test
from tests.plugin.results import KEEP_RESULTS, results_of

FAILS = [
    Case(
        "a default limit that is broken fails the test",
        "async def broken(http):\n    await http.get('/status/500')\nload(broken, vus=1, iterations=2)",
        "load 'broken, 1 VU': 1 of 2 budgets broken: error_rate 100% > 0%",
    ),
    Case(
        "so does a budget of the call",
        "load(browse, vus=1, iterations=2, budget={'p95': '1us'})",
        "load 'browse, 1 VU*': 1 of 4 budgets broken: p95 * > 1 us",
    ),
    Case(
        "and one of several for different requests",
        "load(browse, vus=1, iterations=2, budget=[{'p95': '9s'}, {'p95': '1us', 'request': 'front page'}])",
        "load 'browse, 1 VU': 1 of 5 budgets broken: p95 of 'front page' * > 1 us",
    ),
    Case(
        "a load in which nothing was measured fails",
        "async def cut(vu):\n    await vu.think('9s')\nload(cut, vus=1, duration=0.1, graceful_stop=0)",
        "load 'cut, 1 VU': no iteration finished: nothing was measured",
    ),
    Case(
        "an unknown keyword is an error that names it",
        "load(browse, vuss=1)",
        "E *ConfigurationError: load: unknown keyword 'vuss' (did you mean 'vus'?)*",
    ),
    Case(
        "so is an unknown budget",
        "load(browse, vus=1, iterations=1, budget={'q95': '1s'})",
        "E *ConfigurationError: unknown budget 'q95' (did you mean *",
    ),
    Case(
        "a scenario is a function",
        "load('browse', vus=1)",
        "E *MisuseError: load('browse', ...): its first argument is the function that users run",
    ),
    Case(
        "a scenario does not yield",
        "def odd(http):\n    yield\nload(odd, vus=1)",
        "E *MisuseError: load(odd, ...): a scenario must not yield",
    ),
    Case(
        "a plain function that hands on a coroutine has done nothing",
        "load(lambda http, vu: browse(http, vu), vus=1, iterations=2)",
        "*MisuseError at *: browse() is async, but what calls it is a plain function: make that an *",
    ),
    Case(
        "a budget is a dictionary, not a text",
        "load(browse, vus=1, iterations=1, budget='p95=2s')",
        "E *ConfigurationError: load: budget: 'p95=2s' is not a dictionary such as *",
    ),
    Case(
        "and several are a list of such",
        "load(browse, vus=1, iterations=1, budget=[('p95', '2s')])",
        "E *ConfigurationError: load: budget: [[]('p95', '2s')] is not a dictionary such as *",
    ),
    Case(
        "a percentile is a number",
        "load(browse, vus=1, iterations=1).percentile('95')",
        "E *MisuseError: percentile '95': it is a number above 0 and below 100*",
    ),
    Case(
        "one that rounds to 100 is none",
        "load(browse, vus=1, iterations=1).interval(99.99999)",
        "E *MisuseError: percentile 99.99999: it is a number above 0 and below 100*",
    ),
    Case(
        "an argument of a scenario that is no fixture is named",
        "def odd(htp):\n    pass\nload(odd, vus=1, iterations=1)",
        "*fixture 'htp' not found*",
    ),
]


@pytest.mark.parametrize("case", FAILS, ids=lambda case: case.sentence)
def test_what_fails(project: Project, case: Case) -> None:
    write_test(project, case.body)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([case.line])
    assert "own_loads.py" not in result.stdout.str()  # the way to the error is ours, not the user's


def test_it_must_be_an_argument(project: Project) -> None:
    """Whatever loads need is prepared when tests are collected."""
    project.write(BROWSE + "\ndef test_x(request):\n    request.getfixturevalue('load')(browse, vus=1)\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the fixture 'load' must be an argument of the test *"])


def test_a_set_up_that_fails_is_shown_from_the_users_line_on(project: Project) -> None:
    write_test(
        project,
        "load(signed, vus=1, iterations=1)",
        before="""
@pytest.fixture
def account(vu):
    raise RuntimeError("refused")

async def signed(account):
    pass
""",
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">       load(signed, vus=1, iterations=1)", '>       raise RuntimeError("refused")']
    )
    result.stdout.fnmatch_lines(["E       raised in the set-up of virtual user 1, before any load was sent"])
    assert "pytest_loadtest/" not in result.stdout.str()


def test_the_tests_time_limit_holds_for_loads_that_are_not_checked(project: Project) -> None:
    write_test(
        project,
        "for _ in range(3):\n    load(browse, vus=1, duration='9s', check=False)",
        before="pytestmark = pytest.mark.timeout(1)\n",
    )
    result = project.run(plugins=("pytest_timeout",))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["load 'browse, 1 VU': Timeout (>1s) from pytest-timeout: *"])
    assert "#2" not in result.stdout.str()


def test_two_threads_cannot_run_loads_at_the_same_time(project: Project) -> None:
    write_test(
        project,
        """\
def second():
    try:
        load(browse, vus=1, iterations=1)
    except Exception as error:
        said.append(str(error))
async def first(http):
    thread = threading.Thread(target=second)
    thread.start()
    await asyncio.to_thread(thread.join)
    await http.get("/")
said = []
assert load(first, vus=1, iterations=1).count == 1
assert said == ["load(...): another load is running; one load can run a scenario that does both"]""",
        before="import asyncio, threading\n",
    )
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        pytest.param("load(browse, vus=1, iterations=2)\n    pytest.skip('no')", {"skipped": 1}, id="skip"),
        pytest.param("load(browse, vus=1, iterations=2)\n    raise OSError", {"errors": 1}, id="error"),
        pytest.param("yield\n    load(plain, vus=1, iterations=2)", {"passed": 1}, id="tear-down"),
    ],
)
def test_loads_of_fixtures_are_in_the_summary_whatever_becomes_of_the_test(
    project: Project, body: str, outcomes: dict[str, int]
) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    write_test(
        project,
        "pass",
        arguments="base",
        before=f"async def plain():\n    pass\n\n@pytest.fixture\ndef base(load):\n    {body}\n",
    )
    result = project.run()
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines(["test_own: *passed *"])
    assert [row.iterations for row in results_of(project).values()] == [2]


def test_a_fixture_that_runs_loads_is_not_one_of_the_virtual_users(project: Project) -> None:
    """It would never run: nothing would be loaded, and nobody would notice."""
    write_test(
        project,
        "pass",
        arguments="base",
        before="@pytest.fixture\ndef base(load, http):\n    return load(browse, vus=1, iterations=1)\n",
    )
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture 'base' runs loads, so it cannot take 'http', which has one *"])


@pytest.mark.parametrize("budget", ["p95='1s', bogus=3", "p95='1s', abort='x'", "'p95'"])
def test_a_wrong_budget_marker_is_told_before_any_load(project: Project, budget: str) -> None:
    project.write(
        BROWSE
        + "def test_first(load):\n    load(browse, vus=1, iterations=1)\n\n"
        + f"@pytest.mark.budget({budget})\ndef test_x(load):\n    pass\n"
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: test_load.py::test_x: *"])
    assert not project.target.requests
