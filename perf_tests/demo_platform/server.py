"""The platform as a process beside the load tests: started, waited for, stopped.

``running_platform()`` is all that a test needs. The parent binds the socket and hands it down, so no
other process can take the port in between, and a connection made before the server is ready waits in
the socket's queue. The child lives as long as the parent holds the pipe to its standard input: closing
it stops the child, and the kernel closes it when the parent dies, however it dies.
"""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .options import arguments_of
from .seed import USER_EMAILS, USER_PASSWORD, user_id_of
from .settings import DEFAULT_CREDITS, DEFAULT_TOKEN_LIFETIME_S, NO_FAULTS, Faults, Settings
from .signing import SERVICE_ROLE, TokenSigner

HOST = "127.0.0.1"
BACKLOG = 2048  # a ramp of hundreds of virtual users connects within one turn of the server's loop
USER_IDS = tuple(user_id_of(email) for email in USER_EMAILS)
REPOSITORY = Path(__file__).parents[2]
SECRET_VARIABLE = "DEMO_PLATFORM_JWT_SECRET"

# Start-up takes about 0.5 s, a stop 0.3 s, both mostly waiting for the CPU; a busy CI machine gets far more.
STARTUP_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


class PlatformError(Exception):
    """The platform did not start, or ended by itself. The message holds what it wrote to its error output."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: where it is, and who may sign in."""

    api: str
    supabase_url: str
    pid: int
    supabase_anon_key: str = field(repr=False)
    supabase_service_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    user_emails: tuple[str, ...] = field(default=USER_EMAILS, repr=False)
    user_ids: tuple[str, ...] = field(default=USER_IDS, repr=False)
    user_password: str = field(default=USER_PASSWORD, repr=False)

    @property
    def websocket_url(self) -> str:
        return self.api.replace("http", "ws", 1)


@contextmanager
def running_platform(
    *,
    faults: Faults = NO_FAULTS,
    sign_in_rate: float | None = None,
    token_lifetime_s: int = DEFAULT_TOKEN_LIFETIME_S,
    credits: int = DEFAULT_CREDITS,  # noqa: A002 - the word for it, and no call of the builtin is near
) -> Iterator[Platform]:
    """Start the platform on a free port of the loopback interface; stop it on leaving."""
    settings = Settings(faults, sign_in_rate, token_lifetime_s, credits)
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryFile() as error_output:
        with socket.create_server((HOST, 0), backlog=BACKLOG) as listener:
            port = listener.getsockname()[1]
            process = _start(listener, secret, settings, error_output)
        # The listener is now the child's alone, so if the child dies, connecting fails at once.
        try:
            _wait_until_healthy(port, process, error_output)
            yield _platform(f"http://{HOST}:{port}", process.pid, TokenSigner(secret))
            if process.poll() is not None:
                raise PlatformError(_describe("ended while it was in use", process, error_output))
        finally:
            _stop(process)


def _start(
    listener: socket.socket, secret: str, settings: Settings, error_output: IO[bytes]
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", __package__, f"--listener={listener.fileno()}", *arguments_of(settings)]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, SECRET_VARIABLE: secret},
        pass_fds=[listener.fileno()],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # A file, not a pipe: nobody reads while the load runs, and a full pipe would block the server.
        stderr=error_output,
    )


def _platform(url: str, pid: int, signer: TokenSigner) -> Platform:
    return Platform(
        api=url,
        supabase_url=url,
        pid=pid,
        supabase_anon_key=signer.api_key("anon"),
        supabase_service_key=signer.api_key(SERVICE_ROLE),
        jwt_secret=signer.secret,
    )


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes], error_output: IO[bytes]) -> None:
    """One request is enough: it waits in the socket's queue until the server takes it."""
    connection = http.client.HTTPConnection(HOST, port, timeout=STARTUP_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        with suppress(subprocess.TimeoutExpired):  # a process that has just closed its socket is about to end
            process.wait(1.0)
        raise PlatformError(_describe(f"did not start ({error})", process, error_output)) from error
    finally:
        connection.close()
    if status != 200:
        raise PlatformError(_describe(f"is not healthy (status {status})", process, error_output))


def _describe(what: str, process: subprocess.Popen[bytes], error_output: IO[bytes]) -> str:
    error_output.seek(0)
    written = error_output.read().decode(errors="replace").strip() or "(nothing)"
    state = "still running" if process.returncode is None else f"exit status {process.returncode}"
    return f"the demo platform {what}; {state}; its error output:\n{written}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, and kill if need be; also when the wait is interrupted."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
