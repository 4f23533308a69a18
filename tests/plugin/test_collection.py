"""Which tests are load tests, and that all of pytest works with them."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.target import Target


def test_a_marked_function_is_run_by_many_users_and_others_are_untouched(
    project: Project, target: Target
) -> None:
    project.write(
        """
        ran = []

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        async def test_async(http):
            await http.get("/async")

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        def test_sync(http):
            http.get("/sync")

        def test_ordinary():
            ran.append(1)
            assert ran == [1]
        """
    )
    project.run().assert_outcomes(passed=3)
    assert target.paths() == ["/async"] * 6 + ["/sync"] * 6


@pytest.mark.parametrize(
    ("source", "vus"),
    [
        pytest.param(
            """
            pytestmark = pytest.mark.load(vus=2, iterations=1)
            def test_a(http): pass
            """,
            [2],
            id="a marker of the module holds for every test in it",
        ),
        pytest.param(
            """
            pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.load(vus=2, iterations=1)]
            class TestA:
                def test_a(self, http): pass
            """,
            [2],
            id="one of several markers of the module, for classes in it too",
        ),
        pytest.param(
            """
            @pytest.mark.load(vus=3, iterations=1)
            class TestA:
                def test_a(self, http): pass
                class TestInner:
                    def test_b(self, http): pass
            """,
            [3, 3],
            id="a marker of a class holds for its tests and inner classes",
        ),
        pytest.param(
            """
            pytestmark = pytest.mark.load(vus=2, iterations=1)
            @pytest.mark.load(vus=3, iterations=1)
            class TestA:
                def test_a(self, http): pass
                @pytest.mark.load(vus=4, iterations=1)
                def test_b(self, http): pass
            def test_c(http): pass
            """,
            [3, 4, 2],
            id="the closest of module, class and function wins",
        ),
        pytest.param(
            """
            @pytest.mark.load(vus=3, iterations=1)
            @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.load(vus=5, iterations=1))])
            def test_a(http, n): pass
            """,
            [3, 5],
            id="a marker of one set of parameters is closer than the function's",
        ),
        pytest.param(
            """
            @pytest.mark.load(vus=3, iterations=1)
            class Base:
                def test_a(self, http): pass
            class TestA(Base): pass
            @pytest.mark.load(vus=4, iterations=1)
            class TestB(Base): pass
            """,
            [3, 4],
            id="a class inherits the marker, or has its own",
        ),
        pytest.param(
            """
            class TestA:
                pytestmark = [pytest.mark.load(vus=7, iterations=1)]
                def test_a(self, http): pass
            """,
            [7],
            id="pytestmark of a class",
        ),
    ],
)
def test_where_a_marker_holds(project: Project, source: str, vus: list[int]) -> None:
    project.write(source)
    lines = project.run("--collect-only").stdout.lines
    assert [int(line.split(": ")[1].split(" VU")[0]) for line in lines if line.startswith("  test_")] == vus


def test_the_closest_budget_wins_key_by_key(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=4)
        @pytest.mark.budget(iterations=9, failure_rate="10%")
        class TestA:
            @pytest.mark.budget(iterations=8)
            @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.budget(iterations=7))])
            def test_a(self, n): pass

            def test_b(self): pass
        """
    )
    result = project.run()
    failed = [line.split(" - ")[1] for line in result.stdout.lines if line.startswith("FAILED ")]
    assert failed == [f"1 of 2 budgets broken: iterations 4 < {limit}" for limit in (8, 7, 9)]


def test_every_kind_of_method_can_be_a_load_test(project: Project, target: Target) -> None:
    project.write(
        """
        import functools

        def decorated(function):
            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                await kwargs["http"].get("/decorator")
                return await function(*args, **kwargs)
            return wrapper

        @pytest.mark.load(iterations=1)
        class TestA:
            path = "/class"

            def setup_method(self):
                self.path = "/instance"

            async def test_method(self, http):
                await http.get(self.path)

            def test_sync_method(self, http):
                http.get(self.path)

            @staticmethod
            async def test_static(http):
                await http.get("/static")

            @classmethod
            async def test_class_method(cls, http):
                await http.get(cls.path)

            @decorated
            async def test_decorated(self, http):
                await http.get("/decorated")

        @pytest.mark.load(iterations=1)
        @decorated
        async def test_outside(http):
            await http.get("/outside")
        """
    )
    project.run().assert_outcomes(passed=6)
    assert target.paths() == [
        *("/instance", "/instance", "/static", "/class"),
        *("/decorator", "/decorated", "/decorator", "/outside"),
    ]


def test_parametrize_makes_a_load_test_of_each_set(project: Project, target: Target) -> None:
    project.write(
        """
        @pytest.fixture(params=["x", "y"])
        def prefix(request):
            return request.param

        @pytest.fixture
        def doubled(request):
            return request.param * 2

        @pytest.mark.load(vus=2, iterations=2)
        @pytest.mark.parametrize("doubled", [1], indirect=True)
        @pytest.mark.parametrize("name", ["a", pytest.param("b", id="bee")])
        async def test_a(http, prefix, name, doubled):
            await http.get(f"/{prefix}{name}{doubled}")
        """
    )
    result = project.run("-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines_random(["*::test_a[[]x-bee-1[]] PASSED*", "*::test_a[[]y-a-1[]] PASSED*"])
    assert sorted(set(target.paths())) == ["/xa2", "/xb2", "/ya2", "/yb2"]
    assert len(target.paths()) == 8


def test_load_tests_of_one_name_have_a_row_each_in_the_summary(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=1, name="browse")
        @pytest.mark.parametrize("n", [1, 2])
        async def test_a(http, n):
            await http.get("/")
        """
    )
    result = project.run()
    assert len([line for line in result.stdout.lines if line.startswith("browse ")]) == 2


def test_pytest_generate_tests_works(project: Project, target: Target) -> None:
    project.write(
        """
        def pytest_generate_tests(metafunc):
            metafunc.parametrize("n", [7, 8])

        @pytest.mark.load(iterations=1)
        async def test_a(http, n):
            await http.get(f"/{n}")
        """
    )
    project.run("-k", "8").assert_outcomes(passed=1, deselected=1)
    assert target.paths() == ["/8"]


def test_skip_and_xfail(project: Project, target: Target) -> None:
    project.write(
        """
        pytestmark = pytest.mark.load(iterations=1)

        @pytest.mark.skip
        async def test_skip(http):
            await http.get("/skipped")

        @pytest.mark.skipif(True, reason="today")
        async def test_skipif(http):
            await http.get("/skipped")

        @pytest.mark.xfail
        async def test_xfail(http):
            await http.get("/status/500")

        @pytest.mark.xfail
        async def test_xpass(http):
            await http.get("/fine")

        @pytest.mark.xfail(strict=True)
        async def test_strict(http):
            await http.get("/fine")

        @pytest.mark.xfail(run=False)
        async def test_not_run(http):
            await http.get("/skipped")
        """
    )
    project.run().assert_outcomes(skipped=2, xfailed=2, xpassed=1, failed=1)
    assert target.paths() == ["/status/500", "/fine", "/fine"]


FIVE = """
    @pytest.mark.load(iterations=1)
    @pytest.mark.parametrize("status", [200, 500, 501, 502, 204])
    async def test_a(http, status):
        await http.get(f"/status/{status}")
"""


@pytest.mark.parametrize(
    ("args", "outcomes"),
    [
        pytest.param((), {"passed": 2, "failed": 3}, id="all"),
        pytest.param(("-x",), {"passed": 1, "failed": 1}, id="-x"),
        pytest.param(("--maxfail", "2"), {"passed": 1, "failed": 2}, id="--maxfail"),
        pytest.param(("-k", "204 or 500"), {"passed": 1, "failed": 1, "deselected": 3}, id="-k"),
        pytest.param(("test_load.py::test_a[204]",), {"passed": 1}, id="a node id"),
        pytest.param(("-m", "not load"), {"deselected": 5}, id="-m on our own marker"),
    ],
)
def test_choosing_and_stopping(project: Project, args: tuple[str, ...], outcomes: dict[str, int]) -> None:
    project.write(FIVE)
    result = project.run(*args)
    result.assert_outcomes(**outcomes)
    asked = [args[0]] if "::" in "".join(args) else []
    assert len(project.target.requests) == sum(outcomes.values()) - outcomes.get("deselected", 0), asked


def test_lf_runs_the_failed_ones_and_ff_runs_them_first(project: Project, target: Target) -> None:
    project.write(FIVE)
    project.run()
    target.forget()
    project.run("--lf").assert_outcomes(failed=3)
    assert target.paths() == ["/status/500", "/status/501", "/status/502"]
    target.forget()
    project.run("--ff").assert_outcomes(failed=3, passed=2)
    assert target.paths()[3:] == ["/status/200", "/status/204"]


def test_junitxml_has_the_first_line_of_a_failure(project: Project) -> None:
    project.write(FIVE)
    project.run("--junitxml", "junit.xml")
    xml = (project.pytester.path / "junit.xml").read_text()
    assert 'tests="5"' in xml
    assert 'failures="3"' in xml
    assert 'message="1 of 2 budgets broken: error_rate 100% &gt; 0%"' in xml


@pytest.mark.parametrize(
    "option",
    ["--collect-only", "--setup-only", "--setup-plan", "--fixtures", "--fixtures-per-test", "--markers"],
)
def test_pytests_own_looks_at_a_project_work(project: Project, option: str) -> None:
    project.write(FIVE)
    result = project.run(option)
    assert result.ret == pytest.ExitCode.OK
    shown = result.stdout.str()
    expected = {
        "--collect-only": "<LoadFunction test_a[[]500[]]>",
        "--setup-only": "SETUP    F vu",
        "--setup-plan": "SETUP    F http",
        "--fixtures": "This virtual user's HTTP client",
        "--fixtures-per-test": "This virtual user's HTTP client",
        "--markers": "@pytest.mark.load(vus, duration, stages, iterations, rate, ...): many virtual users",
    }[option]
    assert expected.replace("[[]", "[").replace("[]]", "]") in shown
    assert project.target.connections == 0


def test_strict_markers_knows_ours(project: Project) -> None:
    project.write(FIVE.replace("@pytest.mark.load", "@pytest.mark.budget(p95='9s')\n    @pytest.mark.load"))
    project.run("--strict-markers", "-k", "200").assert_outcomes(passed=1, deselected=4)


def test_workers_of_xdist_run_load_tests_and_the_controller_shows_the_summary(project: Project) -> None:
    project.write(FIVE + "\n    def test_ordinary(): pass\n")
    result = project.run_subprocess("-n", "2", plugins=("xdist.plugin",))
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "*= load tests =*",
            "test_a[[]200[]] * passed *",
            "test_a[[]502[]] * failed *",
            "FAILED test_load.py::test_a[[]500[]] - 1 of 2 budgets broken: error_rate 100% > 0%",
        ]
    )
    assert sorted(project.target.paths()) == [f"/status/{status}" for status in (200, 204, 500, 501, 502)]


def test_the_budgets_of_a_load_test_fail_the_session_like_any_test(project: Project) -> None:
    project.write(FIVE)
    assert project.run("-k", "200").ret == pytest.ExitCode.OK
    assert project.run("-k", "500").ret == pytest.ExitCode.TESTS_FAILED


HEAVY = ("numpy", "uvloop", "httpx", "rich", "httptools", "greenlet", "asyncio")


def test_a_session_without_load_tests_imports_nothing_heavy(project: Project) -> None:
    project.write(
        f"""
        import sys

        class TestA:
            def test_a(self):
                assert "pytest_loadtest.plugin.collection" in sys.modules
                assert [name for name in {HEAVY!r} if name in sys.modules] == []
                assert [name for name in sys.modules if name.startswith("pytest_loadtest.http")] == []
        """
    )
    project.run_subprocess().assert_outcomes(passed=1)
