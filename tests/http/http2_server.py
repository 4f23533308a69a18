"""A real HTTP/2 server over TLS (hypercorn); what it answers is in the path.

/status/503   that status, with the body "status"
/redirect     to /echo
/hang         never answers
/drip         one part of the body, and never another
/parts        three parts
/big/N        N bytes
/damaged      says gzip, and is not
/bomb/N       N bytes, coded with gzip
/as/CODING    the body of the request, said to be coded so
else          JSON: method, path, version of HTTP, header fields, body
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

AUTHORITY = trustme.CA()
Send = Any


async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await _answer(scope, body, send)


async def _live(receive: Any, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _answer(scope: dict[str, Any], body: bytes, send: Send) -> None:
    _, kind, *rest = scope["path"].split("/")
    if kind == "hang":
        await asyncio.Event().wait()
    status = {"redirect": 302, "status": int(rest[0]) if kind == "status" else 0}.get(kind, 200)
    fields = {"redirect": [(b"location", b"/echo"), (b"set-cookie", b"a=1; Path=/")]}.get(kind, [])
    if kind in ("damaged", "bomb"):
        fields = [(b"content-encoding", b"gzip")]
    if kind == "as":
        fields = [(b"content-encoding", rest[0].encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    if kind in ("drip", "parts"):
        for n in range(3 if kind == "parts" else 1):
            await send({"type": "http.response.body", "body": b"part%d\n" % n, "more_body": True})
        if kind == "drip":
            await asyncio.Event().wait()
    content = {"status": b"status", "parts": b"", "as": body}
    if kind in ("big", "bomb"):
        data = b"x" * int(rest[0])
        content = {"big": data, "bomb": gzip.compress(data)}
    await send({"type": "http.response.body", "body": content.get(kind, _echo(scope, body))})


def _echo(scope: dict[str, Any], body: bytes) -> bytes:
    fields = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    seen = {"method": scope["method"], "path": scope["path"], "version": scope["http_version"]}
    return json.dumps(seen | {"headers": fields, "body": body.decode(errors="replace")}).encode()


@contextmanager
def http2_server(folder: Path, *, alpn: tuple[str, ...] = ("h2", "http/1.1")) -> Iterator[str]:
    """Its address. It runs in a thread: what it leaves on its event loop is not the client's."""
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keyfile, config.certfile = str(folder / "key.pem"), str(folder / "cert.pem")
    config.alpn_protocols = list(alpn)
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 0.1  # requests that hang are cut when the tests are over
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    loop.set_exception_handler(lambda _, context: None)  # requests that hang are cancelled
    served = serve(application, config, shutdown_trigger=stop.wait, mode="asgi")
    thread = threading.Thread(target=loop.run_until_complete, args=(served,), name="http2-server")
    thread.start()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
