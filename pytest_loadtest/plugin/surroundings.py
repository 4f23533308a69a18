"""What a session runs on and with: the machine, the versions, the commit, the options given.

It looks and never fails: what nobody can say is left empty. What is said holds no secrets.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.plugin import options
from pytest_loadtest.results.run import Commit, Machine

if TYPE_CHECKING:
    import pytest

# What decides how load is made; the others of an environment are for its own lock file.
_PACKAGES = (
    "pytest-loadtest",
    "pytest",
    "pytest-xdist",
    "httptools",
    "httpx",
    "numpy",
    "scipy",
    "uvloop",
    "greenlet",
    "websockets",
)
# For looking at all files of a large repository; the session waits for it.
_GIT_S = 2.0
_CPU_INFO = Path("/proc/cpuinfo")
_DETACHED = "(detached)"


def this_machine() -> Machine:
    """The machine of this process."""
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        memory_bytes=_memory_bytes(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
    )


def _cpu_model() -> str:
    """As the kernel of Linux names it; empty elsewhere, and on machines that have no name for it."""
    try:
        lines = _CPU_INFO.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "")


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def versions() -> dict[str, str]:
    """The installed packages that decide how load is made."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit_of(folder: Path) -> Commit | None:
    """What is checked out in the repository that the folder is in; None without git or a repository."""
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--no-renames")
    if status is None:
        sha = (_git(folder, "rev-parse", "--verify", "HEAD") or "").strip()
        return Commit(sha) if sha else None
    lines = status.splitlines()
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    sha, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    if not sha.isalnum():  # "(initial)": nothing is committed yet
        return None
    is_dirty = any(not line.startswith("#") for line in lines)
    return Commit(sha, "" if branch == _DETACHED else redact(branch), is_dirty)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None if it fails, is not there, or takes too long."""
    try:
        finished = subprocess.run(
            ("git", *arguments),
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # looking is to leave the repository as it is
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.decode("utf-8", "replace")


def given_options(config: pytest.Config) -> dict[str, str]:
    """The options with a value, from wherever it comes, as on a command line. Raises ConfigurationError."""
    given = {}
    for option in options.OPTIONS:
        if option.flag:
            value = "true" if options.is_set(config, option.name) else ""
        elif option.repeatable:
            value = ", ".join(options.values_of(config, option.name))
        else:
            value = options.value_of(config, option.name) or ""
        if value:
            given[option.flag_text] = redact(value)
    return given
