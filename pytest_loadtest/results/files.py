"""The file of a run: JSON with a format and a version, replaced as a whole. Owns how it is opened and closed.

It knows the envelope only: what is in it is `run`'s.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EEXIST
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from pytest_loadtest.errors import ResultError

FORMAT = "pytest-loadtest run"
# Raised when a reader of the last version would misunderstand a file. New fields do not raise it.
SCHEMA_VERSION = 1


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Write the file: who reads it meanwhile, or after a crash, sees the old one. Raises OSError."""
    document = {"format": FORMAT, "schema_version": SCHEMA_VERSION, **values}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    replace(path, text.encode("utf-8", "backslashreplace"))  # a lone surrogate of a server is no UTF-8


def replace_text(path: Path, text: str) -> None:
    """Let the file have this text, in one step; a lone surrogate of a server, which is no UTF-8, becomes "?".

    Raises OSError.
    """
    replace(path, text.encode("utf-8", "replace"))


def replace(path: Path, content: bytes) -> None:
    """Let the file have this content, in one step. Its folder is made. Raises OSError."""
    path = path.resolve()  # what a link leads to is replaced, not the link
    if path.exists() and not path.is_file():  # for root, /dev/null would be a file from then on
        raise FileExistsError(EEXIST, "not a file that could be replaced", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _mode_of(path))
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _mode_of(path: Path) -> int:
    """As it was, else as any new file has it: that of a temporary one is for its owner only."""
    with suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def read(path: Path) -> Mapping[str, Any]:
    """What stands in the file. Raises ResultError if it is not a run's, and OSError."""
    try:
        document = json.loads(path.read_bytes(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # also what is no UTF-8, or nothing but brackets
        raise ResultError(f"no JSON, or only a part of it: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ResultError(f'not a file of --load-json: it has no "format": "{FORMAT}"')
    version = document.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ResultError(f"schema_version: {version!r} is not the number of a version")
    if version > SCHEMA_VERSION:
        raise ResultError(
            f"written by a newer version of pytest-loadtest (schema_version {version}; this one reads up to "
            f"{SCHEMA_VERSION}): update it to read the file"
        )
    return document


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


@contextmanager
def telling_of(path: Path) -> Iterator[None]:
    """Errors in a file name it."""
    try:
        yield
    except ResultError as error:
        raise ResultError(f"{path}: {error}") from None
