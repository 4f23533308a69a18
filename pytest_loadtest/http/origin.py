"""Where requests go: scheme, host and port. Values only."""

from __future__ import annotations

from typing import Final

import httpx

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Origin:
    """Compared by identity, which is cheap on the hot path: a load test has one object per origin."""

    __slots__ = ("host", "netloc", "port", "scheme", "tls")

    def __init__(self, scheme: str, host: str, port: int, netloc: str) -> None:
        self.scheme = scheme
        self.host = host  # without brackets, IDNA encoded
        self.port = port
        self.netloc = netloc  # as in the Host field: without a default port
        self.tls = scheme == "https"

    def __repr__(self) -> str:
        return f"<Origin {self}>"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


class Origins:
    """Every origin of a load test, one object each."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], Origin] = {}

    def of(self, url: httpx.URL) -> Origin:
        """Raises httpx.UnsupportedProtocol for what is no HTTP URL, with the words of httpx first."""
        if not url.scheme:
            raise httpx.UnsupportedProtocol(
                "Request URL is missing an 'http://' or 'https://' protocol. A path alone needs a base URL: "
                "`api` of an environment in [tool.pytest-loadtest.environments.NAME] of pyproject.toml."
            )
        if url.scheme not in DEFAULT_PORTS:
            raise httpx.UnsupportedProtocol(f"Request URL has an unsupported protocol '{url.scheme}://'.")
        if not url.host:
            raise httpx.UnsupportedProtocol("Request URL has no host.")
        key = (url.scheme, url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS[url.scheme])
        if key not in self._known:
            self._known[key] = Origin(*key, url.netloc.decode("ascii"))
        return self._known[key]
