"""The fixture ``load``: loads that an ordinary test runs and compares."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.own_loads import BROWSE, Case, write_test
from tests.plugin.results import KEEP_RESULTS, results_of


def test_two_loads_are_compared_and_both_are_in_the_summary(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    write_test(
        project,
        "one = load(browse, vus=1, iterations=5)\n"
        "four = load(browse, vus=4, iterations=20)\n"
        "assert four.count == 4 * one.count\n"
        "assert 0 < one.p50 <= one.p95 <= one.max",
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["load tests: 1, *", "  test_own: loads of its own", "test_own:*passed*", "test_own:*passed*"]
    )
    assert {name: row.count for name, row in results_of(project).items()} == {
        "test_own: browse, 1 VU": 5,
        "test_own: browse, 4 VUs": 20,
    }


def test_an_assertion_that_fails_shows_the_figures_and_the_load(project: Project) -> None:
    write_test(project, "result = load(browse, vus=1, iterations=3)\nassert result.p95 < 0")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert result.p95 < 0",
            "E *+  where * = <load 'browse, 1 VU': 3 requests, p50 *, p95 *, p99 *>.p95",
            "*- test_own: browse, 1 VU -*",
            "front page *",
        ]
    )


def test_everything_that_was_measured_can_be_read_by_name(project: Project) -> None:
    write_test(
        project,
        """\
async def scenario(http, vu):
    await http.get("/delay/0.1", name="slow")
    await http.get("/status/500", name="broken")
    vu.check("even", vu.iteration % 2 == 0)
    vu.rate("odd", vu.iteration % 2)
    vu.count("items", 3)
    with vu.measure("nothing"):
        pass
    assert vu.iteration != 3
result = load(scenario, vus=1, iterations=4, check=False)
assert (result.state, result.passed) == ("failed", False)
assert (result.count, result.failed, result.error_rate) == (8, 4, 0.5)
assert (result.iterations, result.failed_iterations, result.failure_rate) == (4, 1, 0.25)
assert list(result.requests) == ["slow", "broken"]
slow, broken = result.requests["slow"], result.requests["broken"]
assert slow.p50 >= 0.1 > broken.p50 > 0
assert slow.mean >= 0.1 and slow.max >= slow.p99_9 >= slow.percentile(99.5) >= slow.p90
assert (broken.count, broken.failed, broken.error_rate, slow.error_rate) == (4, 4, 1, 0)
assert (result.checks["even"].yes, result.checks["even"].total, result.check_rate) == (2, 4, 0.5)
assert (result.rates["odd"].share, result.counters["items"]) == (0.5, 12)
assert result.trends["nothing"].p95 < 0.1 < result.iteration_duration.p50
assert result.errors[0].name == "broken" and result.errors[0].count == 4
assert "AssertionError" in result.failures[0].type
assert slow.interval(95).low <= slow.p95 <= slow.interval(95).high
assert result.share_interval("error_rate").low < 0.5 < result.share_interval("error_rate").high
assert [budget.label for budget in result.budgets if not budget.passed] == [
    "error_rate", "failure_rate", "check_rate"
]
assert (result.vus, result.dropped) == (1, 0) and 0 < result.rps < 1000 and result.duration > 0.4
assert sum(slow.timeline.started) == sum(slow.timeline.finished) == sum(broken.timeline.failed) == 4
with pytest.raises(KeyError, match="no request is named 'fast'; there were: 'broken', 'slow'"):
    result.requests["fast"]""",
    )
    project.run().assert_outcomes(passed=1)


PASSES = [
    Case("a failed load can be looked at instead", "assert load(browse, vus=1, iterations=1).passed", ""),
    Case(
        "budgets of the call replace the default ones",
        "async def broken(http):\n    await http.get('/status/500')\n"
        "load(broken, vus=1, iterations=2, budget={'error_rate': '100%'})",
        "",
    ),
    Case(
        "a plain function is a scenario, and so is one with some arguments given",
        "from functools import partial\n"
        "def plain(http, page):\n    assert http.get('/', params={'page': page}).status_code == 200\n"
        "assert load(partial(plain, page=3), vus=2, iterations=4).count == 4",
        "",
    ),
    Case(
        "an object that can be called is a scenario, whether async or plain",
        "class Quick:\n    async def __call__(self, http):\n        await http.get('/')\n"
        "class Plain:\n    def __call__(self, http):\n        http.get('/')\n"
        "assert load(Quick(), vus=1, iterations=2).count == 2\n"
        "assert load(Plain(), vus=1, iterations=2).count == 2\n"
        "assert load(lambda http: http.get('/'), vus=1, iterations=2).count == 2",
        "",
    ),
    Case(
        "a load goes by its whole name",
        "assert '<load \"a: b\": 1 request, ' in repr(load(browse, vus=1, iterations=1, name='a: b'))"
        ".replace(\"'\", '\"')",
        "",
    ),
    Case(
        "any percentile of the whole range can be asked for",
        "result = load(browse, vus=1, iterations=3)\n"
        "assert result.percentile(0.0001) <= result.percentile(99.9999) <= result.max",
        "",
    ),
    Case(
        "the open model has intended starts, and so has pacing",
        "assert load(browse, rate='100/s', duration=0.3).count == 30\n"
        "assert load(browse, vus=2, pacing=0.05, duration=0.5).count == 20",
        "",
    ),
    Case(
        "the same load twice has two names",
        "first, second = load(browse, vus=1, iterations=1), load(browse, vus=1, iterations=1)\n"
        "assert 'VU #2' in repr(second) and '#' not in repr(first)",
        "",
    ),
]


@pytest.mark.parametrize("case", PASSES, ids=lambda case: case.sentence)
def test_what_passes(project: Project, case: Case) -> None:
    write_test(project, case.body)
    project.run().assert_outcomes(passed=1)


def test_scenarios_take_fixtures_of_every_scope_set_up_anew_for_each_load(project: Project) -> None:
    write_test(
        project,
        "load(shop, vus=2, iterations_per_vu=3)\n"
        "load(shop, vus=1, iterations_per_vu=1)\n"
        "assert made == ['module', 'cart', 'cart', 'cart'], made",
        before="""
made = []

@pytest.fixture(scope="module")
async def catalogue():
    made.append("module")
    return ["a", "b"]

@pytest.fixture
async def cart(http, catalogue):
    made.append("cart")
    assert catalogue == ["a", "b"]
    yield []

async def shop(cart, http, vu):
    cart.append(await http.get("/"))
    assert len(cart) == vu.iteration + 1
""",
    )
    project.run().assert_outcomes(passed=1)


def test_a_fixture_may_run_the_load_that_several_tests_look_at(project: Project) -> None:
    project.write(
        BROWSE
        + """
@pytest.fixture
def base(load):
    return load(browse, vus=1, iterations=3)

class TestShop:
    async def browse(self, http):
        await http.get("/")

    def test_quick(self, base):
        assert base.p50 < 5

    def test_same(self, base, load):
        assert load(self.browse, vus=1, iterations=3).count == base.count
"""
    )
    project.run().assert_outcomes(passed=2)


def test_budget_markers_of_the_test_hold_for_each_of_its_loads(project: Project) -> None:
    project.write(
        BROWSE
        + """
@pytest.mark.budget(p95="1us")
def test_marked(load):
    load(browse, vus=1, iterations=1, budget={"p95": "9s"})
    load(browse, vus=1, iterations=1)
"""
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["load 'browse, 1 VU #2': 1 of 4 budgets broken: p95 * > 1 us*"])


def test_options_of_the_session(project: Project) -> None:
    write_test(project, "assert load(browse, vus=2, duration='9s').vus == 2")
    project.run("--load-duration=0.2", "--load-vus=5").assert_outcomes(passed=1)
    project.run("--load-once").assert_outcomes(failed=1)  # one user and one iteration
    project.run("--load-skip").assert_outcomes(skipped=1)
    brief = 'profiles.brief = {vus = 5, duration = "0.2s"}'
    project.configure(f'environments.TEST = {{api = "{project.target.url}"}}\n{brief}')
    project.run("--load-profile=brief").assert_outcomes(passed=1)


def test_a_load_test_cannot_run_loads_of_its_own(project: Project) -> None:
    project.write("@pytest.mark.load(vus=1, iterations=1)\nasync def test_x(load):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the fixture 'load' runs loads in an ordinary test; this one is a load*"])


def test_an_async_test_is_told_to_be_a_plain_one(project: Project) -> None:
    project.configure(ini='asyncio_default_fixture_loop_scope = "function"')
    project.write(
        BROWSE + "@pytest.mark.asyncio\nasync def test_x(load):\n    load(browse, vus=1, iterations=1)\n"
    )
    result = project.run(plugins=("pytest_asyncio.plugin",))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*MisuseError: load(...) waits until the load is over: call it in a plain*"])


def test_a_fixture_of_that_name_of_the_users_own_is_left_alone(project: Project) -> None:
    project.write(
        "@pytest.fixture\ndef load():\n    return 7\n\ndef test_x(load):\n    assert load == 7\n"
        "def test_y(load, vu):\n    pass\n"
    )
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    assert "load tests" not in result.stdout.str()


def test_secrets_stay_out_of_tracebacks(project: Project) -> None:
    write_test(
        project,
        "load(signed, vus=1, iterations=1)",
        before="""
@pytest.fixture
def session(vu):
    token = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLXRva2Vu"
    raise RuntimeError(f"refused: Authorization: {token}")

async def signed(session):
    pass
""",
    )
    result = project.run("-l")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: refused: *"])
    assert "c2lnbmF0dXJlLW9mLXRva2Vu" not in result.stdout.str()


def test_results_of_workers_reach_the_controllers_summary(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    write_test(project, "load(browse, vus=1, iterations=2)\nload(browse, vus=2, iterations=2)")
    result = project.run_subprocess("-n1", plugins=("xdist.plugin",))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_own: browse*passed *", "test_own: browse*passed *"])
    assert len(results_of(project)) == 2


def test_ctrl_c_keeps_the_loads_that_were_measured(project: Project) -> None:
    write_test(
        project,
        "load(browse, vus=1, iterations=2)\nload(hang, vus=1, duration='30s')",
        before="""
import os, signal

async def hang(http, vu):
    await http.get("/", name="second load")
    os.kill(os.getpid(), signal.SIGINT)
    await vu.think("20s")
""",
    )
    result = project.run_subprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*: hang, 1 VU: interrupted after *",
            "second load*",
            "test_own: *passed*",
            "test_own: hang,*interrupted*",
        ]
    )
