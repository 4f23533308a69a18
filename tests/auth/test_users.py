"""Users from patterns, lists and files, and what is said of those that do not parse. No sockets, no clock."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_loadtest.auth.users import check_sign_in, expand, exposed_passwords, users_of
from pytest_loadtest.errors import ConfigurationError


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        pytest.param("a@x.io", ["a@x.io"], id="no braces: itself"),
        pytest.param(
            "u{4..6}@x.io", ["u4@x.io", "u5@x.io", "u6@x.io"], id="a range counts, both ends included"
        ),
        pytest.param("u{08..10}", ["u08", "u09", "u10"], id="a zero in front keeps the width"),
        pytest.param("u{9..11}", ["u9", "u10", "u11"], id="without one it grows"),
        pytest.param("{1..2}-{3..4}", ["1-3", "1-4", "2-3", "2-4"], id="the last braces count fastest"),
        pytest.param("u{7..7}", ["u7"], id="a range of one"),
    ],
)
def test_patterns(pattern: str, names: list[str]) -> None:
    assert list(expand(pattern)) == names


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("u{a..b}", "{a..b} in 'u{a..b}' is not a range such as {4..50}"),
        ("u{1,2}", "is not a range"),
        ("u{}", "is not a range"),
        ("u{1..2", "the braces of 'u{1..2' do not pair"),
        ("u1..2}", "do not pair"),
        ("u{5..4}", "counts down"),
        ("u{1..999999999}", "makes more than 100,000 users"),
        ("u{1..999}{1..999}", "makes 998,001 users, more than 100,000"),
        ("", "is not a name or a pattern"),
        (7, "7 is not a name or a pattern"),
    ],
)
def test_patterns_that_are_none(pattern: object, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        expand(pattern)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ([], "users: there are no users"),
        (["a@x.io", "A@x.io"], "users: A@x.io is there twice"),
        (["a{1..3}@x.io", "a2@x.io"], "a2@x.io is there twice"),
    ],
)
def test_lists_that_are_refused(source: list[str], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        users_of(source)


def test_a_file_has_addresses_and_perhaps_passwords(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(
        '\ufeffemail,password\n# of the team\n\n a@x.io ,own one\nb@x.io\n"c@x.io","with, comma"\nd@x.io,\n',
        "utf-8",
    )
    users = users_of(path, "the common one")
    assert [(user.email, user.password) for user in users] == [
        ("a@x.io", "own one"),
        ("b@x.io", "the common one"),
        ("c@x.io", "with, comma"),
        ("d@x.io", "the common one"),
    ]
    assert "own one" not in repr(users)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a@x.io\nnobody\n", ":2: the first column is not an e-mail address"),
        (b"# one\n\na@x.io,s3cret,more\n", ":3: 3 columns, where an e-mail address and perhaps"),
        (b'a@x.io,"s3cret\n', ":1: this is not CSV"),
        (b"a@x.io\nb@x.io\nA@x.io\n", ":3: A@x.io is in line 1 already"),
        (b"a@x.io\n\xff\xfe\n", ":2: this is not text in UTF-8"),
        (b"# nobody\n", ": there are no users"),
    ],
)
def test_a_file_that_does_not_parse_is_an_error_with_the_line(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=re.escape(f"users file {path}{reason}")) as raised:
        users_of(path)
    assert "s3cret" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        users_of(tmp_path / "users.csv")


def test_who_signs_in_has_an_address_and_a_password() -> None:
    with pytest.raises(ConfigurationError, match=r"a@x\.io has no password"):
        check_sign_in(users_of("a@x.io"))
    with pytest.raises(ConfigurationError, match="'ann' is not an e-mail address"):
        check_sign_in(users_of("ann", "a password"))
    check_sign_in(users_of("a@x.io", "a password"))


@pytest.mark.parametrize(
    ("line", "mode", "is_said"),
    [("a@x.io,pass", 0o644, True), ("a@x.io,pass", 0o600, False), ("a@x.io", 0o644, False)],
)
def test_passwords_that_others_can_read_are_said(tmp_path: Path, line: str, mode: int, is_said: bool) -> None:
    path = tmp_path / "users.csv"
    path.write_text(line)
    path.chmod(mode)
    assert (exposed_passwords(path) is not None) == is_said
