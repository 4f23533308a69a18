"""Running load tests: what bodies may do, what ends a load, and how it is judged."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.plugin.conftest import Project


class Case(NamedTuple):
    """A load test: a sentence on it, its markers, its body, and the first line of its failure if it fails."""

    sentence: str
    markers: str
    body: str
    first_line: str = ""


PASSES = [
    Case(
        "a test without any budget passes when nothing failed",
        "load(vus=2, duration=0.2)",
        "await http.get('/')",
    ),
    Case(
        "budgets that are kept pass, on all requests, some requests, checks, custom metrics and iterations",
        "load(vus=2, iterations_per_vu=5), "
        "budget(p50='5s', p99_9='10s', mean='5s', max='10s', error_rate=0, rps='1/s', iterations=10), "
        "budget(request='GET /*', p95='9s'), budget(check='is fine', check_rate=1), "
        "budget(metric='buying', p95='9s'), budget(metric='bought', min_rate=1), "
        "budget(metric='items', min_count=20, max_count=20)",
        "with vu.measure('buying'):\n"
        "    vu.check('is fine', (await http.get('/')).status_code == 200)\n"
        "vu.rate('bought', True)\n"
        "vu.count('items', 2)",
    ),
    Case(
        "a status that is expected is no error",
        "load(vus=1, iterations=2)",
        "assert (await http.get('/status/402', expect={402})).status_code == 402",
    ),
    Case(
        "errors, failures and checks within their budgets are tolerated",
        "load(vus=1, iterations=4), budget(error_rate='50%', failure_rate='50%', check_rate='50%')",
        "await http.get('/status/500' if vu.iteration % 2 else '/')\n"
        "vu.check('is even', vu.iteration % 2 == 0)\n"
        "assert vu.iteration % 2 == 0",
    ),
    Case(
        "an open model starts iterations at its rate",
        "load(rate='50/s', duration=0.3, max_vus=3), budget(p50='5s', dropped=100, iterations=1)",
        "await http.get('/')",
    ),
    Case(
        "stages lead the load from level to level",
        "load(stages=[(0.1, 2), (0.8, 2), (0.1, 0)]), budget(p95='5s')",
        "await http.get('/')",
    ),
    Case("there may be more users than iterations", "load(vus=5, iterations=2)", "await http.get('/')"),
]

FAILS = [
    Case(
        "a failed request is not tolerated unless budgeted",
        "load(vus=1, iterations=4)",
        "await http.get('/status/503' if vu.iteration == 3 else '/')",
        "1 of 2 budgets broken: error_rate 25% > 0%",
    ),
    Case(
        "a failed iteration is not tolerated unless budgeted",
        "load(vus=1, iterations=4)",
        "await http.get('/')\nassert vu.iteration != 3",
        "1 of 2 budgets broken: failure_rate 25% > 0%",
    ),
    Case(
        "a failed check is not tolerated unless budgeted",
        "load(vus=1, iterations=4)",
        "vu.check('is not 3', vu.iteration != 3)",
        "1 of 2 budgets broken: check_rate 75% < 100%",
    ),
    Case(
        "an iteration that could not start is not tolerated unless budgeted",
        "load(rate='20/s', duration=0.5, max_vus=1)",
        "await vu.think(0.4)",
        "1 of 2 budgets broken: dropped * > 0",
    ),
    Case(
        "a broken budget says its limit and what was measured",
        "load(vus=1, iterations=2), budget(p95='1ms')",
        "await http.get('/delay/0.05')",
        "1 of 3 budgets broken: p95 * > 1 ms",
    ),
    Case(
        "a budget on a name that no request had fails and lists the names there were",
        "load(vus=1, iterations=1), budget(request='shop', p95='1s')",
        "await http.get('/', name='market')",
        "1 of * budgets broken: p95 of 'shop' not measured",
    ),
    Case(
        "the response time of an open model is judged, with the time that iterations waited to start",
        "load(rate='20/s', duration=0.5, max_vus=1), budget(p25='150ms', dropped=10)",
        "await http.get('/delay/0.1')",
        "1 of 4 budgets broken: p25 * > 150 ms*",
    ),
    Case(
        "pytest.fail() fails its iteration",
        "load(vus=1, iterations=2)",
        "if vu.iteration: pytest.fail('no more tea')",
        "1 of 1 budgets broken: failure_rate 50% > 0%",
    ),
    Case(
        "what the body cancels itself fails its iteration",
        "load(vus=1, iterations=2)",
        "import asyncio\nif vu.iteration: raise asyncio.CancelledError",
        "1 of 1 budgets broken: failure_rate 50% > 0%",
    ),
    Case(
        "vu.abort() ends the load and fails the test with its reason",
        "load(vus=2, duration='20s')",
        "await http.get('/')\nif vu.iteration: vu.abort('the shop is closed')",
        "the test aborted the load: the shop is closed",
    ),
    Case(
        "a load in which no iteration came to its end measured nothing, and fails",
        "load(vus=1, duration=0.1, graceful_stop=0)",
        "await vu.think('1h')",
        "no iteration finished: nothing was measured",
    ),
    Case(
        "when all first iterations fail alike the load stops at once",
        "load(vus=3, duration='20s')",
        "assert vu.id < 0, 'no such user'",
        "every first iteration failed alike, the load was stopped: AssertionError at *: no such user*",
    ),
]


def write_test(project: Project, markers: str, body: str) -> None:
    """A file with one async load test."""
    arguments = "http, vu" if "http" in body else "vu"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    project.write(
        "load, budget = pytest.mark.load, pytest.mark.budget\n"
        f"pytestmark = [{markers}]\n\n"
        f"async def test_load({arguments}):\n{lines}"
    )


def by_sentence(cases: list[Case]) -> pytest.MarkDecorator:
    """A test for each case."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.sentence) for case in cases])


@by_sentence(PASSES)
def test_passes(project: Project, case: Case) -> None:
    write_test(project, case.markers, case.body)
    project.run("-W", "error").assert_outcomes(passed=1)


@by_sentence(FAILS)
def test_fails(project: Project, case: Case) -> None:
    write_test(project, case.markers, case.body)
    result = project.run("-W", "error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["_* test_load _*", case.first_line])
    result.stdout.fnmatch_lines([f"FAILED test_load.py::test_load - {case.first_line[:20]}*"])


def test_a_skip_in_the_body_skips_the_test(project: Project) -> None:
    write_test(project, "load(vus=2, duration='20s')", "if vu.iteration: pytest.skip('closed on Sundays')")
    result = project.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * closed on Sundays"])
    result.stdout.no_fnmatch_line("*= load tests =*")


def test_an_xfail_in_the_body_is_an_expected_failure(project: Project) -> None:
    write_test(project, "load(vus=2, duration='20s')", "if vu.iteration: pytest.xfail('known to be slow')")
    result = project.run("-rx")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *known to be slow*"])


def test_pytest_exit_in_the_body_ends_the_session_and_shows_what_was_measured(project: Project) -> None:
    write_test(
        project,
        "load(vus=2, duration='20s')",
        "await http.get('/')\nif vu.iteration: pytest.exit('the building is on fire')",
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["test_load *stopped *", "*Exit: the building is on fire*"])


def test_marks_skip_and_xfail_work_as_ever(project: Project) -> None:
    project.write(
        """
        load = pytest.mark.load(vus=1, iterations=2)

        @load
        @pytest.mark.skip(reason="later")
        async def test_skipped(http):
            await http.get("/")

        @load
        @pytest.mark.xfail(reason="slow", strict=True)
        @pytest.mark.budget(p95=1e-9)
        async def test_too_slow(http):
            await http.get("/expected")

        @load
        @pytest.mark.xfail(reason="was slow once", strict=True)
        async def test_fast_again(http):
            await http.get("/")
        """
    )
    result = project.run("-rxX")
    result.assert_outcomes(skipped=1, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)* was slow once*"])


def test_failed_iterations_are_grouped_by_type_and_place_with_the_first_traceback_of_each(
    project: Project,
) -> None:
    project.write(
        """
        def buy(n):
            if n % 3 == 1:
                raise KeyError(f"item {n}")

        @pytest.mark.load(vus=1, iterations=6)
        async def test_load(vu):
            buy(vu.iteration)
            expected = {"count": 0}
            assert {"count": vu.iteration % 3} == expected
        """
    )
    result = project.run()
    result.stdout.fnmatch_lines(
        [
            "1 of 1 budgets broken: failure_rate 66.67% > 0%",
            "Failed iterations (4 of 6):",
            "  2 x KeyError at test_load.py:5",
            "      'item 1'",
            "  2 x AssertionError at test_load.py:11",
            "      assert {'count': 2} == {'count': 0}",
            "2 x KeyError at test_load.py:5; the first:",
            "test_load.py:9: in test_load",
            "    buy(vu.iteration)",
            "test_load.py:5: in buy",
            '    raise KeyError(f"item {n}")',
            "E   KeyError: 'item 1'",
            "2 x AssertionError at test_load.py:11; the first:",
            "E   AssertionError: assert {'count': 2} == {'count': 0}",
            "E     Differing items:",
            "E     {'count': 2} != {'count': 0}",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_loadtest*")


def test_all_first_iterations_failing_alike_show_their_traceback_and_send_no_more(project: Project) -> None:
    write_test(
        project,
        "load(vus=3, duration='20s')",
        "answer = await http.get('/status/404')\nassert answer.json()['agents'] != []",
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "every first iteration failed alike, the load was stopped: KeyError at test_load.py:7: 'agents'",
            "* x KeyError at test_load.py:7; the first:",
            "    assert answer.json()['agents'] != []",
            "           ^*",
            "E   KeyError: 'agents'",
        ]
    )
    assert len(project.target.requests) < 100  # of thousands in 20 s


def test_a_target_that_refuses_connections_fails_within_seconds_with_a_line_of_what_and_where(
    project: Project, refusing_url: str
) -> None:
    project.configure(f'environments.DOWN = {{api = "{refusing_url}"}}')
    write_test(project, "load(vus=20, duration='10m')", "await http.get('/shop')")
    result = project.run()
    result.assert_outcomes(failed=1)
    address = refusing_url.removeprefix("http://")
    result.stdout.fnmatch_lines(
        [f"every first iteration failed alike, the load was stopped: httpx.ConnectError *refused*{address}*"]
    )
    assert result.duration < 30


def test_a_per_user_fixture_that_fails_shows_its_traceback_and_sends_no_load(project: Project) -> None:
    project.write(
        """
        def sign_in(user):
            raise ValueError("wrong password")

        @pytest.fixture
        async def signed_in(vu, log):
            log.append(("up", vu.id))
            if vu.id == 2:
                sign_in(vu.id)
            yield
            log.append(("down", vu.id))

        @pytest.fixture(scope="session")
        def log():
            return []
        """,
        "conftest.py",
    )
    project.write(
        """
        @pytest.mark.load(vus=3, iterations=10)
        async def test_load(signed_in, http):
            await http.get("/")

        def test_after(log):
            assert {user for what, user in log if what == "down"} == {
                user for what, user in log if what == "up"
            } - {2}
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "conftest.py:10: *",
            '*raise ValueError("wrong password")',
            "E       ValueError: wrong password",
            "E       raised in the set-up of virtual user 2, before any load was sent",
            "conftest.py:4: ValueError",
            "test_load * set-up failed *",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_loadtest*")
    assert project.target.requests == []


def test_a_tear_down_that_fails_fails_the_test_and_shows_what_was_measured(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        async def basket(vu):
            yield
            if vu.id != 1:
                raise ConnectionError("cannot empty the basket")

        @pytest.mark.load(vus=3, iterations_per_vu=4)
        async def test_load(basket, http):
            await http.get("/shop")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "tear-down failed for 2 virtual users; *user ?: ConnectionError: cannot empty the basket",
            "GET /shop * 12 *",
            "*- tear-down of virtual user ? -*",
            "test_load.py:7: in basket",
            "E   ConnectionError: cannot empty the basket",
            "test_load * failed * 12 *",
        ]
    )


def test_a_shared_fixture_whose_tear_down_fails_leaves_the_result_as_it_was(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        async def shop():
            yield
            raise ConnectionError("cannot close the shop")

        @pytest.mark.load(vus=1, iterations=4)
        async def test_load(shop, http):
            await http.get("/shop")
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E*ConnectionError: cannot close the shop", "test_load * passed * 4 *"])
    result.stdout.no_fnmatch_line("*pytest_loadtest*")


def test_requests_that_are_open_when_the_run_ends_are_reported_as_censored(project: Project) -> None:
    """Three VUs on a server that answers after 8 s, stopped after 2 s with a graceful stop of 1 s."""
    write_test(
        project,
        "load(vus=3, duration=2, graceful_stop=1), budget(p95='10s')",
        "await http.get('/delay/8')",
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "no iteration finished: nothing was measured; 1 of * budgets broken: p95 *",
            "3 VUs, 2s: 0 iterations, 3 requests, 3 censored",
            "note: 3 iterations were cut after the graceful stop of 1 s; 3 requests were open (censored)",
        ]
    )
