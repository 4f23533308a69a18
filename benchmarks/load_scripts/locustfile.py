"""Peer: Locust's FastHttpUser without wait time. It has no named checks: a failed one fails its request.

All users share one TLS context. By default each makes its own, and reads all authorities into it though none
is asked: for 64 users that takes 2 s, during which those that have connected wait.
"""

# mypy: disable-error-code="import-not-found, import-untyped"
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# (locust and its gevent are in the extra `bench`, not in `dev`; without it their names are Any)

from __future__ import annotations

from typing import Any

import gevent.ssl
from locust import FastHttpUser, task

TLS = gevent.ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = gevent.ssl.CERT_NONE  # no generator verifies the TLS workload's self-signed certificate


def shared_tls_context(**_authorities: str | None) -> Any:
    return TLS


class Browser(FastHttpUser):
    ssl_context_factory = staticmethod(shared_tls_context)

    @task
    def browse(self) -> None:
        query = {"page": 1, "page_size": 20}
        with self.client.get(
            "/api/store/agents", params=query, name="agents", catch_response=True
        ) as response:
            if response.status_code != 200:
                response.failure("status is not 200")
            elif not len(response.json()["agents"]) > 0:
                response.failure("no agents are listed")
