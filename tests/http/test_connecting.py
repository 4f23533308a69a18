"""Connecting: each address in turn, what cannot be connected to, and whose fault that is."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import trustme

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.failures import EXCEPTION_OF, connect_failure_of
from pytest_loadtest.http.settings import SECOND_NS
from pytest_loadtest.http.wire.resolver import Resolver
from tests.http.conftest import Run, client_for, until
from tests.http.servers import Peer, answer, answering, serving
from tests.http.tls_contexts import server_context, trusting
from tests.ports import free_port


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Every name has these addresses; the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """A listener whose backlog is full: the kernel drops the next SYN, as a firewall would."""
    with socket.socket() as full:
        full.bind((address, port))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex((address, port))
            yield
        finally:
            for filler in fillers:
                filler.close()


# -- addresses ----------------------------------------------------------------------------------------


def test_a_silent_address_leaves_time_for_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each but the last has its share of the connect time-out; afterwards it is not tried again."""

    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            resolving_to(monkeypatch, "127.0.0.3", "127.0.0.1")
            with black_hole("127.0.0.3", server.port):
                url = f"http://two.example:{server.port}"
                async with client_for(url, connect_timeout_ns=2 * SECOND_NS) as (http, owner):
                    first, *others = await asyncio.gather(*[http.get("/") for _ in range(2)])
                    assert first.status_code == 200
                    assert others[0].status_code == 200
                    connect_ns = [times[2] for times in owner.recorder.connections]
                    assert SECOND_NS * 8 // 10 <= max(connect_ns) < 2 * SECOND_NS
                    for _ in range(2):
                        assert await http._shared.resolver.resolve("two.example") == ["127.0.0.1"]

    run(scenario())


def test_when_every_address_is_silent_it_is_a_timeout(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        port = free_port()
        resolving_to(monkeypatch, "127.0.0.3", "127.0.0.4")
        with black_hole("127.0.0.3", port), black_hole("127.0.0.4", port):
            async with client_for(connect_timeout_ns=SECOND_NS // 5) as (http, owner):
                with pytest.raises(httpx.ConnectTimeout):
                    await http.get(f"http://two.example:{port}/")
                assert owner.recorder.outcomes == [Outcome.CONNECT_TIMEOUT]

    run(scenario())


def test_an_address_that_refuses_says_more_than_one_that_cannot_be_reached(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their order: 255.255.255.255 is out of reach for TCP, the other one answers."""

    async def scenario() -> None:
        for addresses in (("255.255.255.255", "127.0.0.1"), ("127.0.0.1", "255.255.255.255")):
            resolving_to(monkeypatch, *addresses)
            async with client_for() as (http, owner):
                with pytest.raises(httpx.ConnectError, match="connection refused"):
                    await http.get(f"http://two.example:{free_port()}/")
                assert owner.recorder.outcomes == [Outcome.REFUSED]

    run(scenario())


@pytest.mark.parametrize(("ttl_ns", "lookups"), [(300 * SECOND_NS, 1), (0, 3)])
def test_how_often_a_name_is_looked_up(
    ttl_ns: int, lookups: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for its time to live, or for each connection; connections that are kept need none."""

    async def closing(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"", "200 OK", "Connection: close"))

    async def scenario() -> None:
        async with serving(closing) as server:
            asked = resolving_to(monkeypatch, "127.0.0.1")
            async with client_for(f"http://one.example:{server.port}", dns_ttl_ns=ttl_ns) as (http, _):
                for _ in range(3):
                    await http.get("/")
            assert asked == ["one.example"] * lookups

    run(scenario())


def test_a_demoted_address_comes_back_at_the_next_lookup(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        resolving_to(monkeypatch, "10.0.0.1", "10.0.0.2")
        resolver = Resolver(ttl_ns=0)
        assert await resolver.resolve("a.example") == ["10.0.0.1", "10.0.0.2"]
        resolver.demote("a.example", "10.0.0.2")
        assert sorted(await resolver.resolve("a.example")) == ["10.0.0.1", "10.0.0.2"]

    run(scenario())


def test_the_turn_goes_on_over_lookups(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that always gives the same order does not get one address all the load."""

    async def scenario() -> None:
        resolving_to(monkeypatch, "10.0.0.1", "10.0.0.2", "10.0.0.3")
        resolver = Resolver(ttl_ns=0)
        firsts = [(await resolver.resolve("a.example"))[0] for _ in range(4)]
        assert firsts == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1"]

    run(scenario())


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_ipv6_address(scheme: str, run: Run) -> None:
    async def scenario() -> None:
        authority = trustme.CA()
        tls = server_context(authority.issue_cert("::1")) if scheme == "https" else None
        requests: list[Any] = []
        async with serving(answering(answer(b"six"), requests), tls=tls, host="[::1]", bind="::1") as server:
            async with client_for(server.url, verify=trusting(authority)) as (http, _):
                assert (await http.get("/")).text == "six"
            assert requests[0].header("host") == f"[::1]:{server.port}"

    run(scenario())


# -- the generator's own limits -----------------------------------------------------------------------


@contextmanager
def no_files_left() -> Iterator[None]:
    """This process may open no further file or socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as last:
        highest = last.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_generator_out_of_files_is_not_the_targets_fault(host: str, run: Run) -> None:
    """Nor the name server's; with files again, the next request succeeds."""

    async def scenario() -> None:
        async with (
            serving(answering(answer())) as server,
            client_for(f"http://{host}:{server.port}") as (http, owner),
        ):
            await asyncio.to_thread(int)  # the executor's thread needs none, but starting it might
            with no_files_left(), pytest.raises(httpx.ConnectError) as caught:
                await http.get("/")
            said = str(caught.value).replace("Device or resource busy", "Too many open files")  # of look-ups
            assert said.startswith(
                "the generator ran out of sockets or ports: Too many open files; "
                "allow this process more open files (ulimit -n) or use fewer connections: http://"
            )
            assert (await http.get("/")).status_code == 200
            assert owner.recorder.outcomes == [Outcome.GENERATOR, Outcome.OK]

    run(scenario())


def test_an_address_is_not_blamed_for_the_generators_limit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays in the rotation."""

    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            resolving_to(monkeypatch, "127.0.0.1", "127.0.0.2")
            async with client_for(f"http://two.example:{server.port}") as (http, owner):
                with no_files_left(), pytest.raises(httpx.ConnectError):
                    await http.get("/")
                assert (await http.get("/")).status_code == 200
                assert owner.recorder.outcomes == [Outcome.GENERATOR, Outcome.OK]

    run(scenario())


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "fs.file-max"),
        (errno.ENOBUFS, "memory for sockets"),
        (errno.ENOMEM, "more memory"),
        (errno.EADDRNOTAVAIL, "ip_local_port_range"),
    ],
)
def test_what_the_generator_lacks_is_said_with_what_to_do(number: int, advice: str) -> None:
    failure = connect_failure_of(OSError(number, "the system's words"), in_handshake=False)
    assert failure.outcome is Outcome.GENERATOR
    assert failure.phrase.startswith("the generator ran out of sockets or ports: the system's words; ")
    assert advice in failure.phrase
    assert failure.phrase.endswith("use fewer connections")
    assert failure.error is EXCEPTION_OF[Outcome.GENERATOR] is httpx.ConnectError


# -- giving up ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_cancelled_attempt_leaves_no_socket(scheme: str, run: Run) -> None:
    """Cancelled after any number of turns of the event loop: all that the server saw is closed."""

    async def scenario() -> None:
        open_connections = 0

        async def behave(peer: Peer) -> None:
            nonlocal open_connections
            open_connections += 1
            try:
                while await peer.reader.read(1000):
                    pass
            finally:
                open_connections -= 1

        authority = trustme.CA()
        tls = server_context(authority.issue_cert("127.0.0.1")) if scheme == "https" else None
        async with serving(behave, tls=tls) as server:
            async with client_for(server.url, verify=trusting(authority)) as (http, _):
                for n_turns in range(25):
                    request = asyncio.create_task(http.get("/"))
                    for _ in range(n_turns):
                        await asyncio.sleep(0)
                    request.cancel()
                    await asyncio.gather(request, return_exceptions=True)
            await until(lambda: open_connections == 0)

    run(scenario())
