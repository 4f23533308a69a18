"""``--load-export``: what running loads measure, sent to monitoring systems once a second and at their end.

Owns when a look is taken, and that nothing which goes wrong here ends or slows a load: looks are taken in
short turns on the load's loop, everything else happens in the exporters' own threads, and failures are told
at the end.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.plugin import options
from pytest_loadtest.plugin.item import session_plan_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_loadtest.engine.runner import LoadRun
    from pytest_loadtest.export.points import Batch, Point
    from pytest_loadtest.export.sender import Sender
    from pytest_loadtest.plugin.job import LoadJob
    from pytest_loadtest.results.result import LoadResult
    from pytest_loadtest.results.run import Run

LOOK_EVERY_S = 1.0  # metrics are counted once a second
# How long a look keeps the loop before users have a turn.
LONGEST_TURN_NS = 500_000
# A look takes 0.15 to 0.25 ms for each request name. With many names looks are rarer: the loop is never
# busy with them for more than 2 % of its time.
REST_PER_LOOK = 50
# What the session waits in the end for exports that are under way. Who does not answer by then does not
# matter.
CLOSE_WITHIN_S = 5.0
WORKER_NOTES = "load_export_notes"  # in a worker's output


class Exporting:
    """One per process that runs loads. Exporters begin with the first load, and end with the session."""

    option = "--load-export"

    def __init__(self, config: pytest.Config, senders: list[Sender]) -> None:
        self._config = config
        self._senders = senders
        self._loads: dict[LoadRun, LoadExport] = {}
        self._is_open = self._is_closed = False
        self._problem = ""

    def follow(self, job: LoadJob, run: LoadRun) -> LoadExport:
        """The export of a load; begins with the first call for it."""
        if not self._is_open:
            self._is_open = True
            for sender in self._senders:
                sender.start()
        if run not in self._loads:
            self._loads[run] = LoadExport(self._senders, _labels_of(job), run)
        return self._loads[run]

    def end(self, job: LoadJob, run: LoadRun, result: LoadResult | None) -> None:
        """The load is over and judged."""
        self.follow(job, run).finish(result)
        del self._loads[run]

    def fail(self, error: Exception) -> None:
        """Taking a look went wrong. It is told at the end; the load goes on without."""
        self._problem = f"--load-export: {type(error).__name__}: {redact(str(error))}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Let what is under way arrive, and tell the controller what did not."""
        self._close()
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[WORKER_NOTES] = self._notes()

    def pytest_unconfigure(self) -> None:
        """Also of a session that could not finish."""
        self._close()

    def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        until_s = time.monotonic() + CLOSE_WITHIN_S
        for sender in self._senders:
            sender.finish()
        for sender in self._senders:  # they share the time
            sender.wait(until_s)

    def _notes(self) -> list[str]:
        notes = (self._problem, *(sender.note for sender in self._senders))
        return [note for note in notes if note]

    # -- an output of the session -------------------------------------------------------------------

    def update(self, run: Run) -> None:
        """Loads are exported while they run."""

    def finish(self, run: Run) -> None:
        """And are closed already."""

    def note(self, run: Run) -> str | None:  # noqa: ARG002 - it is the same of every run
        """What failed."""
        return "\n".join(self._notes()) or None


class WorkersNotes:
    """On the controller of xdist: what failed on the workers, which do the exporting."""

    option = "--load-export"

    def __init__(self) -> None:
        self._notes: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has finished, or has crashed and has nothing to say."""
        notes = getattr(node, "workeroutput", {}).get(WORKER_NOTES, [])
        self._notes += [f"{node.gateway.id}: {note}" for note in notes]

    def update(self, run: Run) -> None:
        """The workers export."""

    def finish(self, run: Run) -> None:
        """And close."""

    def note(self, run: Run) -> str | None:  # noqa: ARG002 - it is the same of every run
        """What failed, and on which worker."""
        return "\n".join(self._notes) or None


class LoadExport:
    """One load: looks while it runs, and the last one with the verdict."""

    def __init__(self, senders: Iterable[Sender], common: tuple[str, ...], run: LoadRun) -> None:
        from pytest_loadtest.export.growth import Growth

        self._senders = list(senders)
        self._common = common
        self._run = run
        self._growth = Growth(open_model=run.shape.has_schedule)
        self._began_ns = self._since_ns = time.time_ns() - run.elapsed_ns

    async def look(self) -> float:
        """What has come since the last look. Cancelled in between, it sends what it has seen.

        Returns for how many seconds it has kept the loop.
        """
        run, seen, busy_ns = self._run, [], 0
        turn_ns = time.perf_counter_ns()
        run.recorder.flush()  # else what was counted a second ago is exported, or two seconds at once
        try:
            for point in self._points(vus=run.active, queued=run.queued):
                seen.append(point)
                if (took_ns := time.perf_counter_ns() - turn_ns) > LONGEST_TURN_NS:
                    busy_ns += took_ns
                    await asyncio.sleep(0)
                    turn_ns = time.perf_counter_ns()
        finally:
            self._send(seen)
        return (busy_ns + time.perf_counter_ns() - turn_ns) / NS_PER_S

    def finish(self, result: LoadResult | None) -> None:
        """What came after the last look, and how it ended. Nobody is active any more."""
        self._send([*self._points(vus=0, queued=0), *_verdict(result)], last=True)

    def _points(self, *, vus: int, queued: int) -> Iterator[Point]:
        metrics = self._run.recorder.metrics
        return self._growth.points(metrics, vus=vus, vus_max=self._run.shape.vus, queued=queued)

    def _send(self, points: Iterable[Point], *, last: bool = False) -> None:
        batch = self._batch(points, last=last)
        for sender in self._senders:
            sender.put(batch)

    def _batch(self, points: Iterable[Point], *, last: bool) -> Batch:
        from pytest_loadtest.export.points import Batch

        since_ns, self._since_ns = self._since_ns, max(time.time_ns(), self._since_ns + 1)
        return Batch(self._common, self._began_ns, since_ns, self._since_ns, tuple(points), last)


def _verdict(result: LoadResult | None) -> Iterator[Point]:
    from pytest_loadtest.export import names
    from pytest_loadtest.export.points import Level

    if result is not None:
        yield Level(names.PASSED, (result.state,), int(result.has_passed))
        yield Level(names.GENERATOR, (result.generator.state,), 1)


def _labels_of(job: LoadJob) -> tuple[str, ...]:
    from pytest_loadtest.export.growth import plain_label

    session = job.item.config.stash[session_plan_key]
    return session.run_id, session.environment.name, plain_label(job.title)


exporting_key = pytest.StashKey[Exporting]()


def outputs_of(config: pytest.Config) -> list[Any]:
    """The exporters that the options ask for, as one output. Raises ConfigurationError."""
    texts = options.values_of(config, "export")
    if not texts:
        return []
    from pytest_loadtest.export.spec import parse_spec

    specs = [parse_spec(text) for text in texts]
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        notes = WorkersNotes()
        config.pluginmanager.register(notes, "loadtest-exporting")
        return [notes]
    from pytest_loadtest.export.exporter import make_exporter
    from pytest_loadtest.export.sender import Sender

    offset = _worker_number(config)
    exporting = Exporting(
        config, [Sender(make_exporter(spec, port_offset=offset), str(spec)) for spec in specs]
    )
    config.stash[exporting_key] = exporting
    config.pluginmanager.register(exporting, "loadtest-exporting")
    return [exporting]


def _worker_number(config: pytest.Config) -> int:
    """0 without xdist, and for its first worker, which is gw0."""
    name: str = getattr(config, "workerinput", {}).get("workerid", "")
    digits = name.removeprefix("gw")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


async def beside(job: LoadJob, run: LoadRun) -> None:
    """Look once a second until cancelled. It raises nothing: a load goes on without it, too."""
    exporting = job.item.config.stash.get(exporting_key, None)
    if exporting is None:
        return
    try:
        load, busy_s = exporting.follow(job, run), 0.0
        while True:
            await asyncio.sleep(max(LOOK_EVERY_S, busy_s * REST_PER_LOOK))
            busy_s = await load.look()
    except Exception as error:
        exporting.fail(error)


def end(job: LoadJob, run: LoadRun, result: LoadResult | None) -> None:
    """The load is over; without a result the test decided not to be run. It raises nothing, too."""
    exporting = job.item.config.stash.get(exporting_key, None)
    if exporting is None:
        return
    try:
        exporting.end(job, run, result)
    except Exception as error:
        exporting.fail(error)
