"""A server that answers as Supabase does to the requests that the tests send: GoTrue, PostgREST, a function.

Each row it gives says who asked for it: the token of a sign-in is that of its user.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


def token_for(email: str) -> str:
    """Three parts, as a JSON Web Token has them; nobody checks its signature."""
    claims = {"sub": email, "exp": int(time.time()) + 3600}
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps(claims), "signature"]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def session_of(email: str) -> dict[str, Any]:
    moment = "2026-01-01T00:00:00Z"
    user = {"id": email, "email": email, "aud": "authenticated", "role": "authenticated"}
    user |= {"app_metadata": {}, "user_metadata": {}, "created_at": moment, "updated_at": moment}
    return {
        "access_token": token_for(email),
        "refresh_token": "refresh",
        "token_type": "bearer",
        "expires_in": 3600,
        "user": user,
    }


class SupabaseHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = urlsplit(self.path)
        self.seen.append((f"{self.command} {url.path}", self.headers.get("authorization", "")))
        status, content = self._answer(url.path, parse_qs(url.query), json.loads(body or b"{}"))
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def _answer(self, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if path == "/auth/v1/token" and query["grant_type"] == ["password"]:
            if body["password"] != "right":
                return 400, {
                    "code": 400,
                    "error_code": "invalid_credentials",
                    "msg": "Invalid login credentials",
                }
            return 200, session_of(body["email"])
        if path == "/rest/v1/agents":
            return 200, [
                {"id": 1, "columns": query["select"][0], "limit": query["limit"][0], "asked_by": token}
            ]
        if path == "/rest/v1/rpc/add":
            return 200, body["a"] + body["b"]
        return 404, {"message": "no such relation", "code": "42P01", "hint": None, "details": None}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the argument's name there
        """Say nothing."""


@contextmanager
def supabase_server() -> Iterator[str]:
    """Its address."""
    SupabaseHandler.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), SupabaseHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
