"""Failures on purpose: answers that are late or wrong, and a process that stands still.

Late and wrong are the answers under ``/api/`` alone: a load test that cannot sign in measures nothing. A
freeze is the whole process's, as that of a garbage collector or of a machine without memory.
"""

from __future__ import annotations

import asyncio
import time
from random import Random

from starlette.types import ASGIApp, Receive, Scope, Send

from .responses import json_response
from .settings import Faults

AFFECTED = "/api/"
SEED = 20250102  # the same answers are wrong at each start, as far as requests come in the same order
ERRORS = ((500, "Internal Server Error"), (503, "Service Unavailable"))


class FaultyAnswers:
    """ASGI middleware: delays answers, and gives an error instead of some."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults
        self._random = Random(SEED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if scope["type"] == "http" and scope["path"].startswith(AFFECTED):
            if self._faults.latency_s:
                await asyncio.sleep(self._faults.latency_s)
            if self._random.random() < self._faults.error_rate:
                status, detail = self._random.choice(ERRORS)
                answer = json_response({"detail": detail}, status)
        await answer(scope, receive, send)


async def freeze_again_and_again(faults: Faults) -> None:
    """Stand still for ``freeze_s`` at the end of each ``freeze_every_s``, until cancelled."""
    while True:
        await asyncio.sleep(faults.freeze_every_s - faults.freeze_s)
        time.sleep(faults.freeze_s)  # noqa: ASYNC251 - to hold up the loop, and all it serves, is the purpose
