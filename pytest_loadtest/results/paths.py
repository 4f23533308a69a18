"""Where output is written: what a path given by a user means, and what is wrong with it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pytest_loadtest.errors import ConfigurationError

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
TIMESTAMP = "timestamp"


def stamp_of(began_at: str) -> str:
    """``2026-11-22T20:15:00.250Z`` as it may stand in a file's name: ``20261122T201500Z``."""
    return f"{began_at[:19].replace('-', '').replace(':', '')}Z"


def path_of(template: str, began_at: str) -> Path:
    """The file that was meant, of a run that began then. A relative one is below the current folder."""
    filled = template.replace(f"{{{TIMESTAMP}}}", stamp_of(began_at))
    return Path.cwd() / Path(filled).expanduser()


def check_path(template: str, source: str) -> None:
    """Make nothing; raise ConfigurationError if no file can be written there. `source` is who asks for it."""
    for word in _PLACEHOLDER.findall(template):
        if word != TIMESTAMP:
            raise ConfigurationError(
                f"{source}: {template!r}: {{{word}}} means nothing; allowed is {{timestamp}}"
            )
    path = path_of(template, "")
    if template.endswith(("/", os.sep)) or path.is_dir():
        raise ConfigurationError(f"{source}: {template!r} is a folder, not a file to be written")
    parent = next(each for each in path.parents if each.exists())
    if not parent.is_dir():
        raise ConfigurationError(f"{source}: {template!r}: {parent} is no folder")
    if not os.access(path if path.exists() else parent, os.W_OK):
        raise ConfigurationError(f"{source}: {template!r}: no permission to write there")
