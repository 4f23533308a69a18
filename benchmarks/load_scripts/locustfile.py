"""Peer: Locust's FastHttpUser without wait time. It has no named checks: a failed one fails its request."""

# mypy: disable-error-code="import-not-found"
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# (locust is in the extra `bench`, not in `dev`; without it its names are Any)

from __future__ import annotations

from locust import FastHttpUser, task


class Browser(FastHttpUser):
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
