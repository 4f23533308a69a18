"""The file of kept sessions: reused, topped up, private, repaired, and shared by processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.auth.cache import TokenCache
from pytest_loadtest.auth.failures import Kind, SignInError
from pytest_loadtest.auth.sign_in import Session
from pytest_loadtest.errors import ConfigurationError, TokenError
from tests.auth.clocks import JumpingClock
from tests.auth.fakes import USERS, FakePool, FakeService


@pytest.fixture
def time() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def fake(time: JumpingClock) -> FakeService:
    return FakeService(time.clock())


def prepare(pool: FakePool, vus: int, valid_for_s: float = 60) -> list[str]:
    """The users of the tokens that it has then."""
    asyncio.run(pool.prepare(vus, valid_for_s=valid_for_s))
    return [pool.token(number).user for number in range(1, vus + 1)]


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("*.json")
    return path


def test_what_is_still_valid_is_reused_and_what_is_missing_is_made(fake: FakeService, tmp_path: Path) -> None:
    first, second = FakePool(fake, cache=tmp_path), FakePool(fake, cache=tmp_path)
    assert prepare(first, 2) == USERS[:2]
    assert prepare(second, 5) == [*USERS, *USERS[:2]]
    assert [second.token(n).access_token for n in (1, 2)] == [first.token(n).access_token for n in (1, 2)]
    assert (second.authentication.reused, second.authentication.successes) == (2, 3)
    assert len(fake.asked) == 5
    assert prepare(FakePool(fake, cache=tmp_path), 5) == [*USERS, *USERS[:2]]
    assert len(fake.asked) == 5


def test_what_ends_before_the_load_does_is_refreshed(
    fake: FakeService, time: JumpingClock, tmp_path: Path
) -> None:
    prepare(FakePool(fake, cache=tmp_path), 2)
    time.now_s += 3000
    prepare(FakePool(fake, cache=tmp_path), 2, valid_for_s=300)
    assert [what for _, what, _ in fake.asked] == ["sign in"] * 2
    prepare(FakePool(fake, cache=tmp_path), 2, valid_for_s=1200)
    assert [what for _, what, _ in fake.asked] == ["sign in"] * 2 + ["refresh"] * 2


def test_the_file_is_private_and_whole(fake: FakeService, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    prepare(FakePool(fake, cache=folder), 2)
    assert stat.S_IMODE(the_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads(the_file(folder).read_text())["version"] == 1
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".lock"], "nothing half-written"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(fake: FakeService, tmp_path: Path, mode: int) -> None:
    prepare(FakePool(fake, cache=tmp_path), 1)
    the_file(tmp_path).chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"its mode is {mode:04o}.*chmod 600 {the_file(tmp_path)}"):
        prepare(FakePool(fake, cache=tmp_path), 1)
    assert len(fake.asked) == 1


def test_a_file_of_somebody_else_is_refused(
    fake: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(FakePool(fake, cache=tmp_path), 1)
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(ConfigurationError, match=f"belongs to another user .uid {owner}."):
        prepare(FakePool(fake, cache=tmp_path), 1)


def changed(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def applied(content: bytes) -> bytes:
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return applied


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda content: content[:100], "not JSON", id="cut short"),
        pytest.param(lambda content: b"", "not JSON", id="empty"),
        pytest.param(lambda content: b"\xff" * 10, "not JSON", id="not text"),
        pytest.param(lambda content: b"[" * 100_000, "not JSON", id="all brackets"),
        pytest.param(
            changed(lambda d: d["tokens"][1].update(expires_at_s=10**400)),
            "token 2 is incomplete",
            id="a time of 400 digits",
        ),
        pytest.param(lambda content: b"[]", "no list of tokens", id="a list"),
        pytest.param(
            changed(lambda d: d.update(version=2)), "of another version than 1", id="of a later version"
        ),
        pytest.param(
            changed(lambda d: d["tokens"].append(7)), "token 3 is incomplete", id="a number for a token"
        ),
        pytest.param(
            changed(lambda d: d["tokens"][1].update(expires_at_s="x")), "token 2 is incomplete", id="no time"
        ),
        pytest.param(
            changed(lambda d: d["tokens"][0].pop("refresh_token")), "token 1 is incomplete", id="half a token"
        ),
    ],
)
def test_a_damaged_file_is_kept_aside_and_made_anew(
    fake: FakeService, tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    prepare(FakePool(fake, cache=tmp_path), 2)
    path = the_file(tmp_path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    pool = FakePool(fake, cache=tmp_path)
    prepare(pool, 2)
    (aside,) = tmp_path.glob("*.damaged-*")
    assert pool.notes == [f"the token cache was damaged ({reason}) and is made anew; the old one is {aside}"]
    assert aside.read_bytes() == damaged
    prepare(pool, 2)
    assert pool.notes == []
    assert len(fake.asked) == 4


def test_users_who_are_no_longer_configured_are_not_used_but_kept(fake: FakeService, tmp_path: Path) -> None:
    prepare(FakePool(fake, cache=tmp_path), 3)
    assert prepare(FakePool(fake, cache=tmp_path, users=[USERS[2], "new@example.com"]), 2) == [
        USERS[2],
        "new@example.com",
    ]
    assert len(fake.asked) == 4, "only the new one signs in"
    prepare(FakePool(fake, cache=tmp_path), 3)
    assert len(fake.asked) == 4


def test_what_was_made_before_a_failure_is_kept(fake: FakeService, tmp_path: Path) -> None:
    def rule(what: str, user: str) -> None:
        if user == USERS[2]:
            raise SignInError(Kind.REFUSED, "Invalid login credentials")

    fake.rule = rule
    with pytest.raises(TokenError, match=USERS[2]):
        prepare(FakePool(fake, cache=tmp_path, at_once=1), 3)
    fake.rule = lambda what, user: None
    prepare(FakePool(fake, cache=tmp_path), 3)
    assert len(fake.asked) == 4


def test_two_that_come_at_once_do_not_sign_in_twice(fake: FakeService, tmp_path: Path) -> None:
    """The lock is the file's: for two pools of one process as for two processes."""

    async def scenario() -> None:
        pools = [FakePool(fake, cache=tmp_path) for _ in range(3)]
        await asyncio.gather(*(pool.prepare(9, valid_for_s=60) for pool in pools))
        assert len({pool.token(9).access_token for pool in pools}) == 1

    asyncio.run(scenario())
    assert len(fake.asked) == 9


def test_a_lock_that_is_never_released_is_an_error_that_names_it(
    time: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_loadtest.auth.cache.LOCK_INTERVAL_S", 30.0)

    async def scenario() -> None:
        one, other = (TokenCache(tmp_path, "http://x.invalid", "key", time.clock()) for _ in range(2))
        async with one.locked():
            with pytest.raises(TokenError, match=re.escape(f"for 15 minutes and holds {one.path}.lock")):
                async with other.locked():
                    pytest.fail("it is locked")
        async with other.locked():
            pass

    asyncio.run(scenario())


def test_sessions_that_nobody_used_for_a_month_are_forgotten(time: JumpingClock, tmp_path: Path) -> None:
    async def scenario() -> None:
        cache = TokenCache(tmp_path, "http://x.invalid", "key", time.clock())
        sessions = {
            (user, 0): Session("an-access-token", "a-refresh-token", expires_at_s - 3600, expires_at_s)
            for user, expires_at_s in (("old", time.now_s - 31 * 86_400), ("new", time.now_s - 29 * 86_400))
        }
        await cache.save(sessions)
        assert set(await cache.load()) == {("new", 0)}

    asyncio.run(scenario())


def test_a_folder_that_cannot_be_written(fake: FakeService, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="tokens cannot be kept in"):
        prepare(FakePool(fake, cache=tmp_path / "file"), 1)


def test_a_folder_that_goes_away_in_the_midst_is_made_again(fake: FakeService, tmp_path: Path) -> None:
    def clear(what: str, user: str) -> None:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)

    fake.rule = clear
    prepare(FakePool(fake, cache=tmp_path / "cache"), 1)
    assert stat.S_IMODE(the_file(tmp_path / "cache").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_an_error_that_says_why(fake: FakeService, tmp_path: Path) -> None:
    def block(what: str, user: str) -> None:
        shutil.rmtree(tmp_path / "cache")
        (tmp_path / "cache").write_text("")

    fake.rule = block
    with pytest.raises(ConfigurationError, match=r"tokens cannot be kept in .*/cache: File exists"):
        prepare(FakePool(fake, cache=tmp_path / "cache"), 1)


def test_which_folder_is_used(fake: FakeService, tmp_path: Path) -> None:
    chosen = FakePool(fake, cache=tmp_path / "own")
    none = FakePool(fake, cache=None)
    for pool in (chosen, none):
        pool.cache_in(tmp_path / "plugins")
        prepare(pool, 1)
    assert (tmp_path / "own").exists()
    assert not (tmp_path / "plugins").exists()
