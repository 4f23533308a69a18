"""The generators that are measured, as a table: what each needs, its command, and where its own report is.

A further row is an entry here and a script in load_scripts/. Must not start anything.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import reports
from benchmarks.measurement import OwnReport
from benchmarks.requirements import BARE, BASELINE, OURS, OURS_HTTPX
from benchmarks.workloads import GZIP, PLAIN, TARGET_PATH, TARGET_QUERY, TLS

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPTS = REPOSITORY / "benchmarks" / "load_scripts"
BIN = Path(sys.executable).parent  # console scripts of this environment, whether or not it is activated
K9_SUMMARY = "k9.json"
LOCUST_STATISTICS = "locust"  # Locust adds .json
ALL = frozenset({PLAIN, TLS, GZIP})
NOT_DECODING = ALL - {GZIP}  # a row of that workload must decompress and parse what it gets


@dataclass(frozen=True)
class Run:
    """One run's parameters."""

    origin: str
    vus: int
    seconds: int
    folder: Path  # for what the generator writes

    @property
    def url(self) -> str:
        return f"{self.origin}{TARGET_PATH}?{TARGET_QUERY}"


@dataclass(frozen=True)
class Need:
    """A command or module a generator cannot run without."""

    what: str
    is_module: bool
    install: str

    def is_there(self) -> bool:
        if self.is_module:
            return importlib.util.find_spec(self.what) is not None
        return shutil.which(self.what, path=f"{BIN}:/usr/sbin:/usr/bin:/bin:/usr/local/bin") is not None


def _command(name: str, install: str) -> Need:
    return Need(name, is_module=False, install=install)


def _module(name: str, install: str | None = None) -> Need:
    return Need(name, is_module=True, install=install or f"pip install {name}")


@dataclass(frozen=True)
class Generator:
    name: str
    how: str  # one line: how it is run, for readers of the table
    needs: tuple[Need, ...]
    command: Callable[[Run], list[str]]
    own_report: Callable[[Run, str], OwnReport | None]  # of its standard output or what it wrote
    workloads: frozenset[str] = ALL
    checkout: Path = REPOSITORY  # whose pytest_loadtest it imports

    def missing(self) -> str:
        """What to install; empty when nothing is missing."""
        return "; ".join(f"not installed: {need.install}" for need in self.needs if not need.is_there())


def pytest_command(script: str, *options: str) -> list[str]:
    """A load test file of load_scripts/ under pytest: that folder's settings, not the peers' plugins."""
    return [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:k9", "-p", "no:locust"),
        *("-c", str(SCRIPTS / "pyproject.toml"), "--rootdir", str(SCRIPTS), "--load-env=BENCH"),
        *(*options, str(SCRIPTS / script)),
    ]


def _loop(module: str, *arguments: str) -> Callable[[Run], list[str]]:
    return lambda _run: [sys.executable, "-m", f"benchmarks.load_scripts.{module}", *arguments]


def _k9(run: Run) -> list[str]:
    load = ["--vus", str(run.vus), "--duration", f"{run.seconds}s", "--quiet", "--insecure-skip-tls-verify"]
    export = ["--summary-export", str(run.folder / K9_SUMMARY)]
    return [str(BIN / "k9"), "run", str(SCRIPTS / "k9_script.py"), *load, *export]


def _locust(run: Run) -> list[str]:
    load = ["--users", str(run.vus), "--spawn-rate", str(run.vus), "--run-time", f"{run.seconds}s"]
    export = ["--only-summary", "--json-file", str(run.folder / LOCUST_STATISTICS)]
    script = ["-f", str(SCRIPTS / "locustfile.py"), "--host", run.origin]
    return [str(BIN / "locust"), "--headless", *script, *load, *export]


def _loop_report(_run: Run, output: str) -> OwnReport:
    return reports.read_loop(output)


def _ours(name: str, script: str, how: str, checkout: Path = REPOSITORY) -> Generator:
    """A load test under pytest. Not optional: where it cannot run, the row fails with pytest's own words.

    It is judged by the server's count alone; what is read of its output is which package it imported."""

    def command(run: Run) -> list[str]:
        return pytest_command(script, f"--load-vus={run.vus}", f"--load-duration={run.seconds}s")

    def check_package(_run: Run, output: str) -> None:
        reports.check_package(output, checkout)

    return Generator(name, how, (), command, check_package, checkout=checkout)


def baseline(checkout: Path) -> Generator:
    """Our first row with the package of another checkout; the load test and its settings are the same."""
    return _ours(BASELINE, "browse.py", "the first row with the package of an earlier commit", checkout)


GENERATORS = (
    _ours(OURS, "browse.py", "a marked test under pytest (load_scripts/browse.py)"),
    _ours(
        OURS_HTTPX,
        "browse_httpx_client.py",
        "the same with the fixture `httpx_client`: a real `httpx.AsyncClient` per VU on our connections",
    ),
    Generator(
        BARE,
        "a hand-written loop on httptools and uvloop, nothing but the iteration: the machine's speed",
        (),
        _loop("bare_loop"),
        _loop_report,
        frozenset({PLAIN}),  # it knows no TLS and no encodings
    ),
    Generator(
        "locust",
        "FastHttpUser, headless, no wait time, one process",
        (_command("locust", "pip install locust"),),
        _locust,
        lambda run, _output: reports.read_locust((run.folder / f"{LOCUST_STATISTICS}.json").read_text()),
    ),
    Generator(
        "k9",
        "k9-load, `k9 run` with `async def default()`, one process",
        (_command("k9", "pip install k9-load"),),
        _k9,
        lambda run, _output: reports.read_k9((run.folder / K9_SUMMARY).read_text()),
    ),
    Generator(
        "aiohttp",
        "64 tasks on one ClientSession, uvloop",
        (_module("aiohttp"),),
        _loop("aiohttp_loop"),
        _loop_report,
    ),
    Generator(
        "httpx",
        "64 tasks on one AsyncClient, uvloop",
        # httpcore tries to import sniffio on every request; where it is missing that alone costs a quarter.
        (_module("httpx"), _module("sniffio")),
        _loop("httpx_loop"),
        _loop_report,
    ),
    Generator(
        "httpx-per-vu",
        "64 tasks with an AsyncClient each, uvloop",
        (_module("httpx"), _module("sniffio")),
        _loop("httpx_loop", "per-vu"),
        _loop_report,
    ),
    Generator(
        "wrk",
        "one thread, 64 connections; looks at nothing: a limit",
        (_command("wrk", "apt-get install wrk"),),
        lambda run: ["wrk", "-t1", f"-c{run.vus}", f"-d{run.seconds}s", run.url],
        lambda _run, output: reports.read_wrk(output),
        NOT_DECODING,
    ),
    Generator(
        "hey",
        "64 workers; looks at nothing but the status: a limit",
        (_command("hey", "apt-get install hey"),),
        lambda run: ["hey", "-z", f"{run.seconds}s", "-c", str(run.vus), run.url],
        lambda _run, output: reports.read_hey(output),
        NOT_DECODING,
    ),
)
