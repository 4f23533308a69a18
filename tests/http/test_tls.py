"""TLS: verified unless the settings say otherwise, timed for itself, each failure with its outcome."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.settings import SECOND_NS
from tests.http.conftest import Run, client_for
from tests.http.servers import Behaviour, Peer, answer, answering, serving


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_request_over_tls(authority: trustme.CA, run: Run, tmp_path: Path) -> None:
    """Trusted through a context or the file of its authority; the handshake is timed for itself."""

    async def scenario() -> None:
        bundle = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(bundle)
        context = server_context(authority.issue_cert("127.0.0.1"))
        async with serving(answering(answer(b"secret")), tls=context) as server:
            for verify in (trusting(authority), str(bundle)):
                async with client_for(server.url, verify=verify) as (http, owner):
                    for _ in range(3):
                        assert (await http.get("/")).text == "secret"
                    ((_, _, connect_ns, tls_ns),) = owner.recorder.connections
                    assert connect_ns > 0
                    assert tls_ns > 0
                    assert owner.recorder.outcomes == [Outcome.OK] * 3

    run(scenario())


def test_a_big_answer_over_tls(authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        context = server_context(authority.issue_cert("127.0.0.1"))
        body = bytes(range(256)) * 4096
        async with (
            serving(answering(answer(body)), tls=context) as server,
            client_for(server.url, verify=trusting(authority)) as (http, _),
        ):
            assert (await http.get("/")).content == body

    run(scenario())


EXPIRED = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize("flaw", ["unknown authority", "another host's name", "expired"])
def test_a_certificate_with(flaw: str, authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        certificate = {
            "unknown authority": lambda: trustme.CA().issue_cert("127.0.0.1"),
            "another host's name": lambda: authority.issue_cert("elsewhere.example"),
            "expired": lambda: authority.issue_cert("127.0.0.1", not_after=EXPIRED),
        }[flaw]()
        async with serving(answering(answer()), tls=server_context(certificate)) as server:
            async with client_for(server.url, verify=trusting(authority)) as (http, owner):
                with pytest.raises(httpx.ConnectError, match=r"TLS handshake failed: .*127\.0\.0\.1"):
                    await http.get("/")
                assert owner.recorder.outcomes == [Outcome.TLS]
            async with client_for(server.url, verify=False) as (http, owner):
                assert (await http.get("/")).status_code == 200

    run(scenario())


def test_verification_is_on_by_default(authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        context = server_context(authority.issue_cert("127.0.0.1"))
        async with (
            serving(answering(answer()), tls=context) as server,
            client_for(server.url) as (http, owner),
        ):
            with pytest.raises(httpx.ConnectError):
                await http.get("/")
            assert owner.recorder.outcomes == [Outcome.TLS]

    run(scenario())


async def plain_http(peer: Peer) -> None:
    await peer.send(answer())
    await peer.reader.read()


async def closing(peer: Peer) -> None:
    await peer.reader.read(1)


async def silent(peer: Peer) -> None:
    await peer.reader.read()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("behaviour", "timeout_ns", "error", "outcome"),
    [
        (plain_http, 10 * SECOND_NS, httpx.ConnectError, Outcome.TLS),
        (closing, 10 * SECOND_NS, httpx.ConnectError, Outcome.TLS),
        (silent, SECOND_NS // 5, httpx.ConnectTimeout, Outcome.CONNECT_TIMEOUT),
    ],
    ids=["speaks plain HTTP", "closes in the handshake", "does not shake hands"],
)
def test_a_server_that(
    behaviour: Behaviour, timeout_ns: int, error: type[Exception], outcome: Outcome, run: Run
) -> None:
    async def scenario() -> None:
        async with serving(behaviour) as server:
            url = server.url.replace("http:", "https:")
            async with client_for(url, connect_timeout_ns=timeout_ns) as (http, owner):
                with pytest.raises(error):
                    await http.get("/")
                assert owner.recorder.outcomes == [outcome]

    run(scenario())
