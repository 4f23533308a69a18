"""Measures the generator itself while a load runs: CPU, run queue, how late the event loop reads.

Owns the probes and their ends; what the figures mean is the core's affair (`validity`). Some 40 callbacks and
10 wake-ups of a thread a second cost 0.5 % of the throughput: fifty times as many raised the CPU time of a
request by 24 % (60 pairs of 0.3 s with and without, in turn), these by 0.6 % (160 pairs, +-1 %).
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter_ns

from pytest_loadtest.core.generator import GeneratorSecond
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.blocking import BLOCKED_NS, BlockWatch
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.timerfd import TimerFd, open_timer

# A look at the read delay every so often, at random: 40 a second, in no step with what the load does.
SHORTEST_GAP_NS, LONGEST_GAP_NS = 10_000_000, 40_000_000
# What a loop's own timers, which tick in ms, are late by themselves.
LOOP_TIMER_NS = 1_000_000
# Ticks come a little late, and not always equally: a second is what is nearly one.
NEARLY_A_SECOND_NS = NS_PER_S * 19 // 20
SHORTEST_REST_NS = NS_PER_S // 2


class GeneratorProbe:
    """The probes of one load: `begin` when it begins, `tick` at least once a second, `end` in any case.

    All of it on the loop's thread. Randomness is for when to look, never for what users do.
    """

    def __init__(self, cpu_ns: Callable[[], int] = time.thread_time_ns) -> None:
        self._cpu_ns = cpu_ns
        self._reads: _ReadDelay | None = None
        self._watch: BlockWatch | None = None

    def begin(self, clock: LoadClock, recorder: Recorder) -> None:
        """Start to measure."""
        self._clock = clock
        self._series = recorder.metrics.generator
        self._run_queue = _RunQueue()
        self._mark()
        reads = _ReadDelay(clock.now, recorder.read_late, self._run_queue)
        reads.start()
        self._reads = reads
        if clock.now is perf_counter_ns:  # another thread must not look at a loop's made-up time
            watch = BlockWatch(lambda: reads.due_ns)
            watch.start()
            self._watch, reads.when_late = watch, watch.moved_on

    def tick(self) -> None:
        """A second may be over."""
        if self._clock.elapsed_ns() - self._begins_ns >= NEARLY_A_SECOND_NS:
            self._count_second()

    def end(self) -> None:
        """Stop to measure, leave nothing running. May come twice, and without a beginning."""
        if self._reads is None:
            return
        self._reads.stop()
        self._reads = None
        if self._clock.elapsed_ns() - self._begins_ns >= SHORTEST_REST_NS:
            self._count_second()
        self._run_queue.close()
        if self._watch is not None:
            self._watch.stop()
            self._series.count_blocked(self._watch.places())

    def _mark(self) -> None:
        self._begins_ns = self._clock.elapsed_ns()
        self._cpu_then_ns = self._cpu_ns()
        self._waited_then_ns = self._run_queue.waited_ns()

    def _count_second(self) -> None:
        begins_ns, cpu_ns, waited_ns = self._begins_ns, self._cpu_then_ns, self._waited_then_ns
        self._mark()
        waited = None
        if self._waited_then_ns is not None and waited_ns is not None:
            waited = self._waited_then_ns - waited_ns
        second = GeneratorSecond(begins_ns, self._begins_ns - begins_ns, self._cpu_then_ns - cpu_ns, waited)
        self._series.seconds.append(second)


class _ReadDelay:
    """How late the loop reads, at random moments: a timer's expiry is the kernel's, the reading is ours.

    A moment that comes while the loop does not move counts with its whole delay, so a long block weighs as
    much as the answers that would have come in it.
    """

    def __init__(
        self, now: Callable[[], int], record: Callable[[int, int], None], run_queue: _RunQueue
    ) -> None:
        self._now = now
        self._record = record
        self._run_queue = run_queue
        self._waited_ns = 0  # for a CPU, until the last look
        self._random = random.Random().randint
        self._timer: TimerFd | None = None
        self._handle: asyncio.TimerHandle | None = None
        self.due_ns = 0  # by when the loop is to move next
        # Told of blocks: since when, how long, and how much of that it waited for a CPU.
        self.when_late: Callable[[int, int, int], None] | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer = open_timer(self._now)
        if self._timer is not None:
            self._loop.add_reader(self._timer.fileno(), self._look)
        self.due_ns = self._now()
        self._waited_ns = self._run_queue.waited_ns() or 0
        self._set_next()
        self._arm()

    def stop(self) -> None:
        self._count(self._now())
        if self._timer is not None:
            self._loop.remove_reader(self._timer.fileno())
            self._timer.close()
        if self._handle is not None:
            self._handle.cancel()

    def _look(self) -> None:
        self._count(self._now())
        self._arm()

    def _count(self, now_ns: int) -> None:
        """What was due until now has been read now."""
        waited_then_ns, self._waited_ns = self._waited_ns, self._run_queue.waited_ns() or 0
        if self.when_late is not None and now_ns - self.due_ns >= BLOCKED_NS:
            self.when_late(self.due_ns, now_ns - self.due_ns, self._waited_ns - waited_then_ns)
        while self.due_ns <= now_ns:
            self._record(self.due_ns, self._beyond_timer(now_ns - self.due_ns))
            self._set_next()

    def _set_next(self) -> None:
        self.due_ns += self._random(SHORTEST_GAP_NS, LONGEST_GAP_NS)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.arm(self.due_ns)
        else:
            self._handle = self._loop.call_later((self.due_ns - self._now()) / NS_PER_S, self._look)

    def _beyond_timer(self, late_ns: int) -> int:
        return late_ns if self._timer is not None else max(0, late_ns - LOOP_TIMER_NS)


class _RunQueue:
    """How long this thread has waited for a CPU while it had work. Only Linux tells."""

    def __init__(self) -> None:
        self._fd = -1
        with suppress(OSError):
            path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def waited_ns(self) -> int | None:
        """In all its life; None where nobody tells."""
        if self._fd < 0:
            return None
        try:
            return int(os.pread(self._fd, 128, 0).split()[1])  # on CPU, waiting, number of turns
        except (OSError, ValueError, IndexError):
            return None

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
