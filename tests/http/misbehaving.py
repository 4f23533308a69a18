"""A server that does the steps of a table in hostile_answers.py, and is sane where it is asked to be."""

from __future__ import annotations

import asyncio

from tests.http.hostile_answers import CLOSE, HANG, RESET, Drip, Endless, Step, Times
from tests.http.servers import Behaviour, Peer, answer

DRIP_S = 0.005


def misbehaving(steps: list[Step]) -> Behaviour:
    """Sane at /sane, else it does the steps after each request."""

    async def behave(peer: Peer) -> None:
        while True:
            seen = await peer.request()
            if seen.path == "/sane":
                await peer.send(answer(b"sane"))
            elif not await misbehave(peer, steps):
                return

    return behave


async def misbehave(peer: Peer, steps: list[Step]) -> bool:
    """Whether the connection is still open afterwards."""
    for step in steps:
        if step == CLOSE:
            return False
        if step == RESET:
            peer.reset()
            return False
        await perform(peer, step)
    return True


async def perform(peer: Peer, step: Step) -> None:
    """The steps that have no end are ended by the client's closing: sending then raises ConnectionError."""
    if step == HANG:
        await peer.reader.read()
    elif isinstance(step, bytes):
        await peer.send(step)
    elif isinstance(step, Times):
        for _ in range(step.times):
            await peer.send(step.block)
    elif isinstance(step, Endless):
        while True:
            await peer.send(step.block)
    elif isinstance(step, Drip):
        for byte in step.data:
            await peer.send(bytes([byte]))
            await asyncio.sleep(DRIP_S)
    elif callable(step):
        await peer.send(step())
