"""--load-samples: every request of every load into a file, while the load goes on.

Full buffers of the recorder go to a spool as they are; a process of its own, which takes what the load leaves
of the machine, makes lines of them. Owns that process. Its failure breaks no load: it is told at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import pytest_loadtest
from pytest_loadtest.core.redaction import redact_declared
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin import options
from pytest_loadtest.plugin.beginning import began_at
from pytest_loadtest.results.paths import check_path, path_of
from pytest_loadtest.results.sample_rows import FORMATS
from pytest_loadtest.results.samples import GZIP, LOAD, NAME, REQUESTS, format_of
from pytest_loadtest.results.spool import SpoolWriter

_sampling_key = pytest.StashKey["Sampling | None"]()
_OUTPUT = "load_samples"  # of a worker: what became of its file
_WAKE_UP = b"."
_DEAD = "the process that writes it has died"


class Sampling:
    """The file of samples of one process: the session's, or that of a worker of xdist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0  # requests; known when it is closed
        self.problem = ""
        self._spool: SpoolWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None  # of the spool

    def open(self) -> None:
        """Start what writes the file, before any load: it takes some ms."""
        if self._process is None and not self.problem:
            with self._noting_problems():
                self._start()

    @property
    def outcome(self) -> list[dict[str, Any]]:
        """What became of the file; nothing if no load has begun."""
        if self._folder is None and not self.problem:
            return []
        return [{"path": str(self.path), "written": self.written, "problem": self.problem}]

    def begin(self, test: str, origin_ns: int) -> None:
        """A load begins; `origin_ns` is its time 0 on the clock of its requests."""
        since_ns = time.perf_counter_ns() - origin_ns
        load = {"test": test, "origin_ns": origin_ns, "epoch_ns": time.time_ns() - since_ns}
        self.write(LOAD, json.dumps(load).encode())

    def write(self, kind: int, content: bytes | bytearray) -> None:
        """Put a frame into the spool, and tell that it is there."""
        if self.problem or self._spool is None or self._process is None:
            return
        with self._noting_problems():
            self._spool.write(kind, content)
            _wake(self._process)

    def close(self) -> None:
        """Wait until everything stands in the file."""
        process, self._process = self._process, None
        if process is None:
            return
        assert self._spool is not None
        with self._noting_problems():
            self._spool.close()
        with self._noting_problems():
            _wake(process)  # the end of its input may not come: who was forked from us has the pipe, too
        out, _ = process.communicate()
        if self._folder is not None:  # if it has died, it is still there
            shutil.rmtree(self._folder, ignore_errors=True)
        told: dict[str, Any] = json.loads(out) if out else {"problem": _DEAD}
        self.written = told.get("written", 0)
        self.problem = told.get("problem") or self.problem

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self.problem = _DEAD
        except OSError as error:
            self.problem = error.strerror or str(error)

    def _start(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the file, where there must be room; a folder for temporary files may be the machine's memory.
        self._folder = folder = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        try:
            self._process = self._started(folder)
        except OSError:
            if self._spool is not None:
                self._spool.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _started(self, folder: Path) -> subprocess.Popen[bytes]:
        """The process, which owns the folder from then on."""
        self._spool = SpoolWriter(folder)  # before who reads it
        package = Path(pytest_loadtest.__path__[0]).parent
        inherited = os.environ.get("PYTHONPATH")
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "pytest_loadtest.results.samples", str(folder), str(self.path)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(package), inherited)))},
            # Ctrl-C is for us: what was measured is still to be written. In a session of its own, Linux would
            # give it as much of the CPU as the load has, whatever its priority (see autogroup in sched(7)).
            process_group=0,
        )
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        return process

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """On a worker: the controller shows what became of the file."""
        self.close()
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.outcome

    def pytest_unconfigure(self) -> None:
        """A session that never began has no finish."""
        self.close()


def _wake(process: subprocess.Popen[bytes]) -> None:
    """Tell that there is more to read."""
    assert process.stdin is not None
    with suppress(BlockingIOError):  # it has been told often enough
        os.write(process.stdin.fileno(), _WAKE_UP)


class LoadSamples:
    """The requests of one load, on their way to the file: a `RequestSink`."""

    def __init__(self, sampling: Sampling, test: str) -> None:
        self._sampling = sampling
        self._test = test

    def start(self, origin_ns: int) -> None:
        """Time 0 of the load."""
        self._sampling.begin(self._test, origin_ns)

    def name(self, name: str) -> None:
        """Of the next number; the recorder has taken secrets out."""
        self._sampling.write(NAME, name.encode("utf-8", "surrogatepass"))

    def requests(self, packed: bytes | bytearray) -> None:
        """A full buffer, or what a second has brought."""
        self._sampling.write(REQUESTS, packed)


class SamplesOutput:
    """At the end of the session: how many requests stand where. Under xdist the workers' files are told."""

    option = "--load-samples"

    def __init__(self, config: pytest.Config) -> None:
        self._sampling = None
        self._told: list[dict[str, Any]] = []
        if config.getoption("dist", "no") == "no":
            self._sampling = _sampling_of(config)
        else:
            config.pluginmanager.register(self, "loadtest-samples-output")

    def update(self, run: object) -> None:
        """The requests stand in the spool already."""

    def finish(self, run: object) -> None:  # noqa: ARG002 - outputs are told of the run
        """Raises OSError if requests are missing."""
        if (sampling := self._sampling) is not None:
            sampling.close()
            self._told = sampling.outcome
        for each in self._told:
            if each["problem"]:
                raise OSError(f"requests are missing in {each['path']}: {each['problem']}")

    def note(self, run: object) -> str | None:  # noqa: ARG002 - outputs are told of the run
        """What stands where."""
        return "; ".join(f"{each['written']:,} requests in {each['path']}" for each in self._told) or None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker tells what became of its file."""
        self._told += getattr(node, "workeroutput", {}).get(_OUTPUT, [])


def sink_of(config: pytest.Config, title: str) -> LoadSamples | None:
    """Where the recorder of a load puts its requests; None where nobody wants them."""
    sampling = _sampling_of(config)
    if sampling is None:
        return None
    sampling.open()
    return LoadSamples(sampling, redact_declared(title))


def samples_output(config: pytest.Config) -> SamplesOutput | None:
    """What tells of the samples, if they are asked for. Raises ConfigurationError."""
    if _checked_path(config) is None:
        return None
    return SamplesOutput(config)


def _sampling_of(config: pytest.Config) -> Sampling | None:
    """The process's; it is closed with the session. None if nobody asks for samples."""
    if _sampling_key not in config.stash:
        path = _checked_path(config)
        sampling = None if path is None else Sampling(path)
        config.stash[_sampling_key] = sampling
        if sampling is not None:
            config.pluginmanager.register(sampling, "loadtest-sampling")
    return config.stash[_sampling_key]


def _checked_path(config: pytest.Config) -> Path | None:
    """The file of this process. Raises ConfigurationError."""
    template, source = options.value_and_source(config, "samples")
    if not template:
        return None
    check_path(template, source, is_replaced=False)
    path = path_of(template, began_at(config))
    if format_of(path) is None:
        known = ", ".join(FORMATS)
        raise ConfigurationError(
            f"{source}: {template!r} ends in none of {known}, nor in one of them and {GZIP}"
        )
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    return _with_worker(path, worker) if worker else path


def _with_worker(path: Path, worker: str) -> Path:
    """``samples.jsonl.gz`` -> ``samples.gw0.jsonl.gz``: two processes cannot write one file."""
    kept = "".join(path.suffixes[-2:] if path.suffix.lower() == GZIP else path.suffixes[-1:])
    return path.with_name(f"{path.name.removesuffix(kept)}.{worker}{kept}")
