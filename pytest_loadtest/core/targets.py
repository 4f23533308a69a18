"""Which hosts load may be sent to: this machine and what is configured, and what protects an environment.

Owns the rules and how host names are compared. Must not know requests: a host is text here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from pytest_loadtest.errors import ConfigurationError

ALLOWED_HOSTS: Final = "allowed_hosts"  # the key of an environment

# The authority of a URL (RFC 3986, section 3.2), and the host in it, cut as httpx cuts them.
_AUTHORITY: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://([^/?#]*)")
_HOST_OF_AUTHORITY: Final = re.compile(r"(?:.*@)?(\[.*\]|[^:@]*)")
_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")  # that IDNA takes for a full stop (RFC 3490, section 3.1)
_NAME: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
_UNKNOWN_YET: Final = "${"  # a variable of another environment that is not set


def host_of(url: str) -> str:
    """The host of an absolute URL, in the form in which hosts are compared; empty if it has none."""
    authority = _AUTHORITY.match(url)
    if authority is None:
        return ""
    host = _HOST_OF_AUTHORITY.match(authority[1])
    return canonical(host[1]) if host else ""


def canonical(host: str) -> str:
    """One spelling of a host: lower case, ASCII, without brackets or trailing dot; addresses shortened."""
    name = _DOTS.sub(".", host.lower()).removeprefix("[").removesuffix("]").removesuffix(".")
    address = _address(name)
    return ".".join(map(_ascii_label, name.split("."))) if address is None else str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address written as one of IPv6 is the same host."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _ascii_label(label: str) -> str:
    """As IDNA 2008 writes it; whether the label is a right one is for who looks it up."""
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"


def is_loopback(host: str) -> bool:
    """Whether a canonical host is this machine and no other."""
    address = _address(host)
    return f".{host}".endswith(".localhost") if address is None else address.is_loopback


@dataclass(frozen=True, slots=True)
class _Hosts:
    """Those of one environment. `endings` are of the names that a pattern covers: ``.example.org``."""

    environment: str
    is_protected: bool
    names: frozenset[str]
    endings: tuple[str, ...]

    @classmethod
    def of(cls, environment: str, values: Mapping[str, Any], *, is_protected: bool) -> _Hosts:
        listed = list(_listed(environment, values.get(ALLOWED_HOSTS)))
        names = {*_hosts_in(values), *(host for host in listed if not host.startswith("*"))}
        endings = tuple(host[1:] for host in listed if host.startswith("*"))
        return cls(environment, is_protected, frozenset(names), endings)


@dataclass(frozen=True, slots=True)
class Targets:
    """The rules of one session. Who is named outranks who is covered by a pattern; among equals the chosen
    environment comes first, then the protected ones, then all others.
    """

    chosen: str
    _ranked: tuple[_Hosts, ...]

    @classmethod
    def of(
        cls, chosen: str, environments: Mapping[str, Mapping[str, Any]], allowed: Collection[str] = ()
    ) -> Targets:
        """From the configured environments, of which `allowed` are opted in to. Raises ConfigurationError."""
        every = [
            _Hosts.of(
                name,
                values,
                is_protected=bool(values.get("protected")) and name != chosen and name not in allowed,
            )
            for name, values in environments.items()
        ]
        every.sort(key=lambda hosts: (hosts.environment != chosen, not hosts.is_protected))
        return cls(chosen, tuple(every))

    def refusal(self, host: str) -> str | None:
        """Why nothing may be sent to this host; None if something may."""
        name = canonical(host)
        if is_loopback(name):
            return None
        hosts = self._covering(name)
        if hosts is None:
            return f"{name!r} is in no configured environment; {self._remedy(name)}"
        if hosts.is_protected:
            environment = hosts.environment
            return (
                f"{name!r} belongs to environment {environment!r}, which is protected: "
                f"load on it needs --load-allow {environment}"
            )
        return None

    def _covering(self, name: str) -> _Hosts | None:
        by_name = (hosts for hosts in self._ranked if name in hosts.names)
        by_pattern = (hosts for hosts in self._ranked if name.endswith(hosts.endings))
        return next(by_name, None) or next(by_pattern, None)

    def _remedy(self, name: str) -> str:
        if not self.chosen:
            return "if load may go there, configure one: [tool.pytest-loadtest.environments.NAME]"
        return f'if load may go there, give environment {self.chosen!r} {ALLOWED_HOSTS} = ["{name}"]'


def _hosts_in(value: object) -> Iterator[str]:
    """Of every URL in an environment's values, however deep."""
    if isinstance(value, str):
        if host := host_of(value):
            yield host
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _hosts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _hosts_in(inner)


def _listed(environment: str, value: object) -> Iterator[str]:
    """What an environment allows besides: a list, or one text with commas, as variables have it."""
    entries = value.split(",") if isinstance(value, str) else [] if value is None else value
    if not isinstance(entries, (list, tuple)):
        raise _wrong(environment, value)
    for entry in entries:
        if not isinstance(entry, str):
            raise _wrong(environment, entry)
        if entry.strip() and _UNKNOWN_YET not in entry:
            yield _allowed_host(environment, entry.strip())


def _allowed_host(environment: str, entry: str) -> str:
    is_pattern = entry.startswith("*.")
    host = canonical(entry.removeprefix("*."))
    if not (_NAME.fullmatch(host) or (_address(host) and not is_pattern)):
        raise _wrong(environment, entry)
    return f"*.{host}" if is_pattern else host


def _wrong(environment: str, entry: object) -> ConfigurationError:
    return ConfigurationError(
        f"environment {environment!r}: {ALLOWED_HOSTS}: {entry!r} is not a host such as "
        '"cdn.example.com", "10.0.0.7", or "*.example.org" for all names below it'
    )
