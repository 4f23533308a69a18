"""Ports of tests: those that a program under test is to listen on, and those where nobody listens.

Port 0 would not do: what the system gives so and gets back, it gives to whoever connects next, and beside a
load that is many a second.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"
# Below the ports that systems give by themselves: Linux from 32768 on (ip(7)), others from 49152 (RFC 6335).
CANDIDATES = range(20_000, 32_768)

_dice = random.SystemRandom()  # a seeded one would give the same ports in two processes of one test run


def free_port() -> int:
    """One that is free and stays so until a test takes it."""
    while True:
        port = _dice.choice(CANDIDATES)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:  # somebody's service
                continue
        return port


@contextmanager
def refusing_port() -> Iterator[int]:
    """One where nobody listens, and nobody else can until the block ends."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield int(bound.getsockname()[1])
