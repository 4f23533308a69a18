"""Outputs: told of the run after each load test and at the end; one that fails spoils nothing else."""

from __future__ import annotations

import pytest

from pytest_loadtest.plugin import gathering
from pytest_loadtest.results.run import Run
from tests.plugin.conftest import Project

TWO = """
    @pytest.mark.load(vus=1, iterations=1)
    async def test_a(http):
        await http.get("/a")

    def test_ordinary():
        pass

    @pytest.mark.load(vus=1, iterations=1)
    async def test_b(http):
        await http.get("/b")
"""


class Told:
    """An output that remembers what it was told."""

    option = "--load-told"

    def __init__(self) -> None:
        self.updates: list[list[str]] = []
        self.finished: list[int | None] = []

    def update(self, run: Run) -> None:
        self.updates.append([result.test.rpartition("::")[2] for result in run.results])

    def finish(self, run: Run) -> None:
        self.finished.append(run.exit_status)

    def note(self, run: Run) -> str | None:
        return f"told of {len(run.results)} load tests"


class Broken(Told):
    """One that cannot do its work."""

    option = "--load-broken"

    def __init__(self, *, recovers: bool = False) -> None:
        super().__init__()
        self._recovers = recovers

    def update(self, run: Run) -> None:
        raise OSError("no space left for token=abcdef123456")

    def finish(self, run: Run) -> None:
        if not self._recovers:
            self.update(run)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return use(monkeypatch, Told())


def use(monkeypatch: pytest.MonkeyPatch, *outputs: Told) -> Told:
    """These are the session's outputs; the last of them."""
    monkeypatch.setattr(gathering, "outputs_of", lambda _config: list(outputs))
    return outputs[-1]


def test_an_output_is_told_after_each_load_test_and_at_the_end(project: Project, told: Told) -> None:
    project.write(TWO)
    result = project.run()
    result.assert_outcomes(passed=3)
    assert told.updates == [["test_a"], ["test_a", "test_b"]]
    assert told.finished == [pytest.ExitCode.OK]
    result.stdout.fnmatch_lines(["told of 2 load tests"])


def test_it_is_told_of_an_interrupted_load(project: Project) -> None:
    project.write(
        """
        from pathlib import Path
        from pytest_loadtest.plugin import gathering

        class Told:
            option = "--load-told"

            def update(self, run):
                with Path("told").open("a") as file:
                    file.write(f"{len(run.results)} {run.exit_status}\\n")
            finish = update
            def note(self, run):
                return None

        gathering.outputs_of = lambda config: [Told()]
        """,
        "conftest.py",
    )
    project.write(
        """
        import os, signal

        @pytest.mark.load(vus=1, duration="20s")
        async def test_a(http):
            await http.get("/a")
            os.kill(os.getpid(), signal.SIGINT)
            await http.get("/delay/10")
        """
    )
    assert project.run_subprocess().ret == pytest.ExitCode.INTERRUPTED
    assert (project.pytester.path / "told").read_text().splitlines() == ["1 None", "1 2"]


def test_it_is_told_the_results_of_the_last_of_several_runs_of_a_test(project: Project, told: Told) -> None:
    project.write(
        """
        runs = []

        @pytest.mark.flaky(reruns=1)
        @pytest.mark.load(vus=1, iterations=1)
        async def test_a(http):
            runs.append(1)
            await http.get("/a")
            assert len(runs) > 1
        """
    )
    project.run("-W", "ignore", plugins=("pytest_rerunfailures",)).assert_outcomes(passed=1)
    assert told.updates == [["test_a"], ["test_a"]]


def test_one_that_fails_is_told_of_and_fails_the_session_but_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = use(monkeypatch, Broken(), Told())
    project.write(TWO)
    result = project.run()
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(told.updates) == 2
    result.stdout.fnmatch_lines(["told of 2 load tests", "--load-broken failed: OSError: no space left*"])
    assert "abcdef123456" not in result.stdout.str()


def test_one_that_works_in_the_end_has_not_failed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Broken(recovers=True))
    project.write(TWO)
    result = project.run()
    assert result.ret == pytest.ExitCode.OK
    assert "--load-broken failed" not in result.stdout.str()


def test_a_session_without_load_tests_tells_nobody(project: Project, told: Told) -> None:
    project.write("def test_ordinary():\n    pass\n")
    project.run().assert_outcomes(passed=1)
    assert (told.updates, told.finished) == ([], [])


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "with xdist"])
def test_an_output_is_told_although_another_plugin_ends_the_session(
    project: Project, told: Told, workers: tuple[str, ...]
) -> None:
    project.write(TWO)
    project.write(
        """
        def pytest_runtest_logreport(report):
            if report.when == "call":
                pytest.exit("enough")
        """,
        "conftest.py",
    )
    project.run(*workers, plugins=("xdist.plugin",) if workers else ())
    assert told.updates == [["test_a"]]
    assert told.finished == [pytest.ExitCode.INTERRUPTED]
