"""Client certificates: shown to who demands one; files that cannot be used are said before any load."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.wire.tls import Cert, check_files
from tests.http.conftest import Run, client_for
from tests.http.servers import Peer, Server, answer, answering, serving
from tests.http.tls_contexts import server_context, trusting


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


PASSWORD = "w0rd-of-the-key"


@asynccontextmanager
async def demanding_server(authority: trustme.CA) -> AsyncIterator[Server]:
    """Lets in only who shows a certificate, and answers with the name in it."""
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)

    async def behave(peer: Peer) -> None:
        names = peer.writer.get_extra_info("peercert")["subjectAltName"]
        await answering(answer(names[0][1].encode()))(peer)

    async with serving(behave, tls=context) as server:
        yield server


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """Of a client's certificate, by what they hold."""
    certificate = authority.issue_cert("client.example")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    contents = {
        "both": certificate.private_key_and_cert_chain_pem.bytes(),
        "certificate": certificate.cert_chain_pems[0].bytes(),
        "key": certificate.private_key_pem.bytes(),
        "encrypted key": encrypted,
        "another key": authority.issue_cert("x.example").private_key_pem.bytes(),
        "no key": b"hello",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in (*contents, "missing")}


CERTIFICATES = [("both",), ("certificate", "key"), ("certificate", "encrypted key", PASSWORD)]


def cert_of(names: tuple[str, ...], files: dict[str, str]) -> Cert:
    first, *others = [files.get(name, name) for name in names]
    return first if not others else (first, *others)  # type: ignore[return-value]  # two or three


@pytest.mark.parametrize("names", CERTIFICATES, ids=" and ".join)
def test_a_client_certificate_is_shown(
    names: tuple[str, ...], files: dict[str, str], authority: trustme.CA, run: Run
) -> None:
    async def scenario() -> None:
        cert = cert_of(names, files)
        check_files(True, cert)
        async with (
            demanding_server(authority) as server,
            client_for(server.url, verify=trusting(authority), cert=cert) as (http, _),
        ):
            assert (await http.get("/")).text == "client.example"

    run(scenario())


def test_a_server_that_demands_a_certificate_lets_nobody_else_in(authority: trustme.CA, run: Run) -> None:
    """In TLS 1.3 the client learns of it only when its handshake is done: the request fails."""

    async def scenario() -> None:
        async with (
            demanding_server(authority) as server,
            client_for(server.url, verify=trusting(authority)) as (http, owner),
        ):
            with pytest.raises(httpx.TransportError):
                await http.get("/")
            assert owner.recorder.outcomes[0] in (Outcome.TLS, Outcome.CLOSED, Outcome.RESET)

    run(scenario())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("missing",), "the client certificate's file '{missing}': No such file or directory"),
        (("certificate", "missing"), "the client certificate's file '{missing}': No such file or directory"),
        (("certificate",), "the client certificate '{certificate}' cannot be used: "),
        (("certificate", "another key"), "with the key '{another key}' cannot be used: key values mismatch"),
        (("certificate", "no key"), "with the key '{no key}' cannot be used: "),
        (("certificate", "encrypted key"), "with the key '{encrypted key}' cannot be used: "),
        (("certificate", "encrypted key", "wr0ng-w0rd-of-key"), "'{encrypted key}' cannot be used: "),
    ],
)
def test_a_certificate_that_cannot_be_used_is_a_mistake_in_the_configuration(
    names: tuple[str, ...], message: str, files: dict[str, str]
) -> None:
    """It names the file and not the password; OpenSSL does not ask for one on the terminal."""
    cert = cert_of(names, files)
    with pytest.raises(ConfigurationError) as caught:
        check_files(True, cert)
    assert message.format(**files) in str(caught.value)
    assert names[-1] not in str(caught.value) or len(names) < 3
    assert names[-1] not in repr(ClientSettings(cert=cert))
    if len(names) == 3:
        assert names[2] not in redact(f"the password was {names[2]}, alas")


@pytest.mark.parametrize("name", ["missing", "no key"])
def test_authorities_that_cannot_be_used_are_a_mistake_in_the_configuration(
    name: str, files: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=f"the authorities in '.*{name}' cannot be used: "):
        check_files(files[name], None)
