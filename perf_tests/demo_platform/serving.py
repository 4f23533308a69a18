"""The server process itself: a new database in a temporary folder, and uvicorn over it until told to stop.

Two ways to run: in the foreground, for people (it stops at Ctrl-C), and on a socket handed down by a
parent process (``server.py``), where it lives exactly as long as the parent holds its end of a pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn

from .app import create_app
from .database import Database
from .faults import freeze_again_and_again
from .seed import seed
from .settings import Faults, Settings
from .signing import TokenSigner

# Idle keep-alive connections are closed at once; a running request gets this long.
GRACEFUL_SHUTDOWN_S = 2

# Longer than any think time, so that the server never closes a connection just as a request is sent on it.
KEEP_ALIVE_S = 75

# libuv takes one new connection per listening descriptor in each turn of its loop, and under load a turn
# lasts as long as one answer to every open connection: with 314 virtual users the p99 was
# 7.7 s, all of it waiting to be accepted. 8 descriptors of the one socket make it 0.8 s, 32 make it 0.7 s.
LISTENING_DESCRIPTORS = 32


@contextlib.contextmanager
def _server(secret: str, settings: Settings) -> Iterator[_Server]:
    """A server over a freshly seeded database, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="demo-platform-") as folder:
        database = Database(Path(folder) / "platform.sqlite3")
        try:
            seed(database, settings.credits)
            signer = TokenSigner(secret, settings.token_lifetime_s)
            config = uvicorn.Config(
                create_app(database, signer, settings),
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="websockets-sansio",  # the others are on a part of the library that is deprecated
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
                backlog=2048,
            )
            yield _Server(config)
        finally:
            database.close()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: what a signal means differs between the two ways to run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True


def serve_in_foreground(listeners: Sequence[socket.socket], secret: str, settings: Settings) -> None:
    """Serve until Ctrl-C or SIGTERM, the same on each of the sockets."""
    _serve(listeners, secret, settings, stop_signals=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def serve_for_parent(listener: socket.socket, secret: str, settings: Settings, lifeline: int) -> None:
    """Serve until the pipe ``lifeline`` ends, which happens when the parent stops us and when it dies.

    Ctrl-C in a terminal goes to the parent and to us alike. It is ignored here: the load test that it
    interrupts still has requests to finish, and the parent ends us when it is done.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_signals = (signal.SIGTERM, signal.SIGHUP)
    _serve([listener], secret, settings, stop_signals, lifeline)


def _serve(
    listeners: Sequence[socket.socket],
    secret: str,
    settings: Settings,
    stop_signals: tuple[signal.Signals, ...],
    lifeline: int | None = None,
) -> None:
    with _server(secret, settings) as server:
        factory = server.config.get_loop_factory()
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_run(server, listeners, settings.faults, stop_signals, lifeline))


async def _run(
    server: _Server,
    listeners: Sequence[socket.socket],
    faults: Faults,
    stop_signals: tuple[signal.Signals, ...],
    lifeline: int | None,
) -> None:
    loop = asyncio.get_running_loop()
    for number in stop_signals:
        loop.add_signal_handler(number, server.stop)
    if lifeline is not None:
        loop.add_reader(lifeline, _on_lifeline, server, lifeline)
    descriptors = [*listeners]
    for listener in listeners:
        descriptors += [listener.dup() for _ in range(LISTENING_DESCRIPTORS - 1)]
    freezing = loop.create_task(freeze_again_and_again(faults)) if faults.freeze_s else None
    await server.serve(sockets=descriptors)  # which closes them
    if freezing is not None:
        freezing.cancel()


def _on_lifeline(server: _Server, lifeline: int) -> None:
    if os.read(lifeline, 1) == b"":
        asyncio.get_running_loop().remove_reader(lifeline)
        server.stop()
