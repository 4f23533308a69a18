"""The table after a run, and that it is not lost to Ctrl-C."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_loadtest.plugin import summary
from tests.plugin.conftest import Project
from tests.plugin.terminal import LOAD


def test_the_summary_has_every_load_test_and_fits_80_columns(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    project.write(
        """
        @pytest.fixture
        def broken(vu):
            raise ValueError("broken")

        load = pytest.mark.load(vus=2, iterations=4)

        @load
        @pytest.mark.parametrize("category", ["productivity", "a rather long name that does not fit"])
        async def test_a_search_of_the_marketplace(http, vu, category):
            vu.check("is found", (await http.get("/")).status_code == 200)

        @load
        async def test_set_up(http, broken):
            pass

        @load
        async def test_hopeless(http, vu):
            vu.check("is found", (await http.get("/status/404")).status_code == 200)
            raise ValueError("not found")

        @load
        async def test_aborted(http, vu):
            await http.get("/")
            vu.abort("enough")

        @load
        @pytest.mark.skip
        async def test_skipped(http):
            pass
        """
    )
    result = project.run()
    start = next(n for n, line in enumerate(result.outlines) if "= load tests =" in line)
    end = next(n for n, line in enumerate(result.outlines) if "short test summary" in line)
    table = [line for line in result.outlines[start + 1 : end] if not line.startswith("note: ")]
    assert max(map(len, table)) <= 80
    titles = table[0].split()  # rate and p99 are there as far as the figures leave room for them
    assert titles[:4] == ["load", "test", "verdict", "requests"]
    assert titles[-2:] == ["errors", "checks"]
    pytest.LineMatcher(table).fnmatch_lines(
        [
            "test_a_search_of_the_ *passed * 4 * 0% * 100%",
            "test_a_search_of_the_ *passed * 4 * 0% * 100%",
            "test_set_up * set-up failed * 0 *-",
            "test_aborted * aborted *",
            "test_hopeless * failed * 0%",
            "5 load tests: 2 passed, 1 set-up failed, 1 aborted, 1 failed; * VU-minutes,",
            "  peak 2 VUs",
        ]
    )
    assert "test_skipped" not in "\n".join(table)


@pytest.mark.parametrize(("isatty", "lines"), [(True, 3), (False, 1)], ids=["a terminal", "a log"])
def test_notes_are_broken_between_words_on_a_terminal_and_whole_in_a_log(*, isatty: bool, lines: int) -> None:
    writer = SimpleNamespace(isatty=isatty, _tw=SimpleNamespace(fullwidth=80))
    words = f"note: test_browse: {'stalls ' * 25}".strip()
    text = summary._as_wide_as(writer, words)
    assert len(text.splitlines()) == lines
    assert max(map(len, text.splitlines())) <= (80 if isatty else len(words))
    assert text.split() == words.split()


def test_ctrl_c_while_the_summary_is_drawn_waits_for_it(project: Project) -> None:
    project.write(
        """
        import os
        import signal
        import pytest_loadtest.plugin.summary as summary

        render = summary.render

        def interrupted(*args, **options):
            os.kill(os.getpid(), signal.SIGINT)
            return render(*args, **options)

        summary.render = interrupted
        """,
        "conftest.py",
    )
    project.write(LOAD)
    result = project.run_subprocess("-v")
    result.stdout.fnmatch_lines(
        ["test_browse * passed *", "1 load test: 1 passed; *", "GET /delay/* 0", "*= 1 passed in *"]
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_ctrl_c_once_more_in_a_tear_down_does_not_lose_the_table(project: Project) -> None:
    project.write(
        """
        import os
        import signal

        @pytest.fixture(scope="session")
        def platform():
            yield
            os.kill(os.getpid(), signal.SIGINT)

        @pytest.mark.load(vus=1, iterations=2)
        async def test_browse(http, platform):
            await http.get("/")

        def test_that_a_person_interrupts(platform):
            raise KeyboardInterrupt
        """
    )
    result = project.run_subprocess()
    result.stdout.fnmatch_lines(["*= load tests =*", "test_browse * passed *", "1 load test: 1 passed; *"])


def test_a_wide_terminal_shows_users_time_and_median_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    project.write(LOAD)
    result = project.run()
    result.stdout.fnmatch_lines(["load test * verdict * VUs * ran * requests * p50 *"])
    result.stdout.re_match_lines([r"test_browse +passed +3 +([4-9]\d\d ms|[\d.]+ s) "])


def test_with_v_the_requests_of_each_test_are_listed(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=2)
        async def test_browse(http):
            await http.get("/agents/17")
            await http.post("/login", name="sign in")
        """
    )
    result = project.run("-v")
    result.stdout.fnmatch_lines(
        [
            "test_load.py::test_browse: 1 VU, 2 iterations",
            "request * count *",
            "GET /agents/{id} * 2 *",
            "sign in * 2 *",
        ]
    )


def test_a_session_without_load_tests_says_nothing_of_them(project: Project) -> None:
    project.write("def test_ordinary():\n    pass\n")
    project.run("-v").stdout.no_fnmatch_line("*load*test*s*:*")
