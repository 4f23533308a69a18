"""Tokens kept valid beside a load of hours, in virtual time: spread, tried again, shared, and lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.failures import Kind, SignInError
from pytest_loadtest.errors import TokenError
from tests.auth.clocks import NOW_S, JumpingClock, in_virtual_time
from tests.auth.fakes import COMMAND, USERS, FakePool, FakeService, Rule


async def keep_for(pool: FakePool, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await pool.keep_valid()


def test_160_tokens_are_valid_for_a_day_and_never_renewed_all_at_once() -> None:
    async def scenario(clock: Clock) -> None:
        fake = FakeService(clock)
        pool = FakePool(fake, rate="10/s")
        await pool.prepare(160, valid_for_s=86_400)
        keeper = asyncio.create_task(keep_for(pool, 86_400))
        while not keeper.done():
            await asyncio.sleep(60)
            for number in range(1, 161):
                assert (pool.token(number).expires_at_s or 0) > clock.now_s() + 600
        await keeper
        renewals = fake.times_of("refresh")
        assert len(renewals) == pool.authentication.renewals
        assert 160 * 24 <= len(renewals) <= 160 * 2 * 24
        in_each_second = Counter(int(time_s) for time_s in renewals)
        assert max(in_each_second.values()) <= 10
        assert len(fake.times_of("sign in")) == 160

    in_virtual_time(scenario)


def test_where_a_refresh_is_refused_the_user_signs_in_anew() -> None:
    def rule(what: str, user: str) -> None:
        if what == "refresh":
            raise SignInError(Kind.REFUSED, "Invalid Refresh Token: Already Used")

    async def scenario(clock: Clock) -> None:
        fake = FakeService(clock, rule=rule)
        pool = FakePool(fake)
        await pool.prepare(2, valid_for_s=60)
        await keep_for(pool, 3600)
        assert len(fake.times_of("sign in")) == 4
        assert pool.authentication.renewals == 2
        assert pool.token(1).expires_at_s == pytest.approx(NOW_S + 1800 + 3600, abs=5)

    in_virtual_time(scenario)


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED, Kind.UNEXPECTED])
def test_a_renewal_that_fails_is_tried_until_the_token_expires(kind: Kind) -> None:
    async def scenario(clock: Clock) -> None:
        failing = False

        def rule(what: str, user: str) -> None:
            if failing:
                raise SignInError(kind, "it is down", 20.0)

        fake = FakeService(clock, rule=rule)
        pool = FakePool(fake)
        await pool.prepare(1, valid_for_s=60)
        failing = True
        with pytest.raises(TokenError) as raised:
            await pool.keep_valid()
        assert clock.now_s() - NOW_S == pytest.approx(3600, abs=25)
        assert len(fake.times_of("refresh")) > 40, "half an hour, a try each half minute"
        assert str(raised.value) == (
            "the token of user1@example.com expired during the load, and could not be renewed at "
            f"http://supabase.invalid: it is down. When that is mended: {COMMAND}"
        )

    in_virtual_time(scenario)


def test_an_outage_of_ten_minutes_is_outlived() -> None:
    def rule_of(clock: Clock) -> Rule:
        def rule(what: str, user: str) -> None:
            if 1700 < clock.now_s() - NOW_S < 2300:
                raise SignInError(Kind.UNAVAILABLE, "it restarts")

        return rule

    async def scenario(clock: Clock) -> None:
        pool = FakePool(FakeService(clock, rule=rule_of(clock)))
        await pool.prepare(3, valid_for_s=60)
        await keep_for(pool, 7200)
        assert pool.authentication.attempts > pool.authentication.successes
        assert all((pool.token(n).expires_at_s or 0) > clock.now_s() for n in (1, 2, 3))

    in_virtual_time(scenario)


def test_only_the_tokens_of_this_load_are_renewed() -> None:
    async def scenario(clock: Clock) -> None:
        fake = FakeService(clock)
        pool = FakePool(fake)
        await pool.prepare(30, valid_for_s=60)
        await pool.prepare(2, valid_for_s=60)
        await keep_for(pool, 3500)
        assert len(fake.times_of("refresh")) == 2
        await pool.prepare(30, valid_for_s=3600)  # the others, which have nearly expired, go on
        assert len(fake.times_of("refresh")) == 30
        assert len(fake.times_of("sign in")) == 30

    in_virtual_time(scenario)


def test_a_pool_that_was_not_prepared_has_nothing_to_keep() -> None:
    in_virtual_time(lambda clock: keep_for(FakePool(FakeService(clock)), 10_000))


def test_what_another_process_has_renewed_is_taken_over(tmp_path: Path) -> None:
    """Refresh tokens can be used once: of two processes with the same sessions only one may use them."""
    time = JumpingClock()
    fake = FakeService(time.clock())
    ours, theirs = FakePool(fake, cache=tmp_path), FakePool(fake, cache=tmp_path)

    async def until_renewed(pool: FakePool) -> None:
        """Once: the wait for the second time does not end."""
        time.most_waits = len(time.waits) + 1
        before = pool.token(1).access_token
        keeper = asyncio.create_task(pool.keep_valid())
        while len(time.waits) <= time.most_waits:  # noqa: ASYNC110 - of the pool nobody is told
            await asyncio.sleep(0)
        assert pool.token(1).access_token != before
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper

    async def scenario() -> None:
        await ours.prepare(1, valid_for_s=60)
        await theirs.prepare(1, valid_for_s=60)
        await until_renewed(ours)
        renewed_at_s = time.now_s
        await until_renewed(theirs)
        assert theirs.token(1).access_token == ours.token(1).access_token
        assert time.now_s == renewed_at_s
        assert [(what, user) for _, what, user in fake.asked] == [
            ("sign in", USERS[0]),
            ("refresh", USERS[0]),
        ]

    asyncio.run(scenario())
