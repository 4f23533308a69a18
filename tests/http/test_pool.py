"""The pool of one origin by itself: what no server can be made to do in the same pass of the event loop."""

from __future__ import annotations

import asyncio
from typing import cast

from pytest_loadtest.http.wire.connection import Connection
from pytest_loadtest.http.wire.pool import HostPool
from tests.http.conftest import Run, until


class FakeConnection:
    def __init__(self) -> None:
        self.closed = False


async def connect(_pool: HostPool, _timeout_ns: int | None) -> Connection:
    await asyncio.sleep(0)
    return cast(Connection, FakeConnection())


async def acquired(pool: HostPool) -> Connection:
    return await pool.wait() or await pool.open(None, reserved=True)


def test_a_connection_lost_on_its_way_to_who_waits_frees_one_place_not_two(run: Run) -> None:
    """Its place goes to the next in line as it is lost; who was to have it waits again."""

    async def scenario() -> None:
        pool = HostPool(connect, limit=1)
        connection = await pool.open(None)
        users = [asyncio.create_task(acquired(pool)) for _ in range(2)]
        await until(lambda: "waiting=2" in repr(pool))
        pool.release(connection)
        connection.closed = True
        pool.lost(connection)
        await until(lambda: users[1].done())
        assert repr(pool) == "<HostPool open=1/1 idle=0 opening=0 waiting=1>"
        pool.release(users[1].result())
        assert await users[0] is users[1].result()

    run(scenario())


def test_a_connection_that_closes_on_its_way_to_who_waits_is_replaced(run: Run) -> None:
    async def scenario() -> None:
        pool = HostPool(connect, limit=1)
        connection = await pool.open(None)
        user = asyncio.create_task(acquired(pool))
        await until(lambda: "waiting=1" in repr(pool))
        pool.release(connection)
        connection.closed = True
        assert await user is not connection
        pool.lost(connection)
        assert repr(pool) == "<HostPool open=1/1 idle=0 opening=0 waiting=0>"

    run(scenario())
