"""TLS: verified unless the settings say otherwise, timed for itself, each failure with its outcome."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.settings import SECOND_NS
from tests.http.conftest import Run, client_for
from tests.http.hostile_answers import CLOSE, CLOSED, HANG, PROTOCOL, RESET, RESETS, TIMEOUT, Step
from tests.http.misbehaving import misbehaving
from tests.http.results import assert_one_error, started_recorder
from tests.http.servers import Behaviour, Peer, answer, answering, serving
from tests.http.tls_contexts import server_context, trusting


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


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


def flawed(authority: trustme.CA, flaw: str) -> trustme.LeafCert:
    if flaw == "unknown authority":
        return trustme.CA().issue_cert("127.0.0.1")
    if flaw == "another host's name":
        return authority.issue_cert("elsewhere.example")
    return authority.issue_cert("127.0.0.1", not_after=EXPIRED)


@pytest.mark.parametrize("flaw", ["unknown authority", "another host's name", "expired"])
def test_a_certificate_with(flaw: str, authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        context = server_context(flawed(authority, flaw))
        async with serving(answering(answer()), tls=context) as server:
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


def test_environment_variables_have_no_effect(
    authority: trustme.CA, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        bundle = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(bundle)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        context = server_context(authority.issue_cert("127.0.0.1"))
        async with (
            serving(answering(answer()), tls=context) as server,
            client_for(server.url) as (http, owner),
        ):
            with pytest.raises(httpx.ConnectError):
                await http.get("/")
            assert owner.recorder.outcomes == [Outcome.TLS]

    run(scenario())


# -- hostile servers -------------------------------------------------------------------------------------

ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure (RFC 8446, section 6)
HUGE_RECORD = b"\x16\x03\x03\xff\xff" + b"a" * 20_000  # a record has at most 2^14 + 256 bytes
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"


async def plain_http(peer: Peer) -> None:
    await peer.send(answer())
    await peer.reader.read()


async def closing_at_once(peer: Peer) -> None:
    """Without a look at what the client says."""


async def closing(peer: Peer) -> None:
    await peer.reader.read(1)


async def resetting(peer: Peer) -> None:
    await peer.reader.read(1)
    peer.reset()


async def refusing(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(ALERT)
    await peer.reader.read()


async def overflowing(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(HUGE_RECORD)
    await peer.reader.read()


async def silent(peer: Peer) -> None:
    await peer.reader.read()
    await asyncio.Event().wait()


async def dripping(peer: Peer) -> None:
    await peer.reader.read(1)
    for byte in b"\x16\x03\x03\x10\x00" + bytes(4096):
        await peer.send(bytes([byte]))
        await asyncio.sleep(0.01)


TLS = (Outcome.TLS, httpx.ConnectError)
CONNECT_TIMEOUT = (Outcome.CONNECT_TIMEOUT, httpx.ConnectTimeout)
IN_THE_HANDSHAKE = [
    ("speaks plain HTTP", plain_http, TLS),
    ("closes before the handshake", closing_at_once, TLS),
    ("closes in the handshake", closing, TLS),
    ("resets in the handshake", resetting, TLS),
    ("refuses the handshake", refusing, TLS),
    ("sends too large a record", overflowing, TLS),
    ("does not shake hands", silent, CONNECT_TIMEOUT),
    ("drips its part of the handshake", dripping, CONNECT_TIMEOUT),
]


async def goes_on_after(
    url: str, authority: trustme.CA, expected: tuple[Outcome, type[Exception]], **settings: Any
) -> None:
    """One error under its kind in the results; then the same user's request to a sane server."""
    outcome, error = expected
    recorder = started_recorder()
    settings.setdefault("verify", trusting(authority))
    context = server_context(authority.issue_cert("127.0.0.1"))
    async with (
        serving(answering(answer(b"sane")), tls=context) as sane,
        client_for(url, **settings) as (http, owner),
    ):
        owner.recorder = recorder
        with pytest.raises(error) as caught:
            await http.get("/bad?secret=1")
        assert type(caught.value) is error
        assert str(caught.value).startswith(outcome.label)
        assert str(caught.value).endswith(f": {url}/bad")
        http.timeout = 10
        assert (await http.get(f"{sane.url}/", name="sane")).text == "sane"
    assert_one_error(recorder, outcome, "GET /bad", "sane")


@pytest.mark.parametrize(
    ("sentence", "behaviour", "expected"), IN_THE_HANDSHAKE, ids=[row[0] for row in IN_THE_HANDSHAKE]
)
def test_a_server_that(
    sentence: str,
    behaviour: Behaviour,
    expected: tuple[Outcome, type[Exception]],
    authority: trustme.CA,
    run: Run,
) -> None:
    async def scenario() -> None:
        async with serving(behaviour) as server:
            url = server.url.replace("http:", "https:")
            timeout_ns = SECOND_NS // 5 if expected is CONNECT_TIMEOUT else 10 * SECOND_NS
            await goes_on_after(url, authority, expected, connect_timeout_ns=timeout_ns)

    run(scenario())


@pytest.mark.parametrize("flaw", ["unknown authority", "another host's name", "expired"])
def test_a_user_goes_on_after_a_certificate_with(flaw: str, authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        context = server_context(flawed(authority, flaw))
        async with serving(answering(answer()), tls=context) as server:
            await goes_on_after(server.url, authority, TLS)

    run(scenario())


def test_no_version_in_common(authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        context = server_context(authority.issue_cert("127.0.0.1"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        verify = trusting(authority)
        verify.minimum_version = ssl.TLSVersion.TLSv1_3
        async with serving(answering(answer()), tls=context) as server:
            async with client_for(server.url, verify=verify) as (http, owner):
                owner.recorder = recorder = started_recorder()
                with pytest.raises(httpx.ConnectError, match="TLS handshake failed: "):
                    await http.get("/bad")
            assert_one_error(recorder, Outcome.TLS, "GET /bad")

    run(scenario())


AFTER_THE_HANDSHAKE = [
    ("closes before any byte", [CLOSE], CLOSED),
    ("closes in a body", [LENGTH + b"abc", CLOSE], CLOSED),
    ("resets in a body", [LENGTH + b"abc", RESET], RESETS),
    ("answers nothing", [HANG], TIMEOUT),
    ("sends no HTTP", [b"220 ready\r\n"], PROTOCOL),
]


@pytest.mark.parametrize(
    ("sentence", "steps", "expected"), AFTER_THE_HANDSHAKE, ids=[row[0] for row in AFTER_THE_HANDSHAKE]
)
def test_a_server_that_after_the_handshake(
    sentence: str,
    steps: list[Step],
    expected: tuple[Outcome, type[Exception]],
    authority: trustme.CA,
    run: Run,
) -> None:
    async def scenario() -> None:
        context = server_context(authority.issue_cert("127.0.0.1"))
        async with serving(misbehaving(steps), tls=context) as server:
            timeout_ns = SECOND_NS // 2 if expected is TIMEOUT else 10 * SECOND_NS
            await goes_on_after(server.url, authority, expected, timeout_ns=timeout_ns)

    run(scenario())
