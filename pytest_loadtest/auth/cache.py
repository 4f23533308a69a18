"""Tokens in a file, between runs and between processes: private to its owner, written whole or not at all.

Owns the file's format, its lock, and what becomes of a file that cannot be used. It does not know when a
token is good enough.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.expiry import as_time
from pytest_loadtest.auth.private_files import exposure_of
from pytest_loadtest.auth.sign_in import Session
from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.errors import ConfigurationError, TokenError

VERSION = 1
# The number of a user's session beside the user: with fewer users than tokens a user has several.
Key = tuple[str, int]

# What another process may need for its sign-ins while it holds the lock; tried this often.
LOCK_PATIENCE_S = 900.0
LOCK_INTERVAL_S = 0.05
# Sessions that have not been used for a month are forgotten; Supabase may keep them longer.
KEPT_S = 30 * 86_400.0


class DamagedError(ValueError):
    """A file's content is not what this version writes."""


class TokenCache:
    """The file of one Supabase project in a folder. Its name has the project's address and key, hashed."""

    def __init__(self, directory: Path, url: str, anon_key: str, clock: Clock) -> None:
        project = hashlib.sha256(f"{url}\n{anon_key}".encode()).hexdigest()[:16]
        self.path = directory / f"supabase-{project}.json"
        self._clock = clock
        self.notes: list[str] = []

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Within the block no other process signs in, or reads what is about to be replaced."""
        # A lock of its own for each block: one object lets its own process in twice.
        lock = FileLock(f"{self.path}.lock", thread_local=False, mode=0o600)
        began_s = self._clock.now_s()
        while not self._try(lock):
            if self._clock.now_s() - began_s > LOCK_PATIENCE_S:
                raise TokenError(
                    f"another process has been making tokens for {LOCK_PATIENCE_S / 60:.0f} minutes "
                    f"and holds {lock.lock_file}: wait for it, or stop it"
                )
            await self._clock.sleep(LOCK_INTERVAL_S)
        try:
            yield
        finally:
            lock.release()

    def _try(self, lock: BaseFileLock) -> bool:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            raise self._unusable(error) from None
        return True

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"tokens cannot be kept in {self.path.parent}: {error.strerror}")

    async def load(self) -> dict[Key, Session]:
        """What is kept, in a thread: it may be under way beside a load. Raises ConfigurationError."""
        return await asyncio.to_thread(self._load)

    async def save(self, sessions: Mapping[Key, Session]) -> None:
        """Keep these and nothing else, all or nothing. Raises ConfigurationError."""
        await asyncio.to_thread(self._save, dict(sessions))

    def _load(self) -> dict[Key, Session]:
        try:
            with self.path.open("rb") as file:
                self._check_privacy(os.fstat(file.fileno()))
                content = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(
                f"the token cache {self.path} cannot be read: {error.strerror}"
            ) from None
        try:
            return _decode(content)
        except DamagedError as error:
            reason = str(error)
        try:
            aside = self._put_aside()
        except OSError as error:
            raise self._unusable(error) from None
        self.notes.append(f"the token cache was damaged ({reason}) and is made anew; the old one is {aside}")
        return {}

    def _check_privacy(self, status: os.stat_result) -> None:
        if exposure := exposure_of(status):
            raise ConfigurationError(
                f"the token cache {self.path} {exposure}, so its tokens are not used: delete it, "
                f"or if you trust it: chmod 600 {self.path}"
            )

    def _put_aside(self) -> Path:
        aside = self.path.with_name(f"{self.path.name}.damaged-{self._clock.now_s():.0f}")
        self.path.replace(aside)
        return aside

    def _save(self, sessions: dict[Key, Session]) -> None:
        oldest_s = self._clock.now_s() - KEPT_S
        content = _encode({key: each for key, each in sessions.items() if each.expires_at_s > oldest_s})
        try:
            self._write(content)
        except OSError as error:
            raise self._unusable(error) from None

    def _write(self, content: bytes) -> None:
        # The folder may be gone: `pytest --cache-clear` in another terminal.
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=self.path.name, dir=self.path.parent)  # mode 0600
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - pathlib opens no descriptors
                file.write(content)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _encode(sessions: Mapping[Key, Session]) -> bytes:
    entries = [{"user": user, "number": number} | asdict(each) for (user, number), each in sessions.items()]
    return json.dumps({"version": VERSION, "tokens": entries}).encode()


def _decode(content: bytes) -> dict[Key, Session]:
    """Raises DamagedError, which quotes nothing of the file."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):  # the second: a thousand brackets
        raise DamagedError("not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("tokens"), list):
        raise DamagedError("no list of tokens")
    if document.get("version") != VERSION:
        raise DamagedError(f"of another version than {VERSION}")
    return dict(_entry(number, each) for number, each in enumerate(document["tokens"], 1))


def _entry(position: int, entry: Any) -> tuple[Key, Session]:
    fields = entry if isinstance(entry, dict) else {}
    texts = [fields.get(name) for name in ("user", "access_token", "refresh_token")]
    times = [as_time(fields.get(name)) for name in ("made_at_s", "expires_at_s")]
    number = fields.get("number")
    is_whole = all(isinstance(text, str) and text for text in texts) and None not in times
    if not is_whole or not isinstance(number, int):
        raise DamagedError(f"token {position} is incomplete")
    user, access_token, refresh_token = map(str, texts)
    declare_secret(access_token)
    declare_secret(refresh_token)
    made_at_s, expires_at_s = (time_s or 0.0 for time_s in times)
    return (user, number), Session(access_token, refresh_token, made_at_s, expires_at_s)
