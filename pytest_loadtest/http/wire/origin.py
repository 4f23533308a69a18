"""Where requests go: scheme, host and port, whether through a proxy, and why not at all. Values only."""

from __future__ import annotations

import re
from typing import Final

import httpx

from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.core.targets import Targets
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.wire.proxy import Fields, Proxy, ProxyRules

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
MAX_PORT: Final = 65_535

# What TLS can ask for and check: labels of 1 to 63 characters, or an address.
_SERVER_NAME: Final = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})*\.?|[0-9A-Fa-f:.]+", re.ASCII)


class Origin:
    """Compared by identity, which is cheap on the hot path: a load test has one object per origin.

    `target_prefix` and `proxy_fields` are what requests say besides when a proxy forwards them: an absolute
    URL, and who is asking. Both are empty otherwise, and in a tunnel, where the target would see them.
    `refusal`: why nothing may be sent there, or None.
    """

    __slots__ = (
        "host",
        "netloc",
        "port",
        "proxy",
        "proxy_fields",
        "refusal",
        "scheme",
        "server_hostname",
        "target_prefix",
        "tls",
        "tunnelled",
    )

    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        netloc: str,
        *,
        server_hostname: str | None = None,
        proxy: Proxy | None = None,
        tunnelled: bool = False,
        refusal: str | None = None,
    ) -> None:
        self.scheme = scheme
        self.host = host  # without brackets, IDNA encoded
        self.port = port
        self.netloc = netloc  # as in the Host field: without a default port
        self.tls = scheme == "https"
        self.server_hostname = server_hostname or host  # sent as SNI, and what the certificate must be for
        self.proxy = proxy
        self.tunnelled = proxy is not None and (self.tls or tunnelled)
        is_forwarded = proxy is not None and not self.tunnelled
        self.target_prefix = str(self) if is_forwarded else ""
        self.proxy_fields: Fields = proxy.fields if proxy is not None and is_forwarded else ()
        self.refusal = refusal

    def __repr__(self) -> str:
        as_whom = f" as {self.server_hostname}" if self.server_hostname != self.host else ""
        through = f" through {self.proxy}" if self.proxy is not None else ""
        return f"<Origin {self}{as_whom}{through}>"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def authority(self) -> str:
        """What a proxy is asked to connect to: host and port, never without the port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def admit(self, owner: RequestOwner) -> None:
        """To be asked before a user's first connection. Where nothing may be sent, the load ends."""
        if self.refusal is not None:
            owner.end_load(ConfigurationError(f"nothing is sent to {self}: {self.refusal}"))


class Origins:
    """Every origin of a load test, one object each. Without `targets` nothing is refused."""

    def __init__(self, proxies: ProxyRules | None = None, targets: Targets | None = None) -> None:
        self._proxies = proxies or ProxyRules()
        self._targets = targets
        self._known: dict[tuple[str, str, int, str | None, bool], Origin] = {}

    def of(self, url: httpx.URL, sni_hostname: str | None = None, *, tunnelled: bool = False) -> Origin:
        """Raises httpx.UnsupportedProtocol or InvalidURL for what is no HTTP URL, in httpx's words first.

        Another `sni_hostname` is another origin: its connections have been made, and checked, for that name.
        So is a `tunnelled` one: through a proxy, it is reached by CONNECT even without TLS.
        """
        if not url.scheme:
            raise httpx.UnsupportedProtocol(
                "Request URL is missing an 'http://' or 'https://' protocol. A path alone needs a base URL: "
                "`api` of an environment in [tool.pytest-loadtest.environments.NAME] of pyproject.toml."
            )
        if url.scheme not in DEFAULT_PORTS:
            raise httpx.UnsupportedProtocol(f"Request URL has an unsupported protocol '{url.scheme}://'.")
        if not url.host:
            raise httpx.UnsupportedProtocol("Request URL has no host.")
        check_port(url)
        scheme, host = url.scheme, url.raw_host.decode("ascii")
        port = url.port or DEFAULT_PORTS[scheme]
        name = sni_hostname if scheme == "https" and sni_hostname and sni_hostname != host else None
        if name is not None and not (isinstance(name, str) and _SERVER_NAME.fullmatch(name)):
            raise httpx.LocalProtocolError(f"Illegal sni_hostname {name!r}")
        key = (scheme, host, port, name, tunnelled)
        if key not in self._known:
            proxy = self._proxies.proxy_for(host)
            self._known[key] = Origin(
                scheme,
                host,
                port,
                url.netloc.decode("ascii"),
                server_hostname=name,
                proxy=proxy,
                tunnelled=tunnelled,
                refusal=self._refusal(host, proxy),
            )
        return self._known[key]

    def _refusal(self, host: str, proxy: Proxy | None) -> str | None:
        """Of the target, or of the proxy, which would get all that is meant for the target."""
        if self._targets is None:
            return None
        reason = self._targets.refusal(host)
        if reason is None and proxy is not None and (reason := self._targets.refusal(proxy.host)) is not None:
            return f"through the proxy {proxy}: {reason}"
        return reason


def check_port(url: httpx.URL) -> None:
    """httpx takes any number; asyncio then raises no OSError, and uvloop connects to another port."""
    if url.port is not None and not 1 <= url.port <= MAX_PORT:
        raise httpx.InvalidURL(f"Invalid port: {url.port}")
