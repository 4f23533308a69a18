"""Where output goes: the path that was meant, and the errors of one that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.results.moments import utc_text
from pytest_loadtest.results.paths import check_path, path_of

BEGAN = "2026-11-22T20:15:00.250Z"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_a_moment_is_written_in_utc_to_the_millisecond() -> None:
    assert utc_text(0) == "1970-01-01T00:00:00.000Z"
    assert utc_text(1_795_378_500_250_999_999) == BEGAN


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("run.json", "{cwd}/run.json"),
        ("a/{timestamp}.json", "{cwd}/a/20261122T201500Z.json"),
        ("{timestamp}/{timestamp}", "{cwd}/20261122T201500Z/20261122T201500Z"),
        ("/tmp/run.json", "/tmp/run.json"),
        ("~/run.json", "{cwd}/home/run.json"),
    ],
)
def test_a_path_is_below_the_current_folder_and_may_have_the_time(template: str, path: str) -> None:
    assert str(path_of(template, BEGAN)) == path.replace("{cwd}", str(Path.cwd()))


@pytest.mark.parametrize("template", ["run.json", "a/b/c/run.json", "file", "{timestamp}/run.json"])
def test_what_can_be_written_is_right_and_nothing_is_made(template: str) -> None:
    Path("file").touch()
    check_path(template, "--load-json")
    assert [each.name for each in Path().iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("run-{time}.json", "{time} means nothing; allowed is {timestamp}"),
        ("run-{}.json", "{} means nothing"),
        ("folder", "is a folder, not a file to be written"),
        ("new/", "is a folder, not a file to be written"),
        ("file/run.json", "file is no folder"),
        ("pipe", "is a device or the like, which a file would replace"),
        (f"{'x' * 300}.json", "File name too long"),
        ("~no-such-user/run.json", "home directory"),
        ("run\0.json", "embedded null byte"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_load(template: str, said: str) -> None:
    Path("folder").mkdir()
    Path("file").touch()
    os.mkfifo("pipe")
    with pytest.raises(ConfigurationError) as raised:
        check_path(template, "environment variable LOAD_JSON")
    assert str(raised.value).startswith(f"environment variable LOAD_JSON: {template!r}")
    assert said in str(raised.value)


def test_what_is_written_to_may_be_a_pipe() -> None:
    os.mkfifo("pipe")
    check_path("pipe", "--load-samples", is_replaced=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_said() -> None:
    Path("folder").mkdir()
    Path("folder/old.json").touch()  # would be replaced by one that is made beside it
    Path("folder").chmod(0o500)
    for template in ("folder/run.json", "folder/old.json"):
        with pytest.raises(ConfigurationError, match="no permission to write there"):
            check_path(template, "--load-json")
