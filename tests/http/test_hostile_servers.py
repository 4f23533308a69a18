"""What a misbehaving server's answer becomes: an outcome, an exception of httpx, a client that goes on.

Each row for a body that is read at once and for one that is streamed, on both event loops.
"""

from __future__ import annotations

import tracemalloc

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for, until
from tests.http.hostile_answers import CASES, HEAVY, SLOW, Case
from tests.http.misbehaving import misbehaving
from tests.http.odd_answers import GOOD, HEADS, Good
from tests.http.results import SECOND_NS, assert_one_error, started_recorder
from tests.http.servers import Peer, answer, answering, serving

MIB = 1024 * 1024
MAX_BODY_BYTES = MIB
SHORT_NS = 80_000_000
LONG_NS = 10 * SECOND_NS  # is not to pass, however slow the machine

# The test's server is in the same process. A bomb decodes to 64 MiB, a zstd piece has up to 16.
MAX_MEMORY_BYTES = 40 * MIB

forms = pytest.mark.parametrize("form", ["whole", "streamed"])


async def fetch(
    http: Client, form: str, path: str, method: str = "GET", name: str | None = None
) -> httpx.Response:
    """In one of the two forms; read to the end."""
    if form == "whole":
        return await http.request(method, path, name=name)
    async with http.stream(method, path, name=name) as response:
        await response.aread()
    return response


@forms
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_a_server_that(case: Case, form: str, run: Run) -> None:
    """One error under its kind in the results; then the same user goes on, here and elsewhere."""

    async def scenario() -> None:
        outcome, error = case.expected
        if form == "streamed" and case.streamed is not None:
            outcome, error = case.streamed
        recorder = started_recorder()
        async with (
            serving(misbehaving(case.steps)) as server,
            serving(answering(answer(b"elsewhere"))) as other,
            client_for(server.url, timeout_ns=LONG_NS, max_body_bytes=MAX_BODY_BYTES) as (http, owner),
        ):
            if case.sentence in SLOW:  # the short time-out is not to hold for connecting
                http.timeout = LONG_NS / 1e9
                await fetch(http, form, "/sane")
                http.timeout = SHORT_NS / 1e9
            owner.recorder = recorder
            with measured_memory(case), pytest.raises(error) as caught:
                await fetch(http, form, "/bad?secret=1")
            assert type(caught.value) is error
            assert str(caught.value).endswith(f": {server.url}/bad"), "says where, without the query"
            assert str(caught.value.request.url) == f"{server.url}/bad?secret=1"
            http.timeout = LONG_NS / 1e9
            assert (await fetch(http, form, "/sane")).text == "sane"
            assert (await fetch(http, form, f"{other.url}/", name="elsewhere")).text == "elsewhere"
        assert_one_error(recorder, outcome, "GET /bad", "GET /sane", "elsewhere")

    run(scenario())


class measured_memory:  # noqa: N801 - used as a function is
    """Holds that a heavy case does not make the process grow. Not for the others: it makes Python slow."""

    def __init__(self, case: Case) -> None:
        self._is_on = case.sentence in HEAVY
        for step in case.steps:
            if callable(step):
                step()  # what the server sends is not the client's

    def __enter__(self) -> None:
        if self._is_on:
            tracemalloc.start()

    def __exit__(self, *raised: object) -> None:
        if self._is_on:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < MAX_MEMORY_BYTES


@forms
@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.sentence)
def test_framing(good: Good, form: str, run: Run) -> None:
    """The answer is read whole; the connection is used again exactly when its framing allows it."""

    async def scenario() -> None:
        async with serving(misbehaving(good.steps)) as server, client_for(server.url) as (http, owner):
            for _ in range(2):  # the second time from the cache of heads
                assert (await fetch(http, form, "/framed")).content == good.body
            assert (await http.get("/sane")).text == "sane"
            assert owner.recorder.outcomes == [Outcome.OK] * 3
            assert server.connections == (1 if good.kept else 3)

    run(scenario())


@forms
@pytest.mark.parametrize("good", HEADS, ids=lambda good: good.sentence)
def test_an_answer_to_head(good: Good, form: str, run: Run) -> None:
    async def scenario() -> None:
        async with serving(misbehaving(good.steps)) as server, client_for(server.url) as (http, owner):
            response = await fetch(http, form, "/framed", "HEAD")
            assert (response.status_code, response.content) == (200, b"")
            assert (await http.get("/sane")).text == "sane"
            assert owner.recorder.outcomes == [Outcome.OK] * 2
            assert server.connections == (1 if good.kept else 2)

    run(scenario())


@forms
def test_an_answer_before_the_request_is_never_believed(form: str, run: Run) -> None:
    """On a kept connection."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"sane"))
        if peer.number == 0:
            await peer.send(answer(b"evil"))
        await peer.reader.read()

    async def scenario() -> None:
        async with serving(behave) as server, client_for(server.url) as (http, _):
            assert (await fetch(http, form, "/")).text == "sane"
            await until(lambda: "idle=0" in repr(http))  # the early answer has been read
            assert (await fetch(http, form, "/")).text == "sane"
            assert server.connections == 2

    run(scenario())


@forms
def test_an_answer_before_the_first_request(form: str, run: Run) -> None:
    """Whether it came before the request cannot be known: TCP has no order between its two directions.

    It is taken for the answer or refused, and what the server says next is never believed.
    """

    async def behave(peer: Peer) -> None:
        if peer.number == 0:
            await peer.send(answer(b"early"))
            await peer.request()
            await peer.send(answer(b"evil"))
            await peer.reader.read()
        else:
            await answering(answer(b"sane"))(peer)

    async def scenario() -> None:
        async with serving(behave) as server, client_for(server.url, timeout_ns=LONG_NS) as (http, owner):
            try:
                assert (await fetch(http, form, "/")).text == "early"
            except httpx.RemoteProtocolError:
                assert owner.recorder.outcomes == [Outcome.CLOSED]
            await until(lambda: "idle=0" in repr(http))
            assert (await fetch(http, form, "/")).text == "sane"

    run(scenario())
