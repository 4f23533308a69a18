"""Who signs in: users from a pattern, a list or a file. It knows nothing of tokens.

A pattern is ``loadtest{4..50}@example.com``: each pair of braces counts, several make every combination. A
file has one user a line, an e-mail address and perhaps a password, as CSV; blank lines and lines that begin
with ``#`` are passed over.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_loadtest.auth.private_files import exposure_of
from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.errors import ConfigurationError

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")
# More than any load test signs in; a slip of the finger in a pattern must not fill the memory.
MOST_USERS = 100_000
_COLUMNS = ("email", "password")

UserSource = str | Path | Sequence[str]


@dataclass(frozen=True, slots=True)
class User:
    email: str
    password: str | None = field(default=None, repr=False)


def users_of(source: UserSource, password: str | None = None) -> list[User]:
    """The users of a pattern, a list of names or patterns, or a file (a Path); `password` for those without.

    Raises ConfigurationError.
    """
    if password:
        declare_secret(password)
    if isinstance(source, Path):
        found = list(_users_in(source))
        origin = f"users file {source}"
    else:
        patterns = [source] if isinstance(source, str) else list(source)
        found = [User(name) for pattern in patterns for name in expand(pattern)]
        origin = "users"
    if not found:
        raise ConfigurationError(f"{origin}: there are no users")
    _check_duplicates((user.email for user in found), origin)
    return [User(user.email, user.password or password or None) for user in found]


def check_sign_in(users: Iterable[User]) -> None:
    """That each can sign in with an address and a password. Raises ConfigurationError."""
    for user in users:
        if "@" not in user.email:
            raise ConfigurationError(f"users: {user.email!r} is not an e-mail address")
        if not user.password:
            raise ConfigurationError(
                f"{user.email} has no password: give `password` for all users, "
                "or a users file with a second column"
            )


def expand(pattern: object) -> Iterator[str]:
    """``a{1..3}`` -> a1 a2 a3. ``{01..10}`` keeps the width; the last braces count fastest."""
    if not isinstance(pattern, str) or not pattern.strip():
        raise ConfigurationError(
            f'users: {pattern!r} is not a name or a pattern such as "loadtest{{4..50}}@example.com"'
        )
    literals = _BRACES.split(pattern.strip())[::2]
    ranges = [_range_of(body, pattern) for body in _BRACES.findall(pattern)]
    if any("{" in text or "}" in text for text in literals):
        raise ConfigurationError(f"users: the braces of {pattern!r} do not pair")
    total = 1
    for numbers in ranges:
        total *= len(numbers)
    if total > MOST_USERS:
        raise ConfigurationError(f"users: {pattern!r} makes {total:,} users, more than {MOST_USERS:,}")
    return ("".join(_alternate(literals, numbers)) for numbers in itertools.product(*ranges))


def _range_of(body: str, pattern: str) -> Sequence[str]:
    match = _RANGE.fullmatch(body.strip())
    if match is None:
        raise ConfigurationError(f"users: {{{body}}} in {pattern!r} is not a range such as {{4..50}}")
    first, last = int(match[1]), int(match[2])
    if first > last:
        raise ConfigurationError(
            f"users: {{{body}}} in {pattern!r} counts down: the smaller number comes first"
        )
    if last - first >= MOST_USERS:
        raise ConfigurationError(f"users: {{{body}}} in {pattern!r} makes more than {MOST_USERS:,} users")
    width = len(match[1]) if match[1].startswith("0") else 0
    return [f"{number:0{width}}" for number in range(first, last + 1)]


def _alternate(literals: Sequence[str], numbers: Sequence[str]) -> Iterator[str]:
    yield literals[0]
    for number, literal in zip(numbers, literals[1:], strict=True):
        yield number
        yield literal


def _check_duplicates(names: Iterable[str], origin: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise ConfigurationError(f"{origin}: {name} is there twice")
        seen.add(name.lower())


# -- files --------------------------------------------------------------------------------------------


def exposed_passwords(source: UserSource) -> str | None:
    """What to tell the user of a file with passwords that others can read; None when all is well."""
    if not isinstance(source, Path) or not any(user.password for user in _users_in(source)):
        return None
    exposure = exposure_of(source.stat())
    return f"users file {source} has passwords and {exposure}: chmod 600 {source}" if exposure else None


def _users_in(path: Path) -> Iterator[User]:
    seen: dict[str, int] = {}
    for number, line in enumerate(_lines_of(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            user = _user_of(line, is_first=not seen)
        except ValueError as error:
            raise ConfigurationError(f"users file {path}:{number}: {error}") from None
        if user is None:
            continue
        if (before := seen.setdefault(user.email.lower(), number)) != number:
            raise ConfigurationError(f"users file {path}:{number}: {user.email} is in line {before} already")
        yield user


def _lines_of(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"users file {path} cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"users file {path}:{line}: this is not text in UTF-8") from None


def _user_of(line: str, *, is_first: bool) -> User | None:
    """A line's user; None for the names of the columns. Raises ValueError, without what the line says."""
    try:
        (cells,) = csv.reader([line], strict=True)
    except csv.Error as error:
        raise ValueError(f"this is not CSV: {error}") from None
    if is_first and tuple(cell.strip().lower() for cell in cells) in (_COLUMNS, _COLUMNS[:1]):
        return None
    if len(cells) > 2:
        raise ValueError(f"{len(cells)} columns, where an e-mail address and perhaps a password are expected")
    email = cells[0].strip()
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", email):
        raise ValueError("the first column is not an e-mail address")
    password = cells[1] if len(cells) == 2 and cells[1] else None
    if password:
        declare_secret(password)
    return User(email, password)
