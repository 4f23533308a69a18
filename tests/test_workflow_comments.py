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
# Writes down how it was called and what the comment's file said then; its answers are files.
STAND_IN = """\
#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
body = pathlib.Path("comment.md")
with open("calls", "a") as calls:
    calls.write(json.dumps([arguments, body.read_text() if body.exists() else ""]) + "\\n")
for part, answer in json.loads(pathlib.Path("answers").read_text()).items():
    if any(part in argument for argument in arguments) and not {{"PATCH", "POST", "PUT"}} & set(arguments):
        print(answer)
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

    def run(self, script: str, answers: dict[str, str], **variables: str) -> list[tuple[list[str], str]]:
        """All calls of the program: arguments, and the comment as it was."""
        (self._folder / "answers").write_text(json.dumps(answers), "utf-8")
        path = f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = ["bash", "--noprofile", "--norc", "-e", "-c", script]
        subprocess.run(command, cwd=self._folder, env={"PATH": path, **variables}, check=True, timeout=30)
        calls = self._folder / "calls"
        lines = calls.read_text("utf-8").splitlines() if calls.exists() else []
        return [(arguments, body) for arguments, body in map(json.loads, lines)]


REPORT = "## ❌ failed: 1 of 2 load tests\n\n100% $HOME `x` \\n %s\n"
HEAD = {
    "REPOSITORY": "shop/shop",
    "HEAD": "ann:new $(touch evil)",
    "HEAD_SHA": "abc",
    "RUN_URL": "http://run",
}


def github_script() -> str:
    (script,) = named(of_repository(), "load-tests-comment.yml").scripts
    return script


@pytest.mark.parametrize(
    ("existing", "method", "address"),
    [
        ("", "POST", "repos/shop/shop/issues/7/comments"),
        ("42\n43", "PATCH", "repos/shop/shop/issues/comments/42"),
    ],
    ids=["the first comment", "the comment is renewed"],
)
def test_on_github_one_comment_is_made_or_renewed(
    tmp_path: Path, existing: str, method: str, address: str
) -> None:
    shell = Shell(tmp_path, "gh")
    shell.report(REPORT)
    *asked, (write, body) = shell.run(github_script(), {"/pulls": "7", "/issues/7": existing}, **HEAD)
    assert f"head={HEAD['HEAD']}" in asked[0][0]
    assert write == ["api", "--method", method, address, "--field", "body=@comment.md", "--silent"]
    assert body == f"{MARKER}\n{REPORT.rstrip()}\n\nRun and reports: http://run\n"
    assert not (tmp_path / "evil").exists()


def test_on_github_nothing_is_written_without_a_pull_request(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "gh")
    shell.report(REPORT)
    ((question, _),) = shell.run(github_script(), {"/pulls": ""}, **HEAD)
    assert question[:4] == ["api", "--method", "GET", "repos/shop/shop/pulls"]


def test_on_github_nothing_is_asked_without_a_report(tmp_path: Path) -> None:
    assert Shell(tmp_path, "gh").run(github_script(), {}, **HEAD) == []


def test_on_github_a_link_in_the_reports_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "secret").write_text("token")
    (tmp_path / "reports" / "load.md").symlink_to(tmp_path / "secret")
    assert Shell(tmp_path, "gh").run(github_script(), {}, **HEAD) == []


MERGE_REQUEST = {
    "CI_API_V4_URL": "http://gitlab/api/v4",
    "CI_MERGE_REQUEST_PROJECT_ID": "5",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_PIPELINE_URL": "http://run",
    "COMMENT_TOKEN": "a-token",
}
NOTES = "http://gitlab/api/v4/projects/5/merge_requests/7/notes"


@pytest.mark.parametrize(
    ("notes", "method", "address"),
    [
        ([{"id": 1, "body": "hello"}], "POST", NOTES),
        ([{"id": 1, "body": "hello"}, {"id": 42, "body": f"{MARKER}\nold"}], "PUT", f"{NOTES}/42"),
    ],
    ids=["the first comment", "the comment is renewed"],
)
def test_on_gitlab_one_comment_is_made_or_renewed(
    tmp_path: Path, notes: list[dict[str, Any]], method: str, address: str
) -> None:
    shell = Shell(tmp_path, "curl")
    shell.report(REPORT)
    script = "\n".join(named(of_page(), ".gitlab-ci.yml").content["comment"]["script"])
    (question, _), (write, body) = shell.run(script, {"/notes?": json.dumps(notes)}, **MERGE_REQUEST)
    assert question[-1] == f"{NOTES}?per_page=100&sort=asc&order_by=created_at"
    assert write[-7:-1] == [
        "--request",
        method,
        "--data-urlencode",
        "body@comment.md",
        "--output",
        "/dev/null",
    ]
    assert write[-1] == address
    assert "PRIVATE-TOKEN: a-token" in write
    assert body == f"{MARKER}\n{REPORT.rstrip()}\n\nPipeline and reports: http://run\n"
