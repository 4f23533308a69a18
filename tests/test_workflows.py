"""The workflow files of this repository and of docs/ci.md: valid, and nothing in them is made up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pytest_loadtest.plugin.options import OPTIONS
from pytest_loadtest.report.junit import properties_of
from tests.report.samples import load_result
from tests.workflow_files import PAGE, ROOT, Workflow, named, of_page, of_repository, page_text

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Major versions that run on Node.js 24, which is what today's runners have.
ACTIONS = {"checkout": 6, "setup-python": 6, "upload-artifact": 6, "download-artifact": 7}
PYTEST_OPTIONS = {"--junitxml": "xmlpath", "-m": "markexpr", "-o": "override_ini"}
LOAD_TESTS = {"load-tests.yml", "load-tests-staging.yml", ".gitlab-ci.yml"}
GITHUB, GITLAB = "vendor.github-workflows", "vendor.gitlab-ci"
WORKFLOWS = [*of_repository(), *of_page()]
every_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=str)


def test_all_files_are_looked_at() -> None:
    ours = ["load-tests-comment.yml", "load-tests.yml", "tests.yml"]
    assert [each.name for each in of_repository()] == ours
    shown = ["load-tests.yml", "load-tests-comment.yml", "load-tests-staging.yml", ".gitlab-ci.yml"]
    assert [each.name for each in of_page()] == shown
    assert page_text().count("```yaml") == len(shown)


@pytest.mark.parametrize("schema", [GITHUB, GITLAB])
def test_files_are_valid_for_their_schema(schema: str, tmp_path: Path) -> None:
    chosen = [each for each in WORKFLOWS if each.is_gitlab == (schema == GITLAB)]
    paths = [tmp_path / f"{number}-{each.name}" for number, each in enumerate(chosen)]
    for path, workflow in zip(paths, chosen, strict=True):
        path.write_text(workflow.text, "utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@every_workflow
def test_scripts_are_those_of_a_shell(workflow: Workflow) -> None:
    assert workflow.scripts
    for script in workflow.scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@every_workflow
def test_no_script_has_a_text_of_others_put_into_it(workflow: Workflow) -> None:
    """An expression in a script is put there before the shell reads it: the name of a branch could be run."""
    assert [script for script in workflow.scripts if "${{" in script] == []


@every_workflow
def test_actions_are_pinned_to_versions_that_exist(workflow: Workflow) -> None:
    used = [step["uses"] for step in workflow.steps if "uses" in step]
    known = {f"actions/{name}@v{major}" for name, major in ACTIONS.items()}
    assert set(used) <= known
    assert used or workflow.is_gitlab


@every_workflow
def test_a_workflow_may_do_no_more_than_it_says(workflow: Workflow) -> None:
    if workflow.is_gitlab:
        return
    permissions = workflow.content["permissions"]
    if workflow.name == "load-tests-comment.yml":
        assert permissions == {"actions": "read", "pull-requests": "write"}
        assert [step for step in workflow.steps if "checkout" in step.get("uses", "")] == []
    else:
        assert permissions == {"contents": "read"}


@every_workflow
def test_options_and_variables_exist(workflow: Workflow, pytestconfig: pytest.Config) -> None:
    ours = {option.flag_text for option in OPTIONS}
    for words in workflow.commands("pytest"):
        given = {word for word in words if word.startswith("-")}
        assert given - ours <= PYTEST_OPTIONS.keys()
        assert all(hasattr(pytestconfig.option, PYTEST_OPTIONS[word]) for word in given - ours)
    environments = [step.get("env", {}) for step in workflow.steps]
    variables = {name for each in environments for name in each if name.startswith("LOAD_")}
    assert variables <= {option.variable for option in OPTIONS}


@every_workflow
def test_extras_markers_and_programs_exist(workflow: Workflow) -> None:
    extras = PROJECT["project"]["optional-dependencies"].keys()
    for words in workflow.commands("python -m pip"):
        named_extras = [each for word in words for each in re.findall(r"\[(.*)\]", word)]
        assert {extra for each in named_extras for extra in each.split(",")} <= extras
    if workflow.place == "repository":
        markers = {line.partition(":")[0] for line in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
        chosen = {words[words.index("-m") + 1] for words in workflow.commands("pytest") if "-m" in words}
        assert chosen <= markers
        programs = [script.split()[0] for script in workflow.scripts if script.startswith(".")]
        assert all(os.access(ROOT / program, os.X_OK) for program in programs)


@every_workflow
def test_reports_are_written_where_they_are_kept(workflow: Workflow) -> None:
    written = {
        words[n + 1]
        for words in workflow.commands("pytest")
        for n, word in enumerate(words)
        if word in ("--load-json", "--load-html", "--load-markdown", "--junitxml")
    }
    assert bool(written) == (workflow.name in LOAD_TESTS)
    if not written:
        return
    if workflow.is_gitlab:
        artifacts = workflow.content["load-tests"]["artifacts"]
        assert artifacts["when"] == "always"
        assert artifacts["reports"]["junit"] in written
        kept = artifacts["paths"]
    else:
        (upload,) = (step for step in workflow.steps if "upload-artifact" in step.get("uses", ""))
        assert upload["if"] == "${{ always() }}"  # a broken budget is what the reports are for
        kept = [upload["with"]["path"]]
    assert all(path.startswith(tuple(kept)) for path in written)


def test_on_gitlab_time_is_left_to_keep_the_reports() -> None:
    """A job that is over its time limit keeps nothing, one whose script is over its own keeps all."""
    job = named(of_page(), ".gitlab-ci.yml").content["load-tests"]
    whole, of_script = job["timeout"], job["variables"]["RUNNER_SCRIPT_TIMEOUT"]
    assert int(of_script.removesuffix("m")) <= int(whole.removesuffix(" minutes")) - 5


def test_on_gitlab_the_comment_is_made_in_a_clean_folder() -> None:
    """Runners keep it from job to job: without a checkout, another merge request's report may be in it."""
    content = named(of_page(), ".gitlab-ci.yml").content
    variables = [content.get("variables", {}), content["comment"].get("variables", {})]
    assert all("GIT_STRATEGY" not in each for each in variables)


@every_workflow
def test_pytest_is_told_that_a_step_of_github_is_cancelled(workflow: Workflow) -> None:
    """Only the first process of a step is, and a shell passes no signal on."""
    if workflow.is_gitlab:  # whose runners tell every process
        return
    scripts = [script for script in workflow.scripts if re.search(r"\bpytest\s", script)]
    assert bool(scripts) == (workflow.name in LOAD_TESTS)
    assert all(script.startswith("exec pytest ") for script in scripts)


@pytest.mark.parametrize("workflows", [of_repository(), of_page()], ids=["repository", PAGE])
def test_the_comment_takes_what_the_load_tests_keep(workflows: list[Workflow]) -> None:
    first, second = named(workflows, "load-tests.yml"), named(workflows, "load-tests-comment.yml")
    assert second.content[True]["workflow_run"]["workflows"] == [
        first.content["name"]
    ]  # YAML 1.1: on is True
    (upload,) = (step for step in first.steps if "upload-artifact" in step.get("uses", ""))
    (download,) = (step for step in second.steps if "download-artifact" in step.get("uses", ""))
    assert upload["with"]["name"] == download["with"]["name"]
    assert upload["with"]["path"].rstrip("/") == download["with"]["path"]
    (words,) = first.commands("pytest")
    assert words[words.index("--load-markdown") + 1] == "reports/load.md"


def test_the_page_comments_as_this_repository_does() -> None:
    shown, ours = (named(each, "load-tests-comment.yml") for each in (of_page(), of_repository()))
    assert shown.content == ours.content


def test_the_page_names_every_exit_status_of_pytest() -> None:
    table = page_text().partition("## What the exit status means")[2].partition("\n## ")[0]
    shown = {int(status) for status in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert {int(status) for status in pytest.ExitCode} <= shown  # an older pytest has fewer


def test_the_page_names_the_properties_of_junit_files() -> None:
    table = page_text().partition("## Figures in JUnit files")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`load_.*?) \|", table, re.MULTILINE)
    shown = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    result = load_result(nodeid="test_a.py::test_own", test="test_a.py::test_own: browse", run_id="abc")
    of_code = {name for name, _ in properties_of([result])}
    assert shown == of_code | {"load_checks_percent"}  # the sample has no checks
