"""Both sides of TLS from an authority made for a test, and a target that speaks it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trustme

from tests.http.servers import Seen, Server, answer, answering, serving


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def tls_target(authority: trustme.CA, seen: list[Seen]) -> AsyncIterator[Server]:
    context = server_context(authority.issue_cert("127.0.0.1"))
    async with serving(answering(answer(b"ok"), seen), tls=context) as server:
        yield server
