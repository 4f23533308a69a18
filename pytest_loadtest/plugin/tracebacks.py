"""Tracebacks as users want them: their own frames, and no secrets.

Owns the rule whose code a frame is. Knows pytest's representation of exceptions; runs nothing.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

import pytest

import pytest_loadtest
from pytest_loadtest.core.redaction import redact, redact_source

_OURS = str(Path(pytest_loadtest.__file__).parent)
# Ours, the event loop's, pytest's, pluggy's: what lies between the user's lines.
_FOREIGN = (
    _OURS,
    sysconfig.get_path("purelib"),
    sysconfig.get_path("platlib"),
    sysconfig.get_path("stdlib"),
    "uvloop/",  # compiled: its frames carry a relative path
)


def users_traceback(info: pytest.ExceptionInfo[BaseException]) -> Any:
    """The frames from the user's first to the last, without ours; all if none is the user's."""
    entries = list(info.traceback)
    first = next((n for n, entry in enumerate(entries) if not str(entry.path).startswith(_FOREIGN)), None)
    if first is None:
        return info.traceback
    below = type(info.traceback)(entries[first:])
    return below.filter(lambda entry: not str(entry.path).startswith(_OURS)) or below


def below_ours(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first frame on; all of it if none is the user's."""
    below = traceback
    while below is not None and below.tb_frame.f_code.co_filename.startswith(_FOREIGN):
        below = below.tb_next
    return below or traceback


def without_ours_below(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback up to the user's last frame; nothing of it if none is the user's."""
    last, each = None, traceback
    while each is not None:
        if not each.tb_frame.f_code.co_filename.startswith(_FOREIGN):
            last = each
        each = each.tb_next
    if last is None:
        return None
    last.tb_next = None
    return traceback


def place_of(traceback: TracebackType | None) -> str:
    """``file:line`` of the innermost frame that is the user's; of the outermost if none is."""
    place = ""
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if not filename.startswith(_FOREIGN) or not place:
            place = f"{filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def short_traceback(error: BaseException) -> str:
    """pytest's short traceback. The long one shows every argument, and a token is an argument."""
    info = pytest.ExceptionInfo.from_exception(error)
    info.traceback = users_traceback(info)
    representation = info.getrepr(style="short", chain=any(map(_is_users, _causes_of(error))))
    return "\n".join(_redacted(str(representation).splitlines(), redact, redact_source))


def _is_users(error: BaseException) -> bool:
    """Whether it came through the user's code: what a library caught and said better did not."""
    frames = walk_tb(error.__traceback__)
    return any(not frame.f_code.co_filename.startswith(_FOREIGN) for frame, _ in frames)


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    """What led to it, the nearest first."""
    seen = {id(error)}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


Redact = Callable[[str], str]


def redact_representation(
    representation: Any, redact: Redact = redact, redact_source: Redact = redact_source
) -> None:
    """Take the secrets out of what pytest is about to show or to send to another process."""
    for reprtraceback, crash, _ in getattr(representation, "chain", ()):
        if crash is not None:
            crash.message = redact(crash.message)
        for entry in reprtraceback.reprentries:
            entry.lines[:] = _redacted(entry.lines, redact, redact_source)
            if arguments := getattr(entry, "reprfuncargs", None):
                arguments.args = [
                    (name, _redact_value(name, value, redact)) for name, value in arguments.args
                ]
            if variables := getattr(entry, "reprlocals", None):
                variables.lines[:] = [redact(line) for line in variables.lines]


def _redacted(lines: Iterable[str], redact: Redact, redact_source: Redact) -> list[str]:
    """Lines of programs one by one; what is said between them as a whole: a secret may have several lines."""
    shown: list[str] = []
    for is_source, run in groupby(lines, _is_source):
        if is_source:
            shown += map(redact_source, run)
        else:
            shown += redact("\n".join(run)).split("\n")
    return shown


def _is_source(line: str) -> bool:
    """pytest indents the lines of programs, or marks the one that raised."""
    return line.startswith(("    ", ">   "))


def _redact_value(name: str, value: str, redact: Redact) -> str:
    """The name may be what tells that the value is a secret."""
    return redact(f"{name} = {value}").removeprefix(f"{name} = ")
