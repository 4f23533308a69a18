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


def check_path(template: str, source: str, *, is_replaced: bool = True) -> None:
    """Make nothing; raise ConfigurationError if no file can be written there. `source` is who asks for it.

    Of what is not replaced as a whole, but written to, a pipe may be the path.
    """
    for word in _PLACEHOLDER.findall(template):
        if word != TIMESTAMP:
            raise ConfigurationError(
                f"{source}: {template!r}: {{{word}}} means nothing; allowed is {{timestamp}}"
            )
    try:
        problem = _problem_of(template, is_replaced=is_replaced)
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, an unknown ~user, a null byte
        problem = f": {getattr(error, 'strerror', None) or error}"
    if problem:
        raise ConfigurationError(f"{source}: {template!r}{problem}")


def _problem_of(template: str, *, is_replaced: bool) -> str:
    """What goes behind the path; empty if a file can be written there. It looks and makes nothing."""
    path = path_of(template, "")
    if template.endswith(("/", os.sep)) or path.is_dir():
        return " is a folder, not a file to be written"
    if is_replaced and path.exists() and not path.is_file():
        return " is a device or the like, which a file would replace"
    folder = next(each for each in (path.resolve() if is_replaced else path).parents if each.exists())
    if not folder.is_dir():
        return f": {folder} is no folder"
    # The folder, too: there are files beside the one asked for while it is written.
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return ": no permission to write there"
    return ""
