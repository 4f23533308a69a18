"""Where the service key comes from: a value, a command, or the process environment. Read when it is needed.

The key may do everything in a Supabase project. It is never in a message; what a command printed on its
error output is, redacted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping

from pytest_loadtest.auth.failures import one_line
from pytest_loadtest.auth.token import can_be_sent
from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.errors import ConfigurationError

VARIABLE = "SUPABASE_SERVICE_KEY"
# Enough for a command that asks a cluster, and for a person who has to confirm it somewhere.
COMMAND_TIMEOUT_S = 60.0
# The key is looked at late, so its variable may still stand there.
_NOT_SET = re.compile(r"\$\{(\w+)\}")


class ServiceKey:
    """The key, and in words where it is from."""

    def __init__(
        self,
        value: str | None = None,
        command: str | None = None,
        environ: Mapping[str, str] | None = None,
        timeout_s: float = COMMAND_TIMEOUT_S,
    ) -> None:
        if value and command:
            raise ConfigurationError("service_key and service_key_command are both given: one of them it is")
        if value:
            declare_secret(value)
        self._value = value
        self._command = command
        self._environ = os.environ if environ is None else environ
        self._timeout_s = timeout_s
        self._known: str | None = None

    @property
    def origin(self) -> str:
        """Where it is from."""
        if self._value:
            return "service_key"
        return "service_key_command" if self._command else f"the environment variable {VARIABLE}"

    async def get(self) -> str:
        """The key. Raises ConfigurationError."""
        if self._known is None:
            self._known = self._checked(await self._read())
        return self._known

    async def _read(self) -> str:
        if self._value:
            if missing := _NOT_SET.search(self._value):
                raise ConfigurationError(f"service_key: the environment variable {missing[1]} is not set")
            return self._value
        if self._command:
            return await _output_of(self._command, self._timeout_s)
        if self._environ.get(VARIABLE):
            return self._environ[VARIABLE]
        raise ConfigurationError(
            "creating users takes Supabase's service key, and there is none: give service_key "
            f'(as "${{VARIABLE}}"), or service_key_command, or the environment variable {VARIABLE}'
        )

    def _checked(self, text: str) -> str:
        key = text.strip()
        declare_secret(key)
        if not can_be_sent(key):
            raise ConfigurationError(
                f"{self.origin} gives {len(key.splitlines())} lines or a text with spaces, not a key"
            )
        return key


async def _output_of(command: str, timeout_s: float) -> str:
    """What a shell command prints. In a shell, because it usually is a pipe (``kubectl ... | base64 -d``)."""
    process = await asyncio.create_subprocess_shell(
        command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    failure = "service_key_command"
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await process.communicate()
    except TimeoutError:
        raise ConfigurationError(f"{failure} did not end within {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            await _kill(process)
    said = f": {one_line(errors.decode(errors='replace'))}" if errors.strip() else ""
    if process.returncode:
        raise ConfigurationError(f"{failure} failed with exit status {process.returncode}{said}")
    if not output.strip():
        raise ConfigurationError(f"{failure} printed nothing{said}")
    return output.decode(errors="replace")


async def _kill(process: Process) -> None:
    """The shell and everything it started: the parts of a pipe outlive their shell."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()
