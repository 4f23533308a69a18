"""Reads a running load for its display. Owns how often each figure is read, so that none disturbs the load.

With ten names and eight budgets a look takes 3 ms in pieces of at most 0.7 ms, once a second; between
them whatever waits on the load's event loop has its turn.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from dataclasses import replace
from time import perf_counter_ns

from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.metrics import Metrics, merged_latency
from pytest_loadtest.core.shape import slices_of
from pytest_loadtest.core.so_far import BudgetSoFar, SoFar, Spans
from pytest_loadtest.core.units import NS_PER_MS, NS_PER_S
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.plugin.job import LoadJob
from pytest_loadtest.plugin.measuring import iterations_asked, judged_spans, measurement_of
from pytest_loadtest.report.live_block import SECONDS_SHOWN
from pytest_loadtest.report.progress import Snapshot

# A budget that takes longer to be read rests so many times as long: at most a thousandth of the requests may
# be late for it, which no p99 shows. A window of a minute takes 10 ms.
LONG_LOOK_NS = NS_PER_MS
REST = 1000
WHOLE_RUN: Spans = ((0, sys.maxsize),)


class Meter:
    """One per load that somebody watches."""

    def __init__(self, job: LoadJob, run: LoadRun) -> None:
        self._job = job
        self._run = run
        self._so_far = SoFar(job.plan.budgets)
        self._budgets: dict[Budget, BudgetSoFar] = {}
        self._due_ns: dict[Budget, int] = {}
        self._recent: deque[int] = deque(maxlen=SECONDS_SHOWN)
        self._seconds = 0  # counted into `_recent`
        self._counted_ns = 0
        self._measured = Snapshot(job.name)  # the figures of the last second

    async def look(self) -> Snapshot:
        """How far the load is now, with what was measured until the last second."""
        recorder = self._run.recorder
        if recorder.counted_ns != self._counted_ns:
            self._counted_ns = recorder.counted_ns
            await self._read(recorder.metrics)
        shape = self._run.shape
        return replace(
            self._measured,
            elapsed_ns=self._run.elapsed_ns,
            total_ns=shape.duration_ns,
            counted_ns=self._counted_ns,
            vus=self._run.active,
            queued=self._run.queued,
            iterations_asked=iterations_asked(shape),
            recent=tuple(self._recent),
            budgets=tuple(self._budgets.values()),
        )

    async def _read(self, metrics: Metrics) -> None:
        """As of the last second: counting more often would disturb what is measured."""
        series = list(metrics.requests.values())
        self._count_seconds(metrics)
        counted = Snapshot(
            self._job.name,
            iterations=metrics.iterations.finished.total(),
            requests=sum(each.total.total() for each in series),
            failed_requests=sum(each.failed.total() for each in series),
            failed_iterations=metrics.iterations.failed.total(),
        )
        await asyncio.sleep(0)
        self._measured = counted.with_latencies(merged_latency(each.service for each in series))
        run = measurement_of(self._job.plan.load, self._run.shape, metrics, self._counted_ns)
        for budget in self._so_far.budgets:
            await asyncio.sleep(0)
            self._read_budget(budget, run)

    def _count_seconds(self, metrics: Metrics) -> None:
        """What was answered in the seconds that are over since."""
        per_second = NS_PER_S // metrics.slice_ns
        for second in range(self._seconds, self._counted_ns // NS_PER_S):
            slices = range(second * per_second, (second + 1) * per_second)
            series = metrics.requests.values()
            self._recent.append(sum(each.finished[index] for each in series for index in slices))
        self._seconds = self._counted_ns // NS_PER_S

    def _read_budget(self, budget: Budget, run: Measurement) -> None:
        began_ns = perf_counter_ns()
        if began_ns < self._due_ns.get(budget, 0):
            return
        self._budgets[budget] = self._so_far.read(budget, run, self._counted_ns, self._spans(run.metrics))
        took_ns = perf_counter_ns() - began_ns
        if took_ns > LONG_LOOK_NS:
            self._due_ns[budget] = began_ns + took_ns * REST

    def _spans(self, metrics: Metrics) -> Spans:
        """What explicit budgets judge, as planned by now."""
        plan, shape = self._job.plan.load, self._run.shape
        spans = judged_spans(plan, shape, shape.duration_ns)
        if iterations_asked(shape) or not slices_of(spans, metrics.slice_ns):
            return WHOLE_RUN
        return spans
