"""What a client can be told: limits, time-outs, defaults. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from pytest_loadtest.core.targets import Targets
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.wire.resolver import DEFAULT_TTL_NS
from pytest_loadtest.http.wire.tls import Cert, Verify

SECOND_NS: Final = 1_000_000_000
KIB: Final = 1024
MIB: Final = 1024 * KIB

DEFAULT_TIMEOUT_NS: Final = 60 * SECOND_NS  # as k6; httpx's 5 s would turn slow answers into errors
DEFAULT_MAX_CONNECTIONS_PER_HOST: Final = 6  # as browsers and k6 do
DEFAULT_MAX_REDIRECTS: Final = 20  # as httpx
DEFAULT_MAX_HEADER_BYTES: Final = 64 * KIB
DEFAULT_MAX_BODY_BYTES: Final = 64 * MIB


def user_agent() -> str:
    """``pytest-loadtest/<version>``; without a version where the package runs uninstalled."""
    try:
        return f"pytest-loadtest/{version('pytest-loadtest')}"
    except PackageNotFoundError:
        return "pytest-loadtest"


@dataclass(frozen=True)
class ClientSettings:
    """How the clients of one load test behave. `timeout_ns` bounds a whole request, waiting included."""

    base_url: str = field(default="", repr=False)  # may hold a password
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold secrets
    timeout_ns: int | None = DEFAULT_TIMEOUT_NS
    connect_timeout_ns: int | None = DEFAULT_TIMEOUT_NS
    max_connections_per_host: int = DEFAULT_MAX_CONNECTIONS_PER_HOST
    follow_redirects: bool = False
    max_redirects: int = DEFAULT_MAX_REDIRECTS
    max_header_bytes: int = DEFAULT_MAX_HEADER_BYTES
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    dns_ttl_ns: int = DEFAULT_TTL_NS  # 0: look up for each connection
    verify: Verify = True
    cert: Cert | None = field(default=None, repr=False)  # may hold a password
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    no_proxy: tuple[str, ...] = ()  # hosts, with all names below them
    unix_socket: str | None = None  # a path: all connections go there
    http2: bool = False  # of `httpx_client` only: this package's own connections speak HTTP/1.1
    targets: Targets | None = field(default=None, repr=False)  # where requests may go; None: anywhere
    run_id: str = ""  # if there is one, every request says so and which virtual user sends it

    def __post_init__(self) -> None:
        if self.unix_socket is not None and self.proxy is not None:
            raise ConfigurationError("unix_socket and proxy at once: connections can go to one of them only")
