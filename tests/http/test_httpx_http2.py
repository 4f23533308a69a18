"""HTTP/2 on httpx's own transport: measured as our own connections are, against a real server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.events import ConnectionTerminated, RequestReceived

from pytest_loadtest.core.outcome import Outcome
from tests.http.conftest import Run
from tests.http.fakes import FakeOwner
from tests.http.http2_server import AUTHORITY, http2_server
from tests.http.servers import Behaviour, Peer, serving
from tests.http.test_httpx_transport import httpx_client_for
from tests.http.tls_contexts import server_context, trusting


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with http2_server(tmp_path_factory.mktemp("http2")) as address:
        yield address


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
def test_requests_are_multiplexed_and_measured(run: Run, url: str) -> None:
    async def scenario() -> None:
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner):
            owner.start_delay_ns = 7
            first = await client.get("/echo", params={"a": 1}, headers={"X-A": "b"})
            seen = first.json()
            assert (first.http_version, seen["version"], seen["method"]) == ("HTTP/2", "2", "GET")
            assert ["x-a", "b"] in seen["headers"]
            answers = await asyncio.gather(*(client.post("/items/7", json={"n": n}) for n in range(10)))
            assert [answer.json()["body"] for answer in answers] == [f'{{"n":{n}}}' for n in range(10)]
            recorder = owner.recorder
            assert recorder.names == ["GET /echo"] + ["POST /items/{id}"] * 10
            assert recorder.outcomes == [Outcome.OK] * 11
            assert [request.delay_ns for request in recorder.requests] == [7] + [0] * 10
            for request in recorder.requests:
                assert request.started_ns <= request.sent_ns <= request.first_byte_ns <= request.finished_ns
                assert request.bytes_received > 0
            connects = [ns for _, _, ns, _ in recorder.connections if ns]
            handshakes = [ns for _, _, _, ns in recorder.connections if ns]
            assert (len(connects), len(handshakes)) == (1, 1)
            assert abs(first.elapsed.total_seconds() * 1e9 - _duration(recorder.requests[0])) < 2000

    run(scenario())


def _duration(request: Any) -> int:
    duration: int = request.finished_ns - request.started_ns
    return duration


async def _get(client: httpx.AsyncClient, url: str, **how: Any) -> httpx.Response:
    return await client.get(url, **how)


SOON = httpx.Timeout(10, read=0.05)
Row = tuple[str, str, dict[str, Any], Any, list[Outcome]]
ENDS: list[Row] = [
    ("an unexpected status", "/status/503", {}, 503, [Outcome.STATUS]),
    ("an expected one", "/status/402", {"extensions": {"expect": {402}}}, 402, [Outcome.OK]),
    ("a redirect that is followed", "/redirect", {"follow_redirects": True}, 200, [Outcome.OK] * 2),
    ("no answer in time", "/hang", {"timeout": SOON}, httpx.ReadTimeout, [Outcome.TIMEOUT]),
    ("half an answer in time", "/drip", {"timeout": SOON}, httpx.ReadTimeout, [Outcome.TIMEOUT]),
    ("too large a body", "/big/70000", {}, httpx.RemoteProtocolError, [Outcome.TOO_LARGE]),
    ("a body that is too large decoded", "/bomb/70000", {}, httpx.DecodingError, [Outcome.TOO_LARGE]),
    ("a body that does not decode", "/damaged", {}, httpx.DecodingError, [Outcome.DECODING]),
]


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
@pytest.mark.parametrize(("sentence", "path", "how", "ends", "outcomes"), ENDS, ids=[row[0] for row in ENDS])
def test_each_end_has_its_kind_and_the_next_request_works(
    sentence: str,
    path: str,
    how: dict[str, Any],
    ends: Any,
    outcomes: list[Outcome],
    run: Run,
    url: str,
) -> None:
    async def scenario() -> None:
        settings = {"verify": trusting(AUTHORITY), "max_body_bytes": 65536}
        async with httpx_client_for(url, {"http2": True}, **settings) as (client, owner):
            await client.get("/echo")  # the connection is made: a busy machine's handshake takes no time
            if isinstance(ends, int):
                assert (await client.get(path, **how)).status_code == ends
            else:
                with pytest.raises(ends) as raised:
                    await client.get(path, **how)
                assert raised.value.request.url == f"{url}{path}"
            assert owner.recorder.outcomes[1:] == outcomes
            assert (await client.get("/echo")).status_code == 200
            errors = sum(outcome.is_error for outcome in outcomes)
            assert len(owner.recorder.samples) == errors

    run(scenario())


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
@pytest.mark.parametrize(
    ("was_cut", "outcome"),
    [(False, Outcome.CANCELLED), (True, Outcome.CENSORED)],
    ids=["test", "engine"],
)
@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_cancelled_request_is_at_least_as_slow(
    was_cut: bool, outcome: Outcome, path: str, run: Run, url: str
) -> None:
    async def scenario() -> None:
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner):
            await client.get("/echo")
            task = asyncio.ensure_future(_get(client, path))
            for _ in range(50):  # some way into the exchange; whichever, it is recorded the same
                await asyncio.sleep(0)
            owner.was_cut = was_cut
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert owner.recorder.outcomes == [Outcome.OK, outcome]
            owner.was_cut = False
            assert (await client.get("/echo")).status_code == 200

    run(scenario())


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
def test_a_streamed_body_comes_in_parts_and_may_be_left(run: Run, url: str) -> None:
    async def scenario() -> None:
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner):
            async with client.stream("GET", "/parts", extensions={"name": "parts"}) as answer:
                assert owner.recorder.requests == []
                assert [line async for line in answer.aiter_lines()] == ["part0", "part1", "part2"]
            async with client.stream("GET", "/drip") as answer:
                assert await anext(answer.aiter_lines()) == "part0"
            assert owner.recorder.names == ["parts", "GET /drip"]
            assert owner.recorder.outcomes == [Outcome.OK] * 2
            assert owner.recorder.requests[0].bytes_received == len(b"part0\n") * 3

    run(scenario())


def test_a_forgotten_request_is_censored_when_its_user_leaves(url: str) -> None:
    async def scenario() -> None:
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner):
            answer = await client.send(client.build_request("GET", "/drip"), stream=True)
            assert answer.status_code == 200
        assert owner.recorder.outcomes == [Outcome.CENSORED]

    asyncio.run(scenario())


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
def test_streams_that_are_left_do_not_use_up_those_that_the_server_allows(run: Run, url: str) -> None:
    """It allows 100. The requests beside them are not disturbed."""

    async def scenario() -> None:
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner):
            async with client.stream("GET", "/drip", extensions={"name": "beside"}) as beside:
                parts = beside.aiter_raw()
                assert await anext(parts) == b"part0\n"
                for _ in range(60):
                    async with client.stream("GET", "/drip") as answer:
                        assert answer.status_code == 200
                    with pytest.raises(httpx.ReadTimeout):
                        await client.get("/hang", timeout=httpx.Timeout(10, read=0.01))
                assert owner.recorder.names.count("beside") == 0
            for _ in range(3):
                assert (await client.get("/echo")).status_code == 200
            outcomes = [Outcome.OK, Outcome.TIMEOUT] * 60 + [Outcome.OK] * 4
            assert owner.recorder.outcomes == outcomes

    run(scenario())


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
@pytest.mark.parametrize("steps", [0, 10, 50, 98, 99, 100, 110])
def test_a_request_that_is_cancelled_in_the_first_steps_of_a_connection_harms_no_other(
    steps: int, run: Run, url: str
) -> None:
    """httpcore counts the streams in 99 steps of the event loop."""

    async def scenario() -> None:
        async def trace(event: str, _: Any) -> None:
            if event == "http2.send_connection_init.complete":
                is_begun.set()

        is_begun = asyncio.Event()
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner):
            task = asyncio.ensure_future(_get(client, "/hang", extensions={"trace": trace}))
            await is_begun.wait()
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.get("/echo")).status_code == 200
            assert owner.recorder.outcomes == [Outcome.CANCELLED, Outcome.OK]

    run(scenario())


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
def test_a_handshake_that_takes_too_long_leaves_no_socket(run: Run) -> None:
    """A socket that is left is a ResourceWarning, which fails a test."""

    async def scenario() -> None:
        async def silent(peer: Peer) -> None:
            await peer.reader.read(65536)
            assert await peer.reader.read(65536) == b""
            is_closed.set()

        is_closed = asyncio.Event()
        async with serving(silent) as server:
            https = server.url.replace("http:", "https:")
            async with httpx_client_for(https, {"http2": True}) as (client, owner):
                with pytest.raises(httpx.ReadTimeout):
                    await client.get("/", timeout=httpx.Timeout(10, read=0.1))
                await is_closed.wait()
                assert owner.recorder.outcomes == [Outcome.TIMEOUT]

    run(scenario())


def test_secrets_are_not_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with httpx_client_for(url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, _):
            secrets = {"Authorization": "Bearer secret", "apikey": "a secret of more than 20 bytes"}
            await client.get("/redirect", headers={**secrets, "Cookie": "sid=secret"})

    with caplog.at_level(logging.DEBUG):
        asyncio.run(scenario())
    assert {record.name for record in caplog.records} == {"asyncio", "httpx"}
    assert "secret" not in caplog.text
    assert "Path=/" not in caplog.text


def test_a_server_without_http2_is_spoken_to_in_http1(tmp_path: Path) -> None:
    async def scenario() -> None:
        with http2_server(tmp_path, alpn=("http/1.1",)) as url:
            async with httpx_client_for(url, http2=True, verify=trusting(AUTHORITY)) as (client, owner):
                await check(client, owner)

    async def check(client: httpx.AsyncClient, owner: FakeOwner) -> None:
        assert (await client.get("/echo")).http_version == "HTTP/1.1"
        assert owner.recorder.outcomes == [Outcome.OK]

    asyncio.run(scenario())


Address = Callable[[str], str]
UNREACHED: list[tuple[str, Address, Outcome]] = [
    ("nobody listens", lambda url: "https://127.0.0.1:1", Outcome.REFUSED),
    ("no such host", lambda url: "https://nowhere.invalid", Outcome.DNS),
    ("an authority nobody trusts", lambda url: url, Outcome.TLS),
]


@pytest.mark.parametrize(("sentence", "address", "outcome"), UNREACHED, ids=[r[0] for r in UNREACHED])
def test_what_is_not_reached_has_its_kind(
    sentence: str, address: Address, outcome: Outcome, url: str
) -> None:
    async def scenario() -> None:
        async with httpx_client_for(address(url), {"http2": True}) as (client, owner):
            with pytest.raises(httpx.ConnectError):
                await client.get("/")
            assert owner.recorder.outcomes == [outcome]

    asyncio.run(scenario())


def breaking_off(how: Callable[[H2Connection, int], None]) -> Behaviour:
    """Answers the first request with half a body, and then does `how`; further connections work."""

    async def behave(peer: Peer) -> None:
        state = H2Connection(H2Configuration(client_side=False))
        state.initiate_connection()
        while True:
            await peer.send(state.data_to_send())
            for event in state.receive_data(await peer.reader.read(65536)):
                if isinstance(event, RequestReceived):
                    state.send_headers(event.stream_id, [(":status", "200")])
                    if peer.number:
                        state.send_data(event.stream_id, b"whole", end_stream=True)
                    else:
                        state.send_data(event.stream_id, b"half")
                        how(state, event.stream_id)
                elif isinstance(event, ConnectionTerminated):
                    return
            if not peer.number and state.state_machine.state is ConnectionState.CLOSED:
                await peer.send(state.data_to_send())
                return

    return behave


BROKEN: list[tuple[str, Callable[[H2Connection, int], None], Outcome]] = [
    ("the stream is reset", lambda state, stream: state.reset_stream(stream), Outcome.RESET),
    ("the connection is ended", lambda state, _: state.close_connection(), Outcome.CLOSED),
]


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
@pytest.mark.parametrize(("sentence", "how", "outcome"), BROKEN, ids=[row[0] for row in BROKEN])
def test_half_an_answer_is_an_error_of_its_kind(
    sentence: str, how: Callable[[H2Connection, int], None], outcome: Outcome, run: Run
) -> None:
    async def scenario() -> None:
        tls = server_context(AUTHORITY.issue_cert("127.0.0.1"))
        tls.set_alpn_protocols(["h2"])
        async with (
            serving(breaking_off(how), tls=tls) as server,
            httpx_client_for(server.url, {"http2": True}, verify=trusting(AUTHORITY)) as (client, owner),
        ):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/")
            assert owner.recorder.outcomes == [outcome]

    run(scenario())
