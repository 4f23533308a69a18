"""What a wrong load test gets: a usage error with the test, the value and what is allowed, and no load."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.target import Target

GOOD = """
    @pytest.mark.load(iterations=1)
    async def test_good(http):
        await http.get("/good")
"""


def refused(project: Project, *args: str) -> str:
    """Run the project: it must end with a usage error, and nothing may have been sent. What it said."""
    result = project.run(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert project.target.connections == 0
    result.assert_outcomes()
    return result.stderr.str()


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        pytest.param(
            'load(durration="3m")',
            "test_load.py::test_bad: load: unknown keyword 'durration' (did you mean 'duration'?); allowed",
            id="an unknown keyword, with the nearest known one",
        ),
        pytest.param(
            'load(vus=5, rate="50/s", duration="3m")',
            "test_load.py::test_bad: load: both models at once: rate (open) does not go with vus (closed)",
            id="both models",
        ),
        pytest.param(
            'load(duration="3 min")',
            "test_load.py::test_bad: load: duration: '3 min' is not a duration such as \"500ms\"",
            id="a duration that does not parse",
        ),
        pytest.param(
            'load(duration="1m", ramp_up="-3s")',
            "load: ramp_up: '-3s' is not a duration",
            id="a negative ramp",
        ),
        pytest.param(
            'load(vus=0, duration="1m")', "load: vus: 0 is not a whole number, 1 or more", id="zero VUs"
        ),
        pytest.param(
            'load(vus=-5, duration="1m")', "load: vus: -5 is not a whole number, 1 or more", id="negative VUs"
        ),
        pytest.param(
            'load(stages=[("30s", 5), ("1m",)])',
            "load: stages: ('1m',) is not a stage with a duration and a target, such as (\"30s\", 100)",
            id="a stage without a target",
        ),
        pytest.param("load", "test_bad: load: how long? give duration=, stages=", id="a bare marker"),
        pytest.param("load(5)", "test_bad: load takes keywords only, not 5", id="a positional argument"),
        pytest.param(
            'load(rate="50", duration="1m")', "load: rate: '50' is not a rate such as \"50/s\"", id="a rate"
        ),
        pytest.param(
            'load(iterations=1)\n@pytest.mark.budget(p95="fast")',
            "test_bad: budget p95: 'fast' is not a duration",
            id="a budget that does not parse",
        ),
        pytest.param(
            'load(iterations=1)\n@pytest.mark.budget(eror_rate="1%")',
            "test_bad: unknown budget 'eror_rate' (did you mean 'error_rate'?); allowed are p50 ",
            id="an unknown budget, with the nearest known one",
        ),
        pytest.param(
            'load(iterations=1)\n@pytest.mark.budget(error_rate="150%")',
            "test_bad: budget error_rate: '150%' is not a share such as \"5%\" or 0.05",
            id="a share above all",
        ),
        pytest.param(
            'load(iterations=1)\n@pytest.mark.budget("p95")',
            "test_bad: budget takes keywords only, not 'p95'",
            id="a positional budget",
        ),
        pytest.param(
            "load(iterations=1)\n@pytest.mark.budget()", "test_bad: a budget without a limit", id="no limit"
        ),
        pytest.param(
            'load(iterations=1)\n@pytest.mark.budget(request="a", check="b", error_rate=0)',
            "test_bad: request= and check= in one budget",
            id="a budget on two things",
        ),
    ],
)
def test_a_wrong_marker(project: Project, marker: str, message: str) -> None:
    decorators = "\n".join(f"    {line}" for line in f"@pytest.mark.{marker}".splitlines())
    project.write(f"{GOOD}\n{decorators}\n    async def test_bad(http):\n        await http.get('/bad')\n")
    assert message in refused(project)


LOST = "the load marker has no effect, since pytest does not collect this"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(
            "@pytest.mark.load(iterations=1)\nclass Browsing:\n    def test_a(self): pass",
            f"::Browsing: {LOST} class; allowed are names as python_classes says (Test), and no constructor",
            id="a class whose name is none of a test",
        ),
        pytest.param(
            "@pytest.mark.load(iterations=1)\nclass TestA:\n    def __init__(self): pass",
            f"::TestA: {LOST} class",
            id="a class with a constructor",
        ),
        pytest.param(
            "class Browsing:\n    @pytest.mark.load(iterations=1)\n    def test_a(self): pass",
            f"::Browsing: {LOST} class",
            id="a method of a class that is no test",
        ),
        pytest.param(
            "class Browsing:\n    @staticmethod\n    @pytest.mark.load(iterations=1)\n    def test_a(): pass",
            f"::Browsing: {LOST} class",
            id="a static method of a class that is no test",
        ),
        pytest.param(
            "class TestA:\n    @pytest.mark.load(iterations=1)\n    def browse(self): pass",
            f"::TestA::browse: {LOST} function; allowed are names as python_functions says (test)",
            id="a method whose name is none of a test",
        ),
        pytest.param(
            "@pytest.mark.load(iterations=1)\ndef browse(http): pass",
            f"::browse: {LOST} function; allowed are names as python_functions says (test)",
            id="a function whose name is none of a test",
        ),
        pytest.param(
            "import unittest\n@pytest.mark.load(iterations=1)\nclass TestA(unittest.TestCase):\n"
            "    def test_a(self): pass",
            "::TestA: a unittest.TestCase cannot be a load test",
            id="a unittest class",
        ),
        pytest.param(
            "import unittest\nclass TestA(unittest.TestCase):\n"
            "    @pytest.mark.load(iterations=1)\n    def test_a(self): pass",
            "::TestA: a unittest.TestCase cannot be a load test",
            id="a method of a unittest class",
        ),
        pytest.param(
            "@pytest.mark.load(iterations=1)\ndef test_a(http):\n    yield",
            "::test_a: a load test must not yield",
            id="a generator, of which nothing would run",
        ),
        pytest.param(
            "@pytest.mark.load(iterations=1)\nasync def test_a(http):\n    yield",
            "::test_a: a load test must not yield",
            id="an async generator",
        ),
        pytest.param(
            "@pytest.mark.parametrize('n', [1, pytest.param(2, marks=pytest.mark.load(iterations=1))])\n"
            "def test_a(n): pass",
            "::test_a[2]: the load marker has no effect, since it was added to the collected test or to a "
            "set of its parameters; it must be on the function, its class or its module",
            id="one set of parameters",
        ),
    ],
)
def test_a_marker_without_effect(project: Project, source: str, message: str) -> None:
    project.write(GOOD, "test_good.py")
    (project.pytester.path / "test_bad.py").write_text(f"import pytest\n{source}\n")
    said = refused(project, "-W", "ignore::pytest.PytestCollectionWarning")
    assert f"test_bad.py{message}" in said


def test_a_marker_added_after_collection_is_too_late(project: Project) -> None:
    project.write(
        """
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.load(iterations=1))
        """,
        "conftest.py",
    )
    project.write("def test_a(): pass")
    assert "test_load.py::test_a: the load marker has no effect" in refused(project)


def test_a_base_class_hands_its_marker_down(project: Project, target: Target) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=1)
        class Browsing:
            async def test_a(self, http):
                await http.get(self.path)

        class TestNew(Browsing):
            path = "/new"

        class TestOld(Browsing):
            path = "/old"

        class TestOff(Browsing):
            __test__ = False
        """
    )
    project.run().assert_outcomes(passed=2)
    assert target.paths() == ["/new", "/old"]


def test_a_function_that_is_collected_under_another_name_is_not_lost(
    project: Project, target: Target
) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=1)
        async def journey(http):
            await http.get("/journey")

        test_journey = journey
        """
    )
    project.run().assert_outcomes(passed=1)
    assert target.paths() == ["/journey"]


def test_an_imported_class_is_the_business_of_its_own_module(project: Project) -> None:
    project.write("@pytest.mark.load(iterations=1)\nclass Browsing: pass", "browsing.py")
    project.write("from browsing import Browsing\ndef test_a(): pass")
    project.pytester.syspathinsert()
    project.run().assert_outcomes(passed=1)


SEVERAL = """
    @pytest.mark.load(vus=0, duration="1m")
    def test_zero(http): pass

    @pytest.mark.load(duration="soon")
    def test_soon(http): pass

    @pytest.mark.load(iterations=1)
    def lost(http): pass
"""


def test_all_bad_tests_are_listed_at_once(project: Project) -> None:
    project.write(GOOD, "test_good.py")
    project.write(SEVERAL)
    said = refused(project)
    assert [line.split(": ")[0] for line in said.removeprefix("ERROR: ").strip().splitlines()] == [
        "test_load.py::test_zero",
        "test_load.py::test_soon",
        "test_load.py::lost",
    ]


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("-k", "good"), id="by -k"),
        pytest.param(("-m", "chosen"), id="by -m"),
        pytest.param(("test_load.py::test_good",), id="by its id"),
        pytest.param(("--deselect", "test_load.py::test_bad"), id="by --deselect"),
    ],
)
def test_a_bad_test_that_is_deselected_does_not_disturb(
    project: Project, target: Target, args: tuple[str, ...]
) -> None:
    project.configure(ini="markers = ['chosen']")
    project.write(
        """
        @pytest.mark.load(iterations=1)
        @pytest.mark.chosen
        async def test_good(http):
            await http.get("/good")

        @pytest.mark.load(vus=0)
        async def test_bad(http):
            await http.get("/bad")
        """
    )
    project.run(*args).assert_outcomes(passed=1, deselected=0 if "::test_good" in args[0] else 1)
    assert target.paths() == ["/good"]


def test_a_bad_test_that_lf_deselects_does_not_disturb(project: Project, target: Target) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=1)
        async def test_failing(http):
            await http.get("/status/500")
        """
    )
    project.run().assert_outcomes(failed=1)
    path = project.pytester.path / "test_load.py"
    path.write_text(path.read_text() + "\n@pytest.mark.load(vus=0)\ndef test_bad(http): pass\n")
    project.run("--lf").assert_outcomes(failed=1)


@pytest.mark.parametrize("args", [("--collect-only",), ("--setup-plan",)])
def test_a_bad_test_is_found_without_running(project: Project, args: tuple[str, ...]) -> None:
    project.write(GOOD + SEVERAL)
    assert "test_load.py::test_zero: load: vus: 0 is not" in refused(project, *args)


def test_a_budget_on_a_request_that_never_occurred_fails_and_lists_what_there_was(
    project: Project, target: Target
) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=2)
        @pytest.mark.budget(request="agent detials", p95="5s")
        async def test_a(http):
            await http.get("/", name="agent details")
            await http.get("/list")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*1 of * budgets broken: p95 of 'agent detials' not measured",
            "*no request is named 'agent detials'; there were: 'GET /list', 'agent details'",
        ]
    )
    assert len(target.requests) == 4


def test_a_usage_error_of_a_worker_is_said_once_by_the_controller(project: Project) -> None:
    project.write(GOOD + SEVERAL)
    result = project.run_subprocess("-n", "2", plugins=("xdist.plugin",))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().count("test_load.py::test_zero: load: vus: 0 is not") == 1
    assert result.stderr.str().count("test_load.py::test_soon: load: duration: 'soon'") == 1
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert project.target.connections == 0
