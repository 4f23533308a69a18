"""What is recorded of a request and what its caller sees: times, time-outs, the pool, retries, cancelling."""

from __future__ import annotations

import asyncio
import socket
import time
from http import HTTPStatus
from time import perf_counter_ns
from typing import Any

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.error_samples import MOST_OF_BODY
from tests.http.conftest import Run, client_for, until
from tests.http.servers import Peer, Seen, answer, answering, serving
from tests.ports import free_port

MILLISECOND_NS = 1_000_000


async def silent(peer: Peer) -> None:
    await peer.reader.read()


def test_a_request_is_recorded_with_its_times_and_sizes(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with (
            serving(answering(answer(b"body"), seen)) as server,
            client_for(server.url) as (http, owner),
        ):
            before_ns = perf_counter_ns()
            response = await http.post("/api/things/42", params={"q": 1}, json={"a": 1})
            after_ns = perf_counter_ns()
            (request,) = owner.recorder.requests
            assert (request.name, request.outcome, request.status) == (
                "POST /api/things/{id}",
                Outcome.OK,
                200,
            )
            assert before_ns < request.started_ns <= request.sent_ns <= request.finished_ns < after_ns
            assert request.started_ns < request.first_byte_ns <= request.finished_ns
            assert request.bytes_received == len(answer(b"body"))
            head = sum(len(f"{name}: {value}\r\n") for name, value in seen[0].headers)
            assert request.bytes_sent == len("POST /api/things/42?q=1 HTTP/1.1\r\n\r\n") + head + len(
                '{"a":1}'
            )
            elapsed_ns = response.elapsed.total_seconds() * 1e9
            assert elapsed_ns == pytest.approx(request.finished_ns - request.started_ns, abs=1000)

    run(scenario())


def test_a_connection_is_told_once_and_used_again(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, owner):
            for _ in range(3):
                await http.get("/", name="root")
            ((name, _, connect_ns, tls_ns),) = owner.recorder.connections
            assert (name, connect_ns > 0, tls_ns) == ("root", True, 0)
            assert server.connections == 1
            assert owner.recorder.waits == []

    run(scenario())


def test_the_first_request_of_an_iteration_carries_its_start_delay(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            owner.start_delay_ns = 5
            await http.get("/")
            await http.get("/")
            assert [request.delay_ns for request in owner.recorder.requests[1:]] == [5, 0]

    run(scenario())


def test_waiting_for_a_connection_delays_a_request(run: Run) -> None:
    """The first waits to be connected, the second for the first one's answer; both were to go at once."""

    async def scenario() -> None:
        async with (
            serving(answering(answer())) as server,
            client_for(server.url, max_connections_per_host=1) as (http, owner),
        ):
            await asyncio.gather(http.get("/first"), http.get("/second"))
            first, second = owner.recorder.requests
            ((_, _, connect_ns, _),) = owner.recorder.connections
            assert first.delay_ns >= connect_ns > 0
            ((_, waited_ns),) = owner.recorder.waits
            assert second.delay_ns >= waited_ns >= first.finished_ns - first.started_ns
            assert second.started_ns - second.delay_ns < first.started_ns

    run(scenario())


def test_a_time_out_counts_connecting_once(run: Run) -> None:
    """Its full wait is its duration: none of it is a delay, too."""

    async def scenario() -> None:
        async with serving(silent) as server, client_for(server.url) as (http, owner):
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/", timeout=0.25)
            (request,) = owner.recorder.requests
            assert request.delay_ns == 0
            assert request.finished_ns - request.started_ns >= 250 * MILLISECOND_NS

    run(scenario())


@pytest.mark.parametrize(
    ("status", "expect", "outcome"),
    [
        ("200 OK", None, Outcome.OK),
        ("399 Odd", None, Outcome.OK),
        ("400 Bad", None, Outcome.STATUS),
        ("503 Busy", None, Outcome.STATUS),
        ("402 Pay", {200, 402}, Outcome.OK),
        ("201 Created", {200, 402}, Outcome.STATUS),
        ("404 Not Found", 404, Outcome.OK),
        ("200 OK", 404, Outcome.STATUS),
        ("500 Broken", range(500, 600), Outcome.OK),
    ],
)
def test_expect_says_which_statuses_are_successes(
    status: str, expect: Any, outcome: Outcome, run: Run
) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"", status))) as server, client_for(server.url) as (http, owner):
            response = await http.get("/x?token=secret", expect=expect)
            assert response.status_code == int(status[:3]), "an unexpected status is counted, not raised"
            assert owner.recorder.outcomes == [outcome]
            message = f"{status}: GET {server.url}/x"
            samples = [("GET /x", outcome, int(status[:3]), message)] if outcome is Outcome.STATUS else []
            assert owner.recorder.samples == samples

    run(scenario())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b'{"detail":\n  "no  database"}\n', ': {"detail": "no database"}', id="on one line"),
        pytest.param(b"x" * 10_000, f": {'x' * MOST_OF_BODY}", id="only its beginning"),
        pytest.param("\u20ac".encode() * 10_000, ": " + "\u20ac" * MOST_OF_BODY, id="in any language"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00", "", id="nothing of what is no text"),
        pytest.param(b" \n", "", id="nothing of nothing"),
    ],
)
def test_a_sample_has_what_the_server_said(body: bytes, said: str, run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer(body, "500 No"))) as server,
            client_for(server.url) as (http, owner),
        ):
            await http.get("/x")
            assert [message for *_, message in owner.recorder.samples] == [
                f"500 No: GET {server.url}/x{said}"
            ]

    run(scenario())


def test_only_the_first_sample_of_an_error_is_built(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer(b"", "500 No"))) as server,
            client_for(server.url) as (http, owner),
        ):
            await http.get("/x")
            await http.get("/x")
            assert [bool(message) for *_, message in owner.recorder.samples] == [True, False]

    run(scenario())


def test_redirect_hops_are_requests_of_their_own(run: Run) -> None:
    def answers(seen: Seen) -> bytes:
        return answer(b"end") if seen.path == "/end/7" else answer(b"", "302 Found", "Location: /end/7")

    async def scenario() -> None:
        async with serving(answering(answers)) as server, client_for(server.url) as (http, owner):
            await http.get("/start", name="begin", follow_redirects=True, expect={200})
            assert owner.recorder.names == ["begin", "GET /end/{id}"]
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.OK], "a followed redirect is on the way"

    run(scenario())


def test_too_many_redirects_are_an_error_of_the_first_name(run: Run) -> None:
    async def scenario() -> None:
        loop = answering(answer(b"", "302 Found", "Location: /loop"))
        async with serving(loop) as server, client_for(server.url, max_redirects=3) as (http, owner):
            with pytest.raises(httpx.TooManyRedirects, match="more than 3 redirects"):
                await http.get("/loop", name="round", follow_redirects=True)
            assert owner.recorder.outcomes == [Outcome.OK] * 4 + [Outcome.TOO_MANY_REDIRECTS]
            assert owner.recorder.names[-1] == "round"
            assert owner.recorder.samples[0][1] is Outcome.TOO_MANY_REDIRECTS

    run(scenario())


def test_the_challenge_of_digest_authentication_is_no_error(run: Run) -> None:
    def answers(seen: Seen) -> bytes:
        if seen.header("authorization"):
            return answer()
        return answer(b"", "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')

    async def scenario() -> None:
        async with serving(answering(answers)) as server, client_for(server.url) as (http, owner):
            response = await http.get("/", auth=httpx.DigestAuth("u", "p"))
            assert [hop.status_code for hop in (*response.history, response)] == [401, 200]
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.OK]

    run(scenario())


# -- time-outs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0.25, httpx.Timeout(5, read=0.25), (5, 0.25, 5, 5)])
def test_a_time_out_counts_its_whole_wait(timeout: Any, run: Run) -> None:
    async def scenario() -> None:
        async with serving(silent) as server, client_for(server.url) as (http, owner):
            before_ns = perf_counter_ns()
            with pytest.raises(httpx.ReadTimeout, match=r"timed out after \d+\.?\d* s: http"):
                await http.get("/slow", timeout=timeout)
            assert perf_counter_ns() - before_ns >= 250 * MILLISECOND_NS, "never early"
            (request,) = owner.recorder.requests
            assert request.outcome is Outcome.TIMEOUT
            waited_ns = request.finished_ns - request.started_ns
            assert request.started_ns >= before_ns
            (_, lookup_ns, connect_ns, _) = owner.recorder.connections[0]
            assert waited_ns + lookup_ns + connect_ns >= 245 * MILLISECOND_NS, "all but the pool's own time"

    run(scenario())


def test_a_server_that_drips_does_not_extend_the_time_out(run: Run) -> None:
    async def drip(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not peer.writer.is_closing():
            await peer.send(b".")
            await asyncio.sleep(0.01)

    async def scenario() -> None:
        async with serving(drip) as server, client_for(server.url) as (http, owner):
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/slow", timeout=0.25)
            assert owner.recorder.outcomes == [Outcome.TIMEOUT]

    run(scenario())


def test_short_and_long_time_outs_live_side_by_side(run: Run) -> None:
    async def scenario() -> None:
        async with serving(silent) as server, client_for(server.url) as (http, owner):
            in_turn = ["GET /0.1", "GET /0.2", "GET /0.3", "GET /0.4"]
            for _ in range(5):
                calls = [http.get(f"/{t}", timeout=t) for t in (0.4, 0.1, 0.3, 0.2)]
                results = await asyncio.gather(*calls, return_exceptions=True)
                if owner.recorder.names[-4:] == in_turn:
                    break  # else this machine stood still while several of them passed
            assert {type(result) for result in results} == {httpx.ReadTimeout}
            assert owner.recorder.names[-4:] == in_turn

    run(scenario())


def test_no_time_out_at_all(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, _):
            assert (await http.get("/", timeout=None)).status_code == 200

    run(scenario())


def test_connecting_has_a_time_out_of_its_own(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as full:  # a listener whose backlog is full does not answer
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            try:
                async with client_for(f"http://127.0.0.1:{port}") as (http, owner):
                    with pytest.raises(httpx.ConnectTimeout, match="connecting timed out after 0"):
                        await http.get("/", timeout=httpx.Timeout(10, connect=0.05))
                    assert owner.recorder.outcomes == [Outcome.CONNECT_TIMEOUT]
            finally:
                for filler in fillers:
                    filler.close()

    run(scenario())


# -- connections that cannot be made ---------------------------------------------------------------------


def test_a_refused_connection_says_what_and_where(run: Run) -> None:
    async def scenario() -> None:
        url = f"http://127.0.0.1:{free_port()}"
        async with client_for(url) as (http, owner):
            with pytest.raises(httpx.ConnectError) as caught:
                await http.get("/x?key=secret", name="x")
            assert str(caught.value) == f"connection refused: {url}/x"
            assert owner.recorder.outcomes == [Outcome.REFUSED]
            assert owner.recorder.samples == [("x", Outcome.REFUSED, 0, f"connection refused: GET {url}/x")]
            assert owner.recorder.connections == []

    run(scenario())


def test_a_name_that_does_not_resolve(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def scenario() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", fail)
        async with client_for("http://nowhere.invalid") as (http, owner):
            with pytest.raises(httpx.ConnectError, match=r"name not resolved: .*: http://nowhere.invalid/"):
                await http.get("/")
            assert owner.recorder.outcomes == [Outcome.DNS]

    run(scenario())


# -- the pool --------------------------------------------------------------------------------------------


def test_at_most_so_many_connections_and_the_others_wait_in_line(run: Run) -> None:
    open_now = 0
    most = 0

    async def slow(peer: Peer) -> None:
        nonlocal open_now, most
        while True:
            await peer.request()
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0.005)
            open_now -= 1
            await peer.send(answer())

    async def scenario() -> None:
        async with (
            serving(slow) as server,
            client_for(server.url, max_connections_per_host=3) as (http, owner),
        ):
            responses = await asyncio.gather(*[http.get(f"/{i}", name=str(i)) for i in range(12)])
            assert [response.url.path for response in responses] == [f"/{i}" for i in range(12)]
            assert (most, server.connections) == (3, 3)
            assert [name for name, _ in owner.recorder.waits] == [str(i) for i in range(3, 12)]
            assert all(waited_ns > 0 for _, waited_ns in owner.recorder.waits)

    run(scenario())


def test_waiting_in_line_ends_with_the_time_out(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(silent) as server,
            client_for(server.url, max_connections_per_host=1) as (http, owner),
        ):
            first = asyncio.create_task(http.get("/first"))
            await asyncio.sleep(0)
            with pytest.raises(httpx.PoolTimeout, match="waiting for one of 1 connections"):
                await http.get("/second", timeout=0.05)
            assert owner.recorder.outcomes == [Outcome.TIMEOUT]
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    run(scenario())


def test_a_lost_connection_makes_room_for_who_waits(run: Run) -> None:
    async def scenario() -> None:
        async def once(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"ok", "200 OK", "Connection: close"))

        async with (
            serving(once) as server,
            client_for(server.url, max_connections_per_host=2) as (http, owner),
        ):
            await asyncio.gather(*[http.get("/") for _ in range(7)])
            assert owner.recorder.outcomes == [Outcome.OK] * 7
            assert server.connections == 7

    run(scenario())


def test_a_failing_connection_makes_room_for_who_waits(run: Run) -> None:
    async def scenario() -> None:
        url = f"http://127.0.0.1:{free_port()}"
        async with client_for(url, max_connections_per_host=1) as (http, owner):
            results = await asyncio.gather(*[http.get("/") for _ in range(4)], return_exceptions=True)
            assert {type(result) for result in results} == {httpx.ConnectError}
            assert owner.recorder.outcomes == [Outcome.REFUSED] * 4

    run(scenario())


def test_a_cancelled_waiter_does_not_take_its_turn_with_it(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer())) as server,
            client_for(server.url, max_connections_per_host=1) as (http, owner),
        ):
            tasks = [asyncio.create_task(http.get(f"/{i}")) for i in range(4)]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert sorted(owner.recorder.outcomes) == [Outcome.OK] * 3 + [Outcome.CANCELLED]
            assert "waiting=0" in repr(http)

    run(scenario())


def test_trailers_are_no_headers(run: Run) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nLocation: /x\r\n\r\n"

    async def scenario() -> None:
        async with serving(answering(chunked)) as server, client_for(server.url) as (http, _):
            response = await http.get("/")
            assert (response.content, list(response.headers)) == (b"ok", ["transfer-encoding"])

    run(scenario())


# -- giving up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was_cut", "outcome"),
    [(False, Outcome.CANCELLED), (True, Outcome.CENSORED)],
    ids=["by the test", "by the run"],
)
def test_a_cancelled_request_is_recorded_and_its_connection_dropped(
    was_cut: bool, outcome: Outcome, run: Run
) -> None:
    async def scenario() -> None:
        arrived = asyncio.Event()

        async def hang_first(peer: Peer) -> None:
            if peer.number == 0:
                await peer.request()
                arrived.set()
                await peer.reader.read()
            else:
                await answering(answer())(peer)

        async with serving(hang_first) as server, client_for(server.url) as (http, owner):
            task = asyncio.create_task(http.get("/", name="given up"))
            await arrived.wait()
            owner.was_cut = was_cut
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            (request,) = owner.recorder.requests
            assert (request.name, request.outcome) == ("given up", outcome)
            assert request.finished_ns > request.started_ns
            assert request.bytes_sent > 0
            assert [sample[1] for sample in owner.recorder.samples] == ([] if was_cut else [outcome])
            assert (await http.get("/")).status_code == 200
            assert server.connections == 2

    run(scenario())


def test_closing_the_client_ends_its_open_requests(run: Run) -> None:
    async def scenario() -> None:
        async with serving(silent) as server, client_for(server.url) as (http, _):
            task = asyncio.create_task(http.get("/"))
            await until(lambda: "open=1/6" in repr(http))
            await http.aclose()
            with pytest.raises(httpx.RemoteProtocolError, match="the client was closed"):
                await task
            with pytest.raises(RuntimeError, match="has been closed"):
                await http.get("/")
            await http.aclose()

    run(scenario())


def test_closing_the_client_ends_what_waits_in_line_or_is_connecting(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(silent) as server,
            client_for(server.url, max_connections_per_host=1) as (http, owner),
        ):
            tasks = [asyncio.create_task(http.get("/")) for _ in range(3)]
            await until(lambda: "opening=1 waiting=2" in repr(http))
            await http.aclose()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(result) for result in results] == [httpx.RemoteProtocolError] * 3
            assert owner.recorder.outcomes == [Outcome.CENSORED] * 3  # their user has left the load
            await until(lambda: "watching 0" in repr(http._shared))

    run(scenario())


def test_a_repr_shows_state_and_no_secrets(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            url = server.url.replace("http://", "http://user:hunter2@")
            async with client_for(url, headers={"Authorization": "Bearer hunter2"}) as (http, _):
                http.cookies.set("session", "hunter2")
                await http.get("/")
                assert "open=1/6 idle=1" in repr(http)
                assert "hunter2" not in repr(http) + repr(http._shared) + repr(http._shared.settings)

    run(scenario())


def test_an_answer_that_ends_with_its_connection_ends_when_that_does(run: Run) -> None:
    """Until then more of it could have come."""
    closed_ns = 0

    async def scenario() -> None:
        async def close_later(peer: Peer) -> None:
            nonlocal closed_ns
            await peer.request()
            await peer.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
            await asyncio.sleep(0.05)
            closed_ns = time.perf_counter_ns()

        async with serving(close_later) as server, client_for(server.url) as (http, owner):
            assert (await http.get("/")).content == b"all of it"
            assert owner.recorder.requests[0].finished_ns >= closed_ns

    run(scenario())


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/"])
def test_a_redirect_to_what_is_no_url_is_an_error_of_the_first_name(location: str, run: Run) -> None:
    async def scenario() -> None:
        moved = answering(answer(b"", "302 Found", f"Location: {location}"))
        async with serving(moved) as server, client_for(server.url) as (http, owner):
            with pytest.raises((httpx.RemoteProtocolError, httpx.UnsupportedProtocol)):
                await http.get("/", name="moved", follow_redirects=True)
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.PROTOCOL]
            assert owner.recorder.names == ["moved", "moved"]

    run(scenario())


@pytest.mark.parametrize("port", [0, 65_536, 99_999])
def test_a_port_that_is_none_is_not_connected_to(port: int, run: Run) -> None:
    """uvloop would take the lower 16 bits: the load would go elsewhere."""

    async def scenario() -> None:
        async with client_for() as (http, owner):
            with pytest.raises(httpx.InvalidURL, match=f"Invalid port: {port}"):
                await http.get(f"http://127.0.0.1:{port}/")
            assert owner.recorder.requests == []

    run(scenario())


@pytest.mark.parametrize("limits", [{"read": 0.02}, httpx.Timeout(0.02).as_dict()], ids=["one", "all"])
def test_the_time_out_of_an_extension_holds_as_in_httpx(limits: dict[str, float], run: Run) -> None:
    async def scenario() -> None:
        async def never(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer())
            await peer.request()
            await peer.reader.read()

        async with serving(never) as server, client_for(server.url) as (http, owner):
            await http.get("/")  # connected: the time-out is for the answer alone
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/", extensions={"timeout": limits})
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.TIMEOUT]

    run(scenario())


def test_a_response_can_be_closed_as_one_of_httpx(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"ok"))) as server, client_for(server.url) as (http, _):
            response = await http.get("/")
            await response.aclose()
            response.close()
            assert response.content == b"ok"

    run(scenario())


def test_a_request_does_not_stand_behind_the_unsent_rest_of_another(run: Run) -> None:
    """As httpx: a connection whose server answered before it had the whole request is not used again."""

    async def scenario() -> None:
        async def refuse_to_read(peer: Peer) -> None:
            if peer.number == 0:
                await peer.reader.readuntil(b"\r\n\r\n")
                await peer.send(answer(b"", "413 Content Too Large"))
                await asyncio.Event().wait()
            await peer.request()
            await peer.send(answer(b"next"))

        async with serving(refuse_to_read) as server, client_for(server.url) as (http, owner):
            upload = b"x" * 20_000_000  # more than the socket buffers of both sides hold
            assert (await http.post("/", content=upload, expect=413)).status_code == 413
            assert (await http.get("/", timeout=5)).content == b"next"
            assert server.connections == 2
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.OK]

    run(scenario())


def test_a_large_request_that_was_sent_whole_keeps_its_connection(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"ok"))) as server, client_for(server.url) as (http, _):
            for _ in range(3):
                assert (await http.post("/", content=b"x" * 5_000_000)).content == b"ok"
            assert server.connections == 1

    run(scenario())


@pytest.mark.parametrize("expect", ["200", b"200", 200.0, True, {"200"}, [200, None], object()])
def test_an_expectation_that_cannot_be_met_is_said_before_anything_is_sent(expect: Any, run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(), seen)) as server, client_for(server.url) as (http, _):
            with pytest.raises(TypeError, match="expect is a status such as 201 or a container"):
                await http.get("/", expect=expect)
            assert seen == []
            for right in (200, {200}, [200, 201], range(200, 300), HTTPStatus.OK, frozenset({HTTPStatus.OK})):
                await http.get("/", expect=right)

    run(scenario())
