"""The steps of the workflow files that comment, run with stand-ins for the programs that talk to servers."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workflow_files import named, of_page, of_repository

MARKER = "<!-- pytest-loadtest -->"
# Writes down how it was called and what the comment's file said then. Its answers are in a file; none means
# that it fails. Like gh it passes an answer through the filter of --jq.
STAND_IN = """\
#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
body = pathlib.Path("comment.md")
with open("calls", "a") as calls:
    calls.write(json.dumps([arguments, body.read_text() if body.exists() else ""]) + "\\n")
for part, answer in json.loads(pathlib.Path("answers").read_text()).items():
    if any(part in argument for argument in arguments) and not {{"PATCH", "POST", "PUT"}} & set(arguments):
        if answer is None:
            sys.exit(1)
        if "--jq" in arguments:
            import jq
            found = jq.compile(arguments[arguments.index("--jq") + 1]).input_text(answer)
            answer = "".join(f"{{each}}\\n" for each in found)
        print(answer, end="")
        break
"""


class Shell:
    """A folder with reports, and a program that is not what it seems to be."""

    def __init__(self, folder: Path, program: str) -> None:
        self._folder = folder
        (folder / "bin").mkdir()
        path = folder / "bin" / program
        path.write_text(STAND_IN.format(python=sys.executable), "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        (folder / "bin" / "python").symlink_to(sys.executable)

    def report(self, text: str) -> None:
        (self._folder / "reports").mkdir()
        (self._folder / "reports" / "load.md").write_text(text, "utf-8")

    def run(self, script: str, answers: dict[str, Any], **variables: str) -> list[tuple[list[str], str]]:
        """All calls of the program: arguments, and the comment as it was."""
        assert self.try_to_run(script, answers, **variables) == 0
        return self.calls

    def try_to_run(self, script: str, answers: dict[str, Any], **variables: str) -> int:
        """The exit status of the step. An answer goes to the calls with an argument that its key is in."""
        texts = {part: answer if answer is None else json.dumps(answer) for part, answer in answers.items()}
        (self._folder / "answers").write_text(json.dumps(texts), "utf-8")
        path = f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = ["bash", "--noprofile", "--norc", "-e", "-c", script]
        environment = {"PATH": path, **variables}
        return subprocess.run(command, cwd=self._folder, env=environment, check=False, timeout=30).returncode

    @property
    def calls(self) -> list[tuple[list[str], str]]:
        path = self._folder / "calls"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [(arguments, body) for arguments, body in map(json.loads, lines)]


REPORT = "## ❌ failed: 1 of 2 load tests\n\n100% $HOME `x` \\n %s\n"
HEAD = {
    "REPOSITORY": "shop/shop",
    "HEAD": "ann:new $(touch evil)",
    "HEAD_SHA": "abc",
    "RUN_URL": "http://run",
}


PULLS = [{"number": 6, "head": {"sha": "ab"}}, {"number": 7, "head": {"sha": "abc"}}]
BOT = "github-actions[bot]"


def github_script() -> str:
    (script,) = named(of_repository(), "load-tests-comment.yml").scripts
    return script


def comment(number: int, body: str, login: str = BOT) -> dict[str, Any]:
    return {
        "id": number,
        "body": body,
        "user": {"login": login, "type": "Bot" if "[bot]" in login else "User"},
    }


OURS = comment(42, f"{MARKER}\nold")


@pytest.mark.parametrize(
    ("existing", "renewed"),
    [
        pytest.param([], None, id="the first comment"),
        pytest.param([comment(1, "hello"), OURS], 42, id="the comment is renewed"),
        pytest.param([OURS, comment(43, f"{MARKER}\nolder")], 42, id="of two comments the first is renewed"),
        pytest.param([comment(1, f"{MARKER}\nmine", "ann")], None, id="a person's comment is left alone"),
        pytest.param([comment(1, f"{MARKER}\nmine", "other[bot]")], None, id="another bot's is left alone"),
        pytest.param([comment(1, f"> {MARKER}\nold")], None, id="a comment that quotes it is left alone"),
    ],
)
def test_on_github_one_comment_is_made_or_renewed(
    tmp_path: Path, existing: list[dict[str, Any]], renewed: int | None
) -> None:
    shell = Shell(tmp_path, "gh")
    shell.report(REPORT)
    *asked, (write, body) = shell.run(github_script(), {"/pulls": PULLS, "/issues/7": existing}, **HEAD)
    assert f"head={HEAD['HEAD']}" in asked[0][0]
    method = "PATCH" if renewed else "POST"
    address = f"repos/shop/shop/issues/{f'comments/{renewed}' if renewed else '7/comments'}"
    assert write == ["api", "--method", method, address, "--field", "body=@comment.md", "--silent"]
    assert body == f"{MARKER}\n{REPORT.rstrip()}\n\nRun and reports of abc: http://run\n"
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("pulls", [[], PULLS[:1]], ids=["none is open", "it has a newer commit"])
def test_on_github_nothing_is_written_without_a_pull_request(
    tmp_path: Path, pulls: list[dict[str, Any]]
) -> None:
    shell = Shell(tmp_path, "gh")
    shell.report(REPORT)
    ((question, _),) = shell.run(github_script(), {"/pulls": pulls}, **HEAD)
    assert question[:4] == ["api", "--method", "GET", "repos/shop/shop/pulls"]


def test_on_github_no_second_comment_is_made_when_the_first_cannot_be_found(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "gh")
    shell.report(REPORT)
    assert shell.try_to_run(github_script(), {"/pulls": PULLS, "/issues/7": None}, **HEAD) != 0
    asked, listed = (arguments for arguments, _ in shell.calls)
    assert asked[:3] == ["api", "--method", "GET"]
    assert listed[1] == "--paginate"


def test_on_github_nothing_is_asked_without_a_report(tmp_path: Path) -> None:
    assert Shell(tmp_path, "gh").run(github_script(), {}, **HEAD) == []


def test_on_github_a_link_in_the_reports_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "secret").write_text("token")
    (tmp_path / "reports" / "load.md").symlink_to(tmp_path / "secret")
    assert Shell(tmp_path, "gh").run(github_script(), {}, **HEAD) == []


MERGE_REQUEST = {
    "CI_API_V4_URL": "http://gitlab/api/v4",
    "CI_COMMIT_SHA": "abc",
    "CI_MERGE_REQUEST_PROJECT_ID": "5",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_PIPELINE_URL": "http://run",
    "COMMENT_TOKEN": "a-token",
}
NOTES = "http://gitlab/api/v4/projects/5/merge_requests/7/notes"
ME = 8  # the user of the token


def gitlab_script() -> str:
    return "\n".join(named(of_page(), ".gitlab-ci.yml").content["comment"]["script"])


def note(number: int, body: str, author: int = ME) -> dict[str, Any]:
    return {"id": number, "body": body, "author": {"id": author}}


@pytest.mark.parametrize(
    ("notes", "renewed"),
    [
        pytest.param([note(1, "hello")], None, id="the first comment"),
        pytest.param([note(1, "hello"), note(42, f"{MARKER}\nold")], 42, id="the comment is renewed"),
        pytest.param([note(1, f"{MARKER}\nmine", author=9)], None, id="another user's is left alone"),
        pytest.param([note(1, f"> {MARKER}\nold")], None, id="a comment that quotes it is left alone"),
    ],
)
def test_on_gitlab_one_comment_is_made_or_renewed(
    tmp_path: Path, notes: list[dict[str, Any]], renewed: int | None
) -> None:
    shell = Shell(tmp_path, "curl")
    shell.report(REPORT)
    answers = {"/v4/user": {"id": ME}, "/notes?": notes}
    *asked, (write, body) = shell.run(gitlab_script(), answers, **MERGE_REQUEST)
    assert [question[-1] for question, _ in asked] == [
        "http://gitlab/api/v4/user",
        f"{NOTES}?per_page=100&sort=asc&order_by=created_at",
    ]
    method, address = ("PUT", f"{NOTES}/{renewed}") if renewed else ("POST", NOTES)
    data = ["--data-urlencode", "body@comment.md"]
    assert write[-7:] == ["--request", method, *data, "--output", "/dev/null", address]
    assert all("PRIVATE-TOKEN: a-token" in arguments for arguments, _ in shell.calls)
    assert body == f"{MARKER}\n{REPORT.rstrip()}\n\nPipeline and reports of abc: http://run\n"


def test_on_gitlab_the_comment_names_the_branchs_commit_and_not_that_of_the_merged_result(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path, "curl")
    shell.report(REPORT)
    merged = {**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "def"}
    *_, (_, body) = shell.run(gitlab_script(), {"/v4/user": {"id": ME}, "/notes?": []}, **merged)
    assert body.endswith("Pipeline and reports of def: http://run\n")


@pytest.mark.parametrize("answers", [{"/v4/user": None}, {"/v4/user": {"id": ME}, "/notes?": None}])
def test_on_gitlab_no_second_comment_is_made_when_the_first_cannot_be_found(
    tmp_path: Path, answers: dict[str, Any]
) -> None:
    shell = Shell(tmp_path, "curl")
    shell.report(REPORT)
    assert shell.try_to_run(gitlab_script(), answers, **MERGE_REQUEST) != 0
    assert len(shell.calls) == len(answers)
    assert all("--request" not in arguments for arguments, _ in shell.calls)


def test_on_gitlab_nothing_is_asked_without_a_report(tmp_path: Path) -> None:
    assert Shell(tmp_path, "curl").run(gitlab_script(), {}, **MERGE_REQUEST) == []
