"""A server that answers as it is told: what a Supabase does on a bad day, and what is no Supabase at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOMENT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: object = None  # bytes as they are, None: a session
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False


@dataclass
class Supabase:
    """Gives these answers in turn, and sessions from then on."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[Answer, int]:
        with self.lock:
            self.requests.append((path, body))
            return (self.answers.pop(0) if self.answers else Answer()), len(self.requests)


def session(number: int, email: str = "user1@example.com", **changes: object) -> dict[str, object]:
    user: dict[str, object] = {"id": email, "email": email, "aud": "authenticated", "role": "authenticated"}
    metadata: dict[str, object] = {"app_metadata": {}, "user_metadata": {}}
    user = {**user, **metadata, "created_at": MOMENT, "updated_at": MOMENT}
    tokens = {"access_token": f"access-token-{number}", "refresh_token": f"refresh-token-{number}"}
    return {**tokens, "token_type": "bearer", "expires_in": 3600, "user": user, **changes}


def handler_of(supabase: Supabase) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            answer, number = supabase.answer(self.path, body)
            if answer.hangs:
                supabase.stopping.wait(60)
                self.close_connection = True
                return
            content = session(number) if answer.body is None else answer.body
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def date_time_string(self, timestamp: float | None = None) -> str:
            """Another clock than ours: a date in Retry-After counts from here."""
            return "Thu, 01 Jan 2026 00:00:00 GMT"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the argument's name there
            """Say nothing."""

    return Handler


@contextmanager
def fake_supabase(*answers: Answer) -> Iterator[Supabase]:
    supabase = Supabase(answers=list(answers))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(supabase)) as server:
        supabase.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield supabase
        finally:
            supabase.stopping.set()
            server.shutdown()
            thread.join()
