"""Connected Unix sockets. Must not know protocols."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

# A full backlog refuses at once (EAGAIN) where TCP would wait for the server. The pause is as short as a
# timer allows without being felt in connecting times of tens of microseconds under no such load.
RETRY_S: Final = 0.005


async def connected_socket(path: str) -> socket.socket:
    """Waits while the server's backlog is full: the caller bounds the time. Raises OSError.

    Not left to the event loops: asyncio takes a full backlog for a connection, uvloop for an error.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(path)  # never "in progress": it has connected, or it has not
            except BlockingIOError:
                await asyncio.sleep(RETRY_S)
            else:
                return sock
    except BaseException:
        sock.close()
        raise
