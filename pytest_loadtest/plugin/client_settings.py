"""How the ``http`` clients behave, from the values of the chosen environment.

``api`` is their base URL; most of the others are as in httpx, with durations and sizes in the project's
forms. Files and addresses are tried here: what is wrong with them is said before any load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_loadtest.core.environment import Environment
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.units import UnitError, parse_count, parse_duration, parse_size
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.wire.proxy import PROXY_FORMS, ProxyRules
from pytest_loadtest.http.wire.tls import Cert, check_files

_Parser = Callable[[Environment, str, object], Any]


def client_settings(environment: Environment) -> ClientSettings:
    """The settings of the environment's clients. Raises ConfigurationError."""
    values = {
        setting: parse(environment, key, value)
        for key, (setting, parse) in _PARSERS.items()
        if (value := environment.get(key)) is not None
    }
    try:
        return ClientSettings(**values)
    except ConfigurationError as error:
        raise ConfigurationError(f"environment {environment.name!r}: {error}") from None


def has_run_headers(environment: Environment) -> bool:
    """Whether requests say which run and which virtual user they come from. Raises ConfigurationError."""
    return _switch(environment, "run_headers", environment.get("run_headers", False))


def _wrong(environment: Environment, key: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"environment {environment.name!r}: {key}: {redact(problem)}")


def _unit(parse: Callable[[object], int]) -> _Parser:
    def parse_it(environment: Environment, key: str, value: object) -> int:
        try:
            return parse(value)
        except UnitError as error:
            raise _wrong(environment, key, str(error)) from None

    return parse_it


def _url(environment: Environment, key: str, value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(environment, key, f"{redact(repr(value))} is not a URL such as http://localhost:8006")
    if parts.query or parts.fragment:
        problem = f"{redact(repr(value))} has a query or a fragment, to which no path can be appended"
        raise _wrong(environment, key, problem)
    return str(value)


def _headers(environment: Environment, key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(field, str) for field in value.values()):
        raise _wrong(environment, key, "not a table of names and texts")  # the values may be secret
    return value


def _switch(environment: Environment, key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(environment, key, f"{value!r} is neither true nor false")
    return value


def _verify(environment: Environment, key: str, value: object) -> bool | str:
    if not isinstance(value, (bool, str)):
        raise _wrong(environment, key, f"{value!r} is neither true nor false nor a path of certificates")
    if isinstance(value, str):
        _try(environment, key, lambda: check_files(value, None))
    return value


def _cert(environment: Environment, key: str, value: object) -> Cert:
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3 or not all(isinstance(p, str) for p in parts):
        forms = "a path of certificate and key, nor a list of two paths, or of two paths and a password"
        raise _wrong(environment, key, f"neither {forms}")  # the value may hold the password
    cert: Any = parts[0] if len(parts) == 1 else tuple(parts)
    _try(environment, key, lambda: check_files(True, cert))
    checked: Cert = cert
    return checked


def _proxy(environment: Environment, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(environment, key, f"{value!r} is not {PROXY_FORMS}")
    _try(environment, key, lambda: ProxyRules(value))
    return value


def _hosts(environment: Environment, key: str, value: object) -> tuple[str, ...]:
    """A list, or one text with commas as environment variables have it."""
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise _wrong(environment, key, f'{value!r} is not a list of hosts such as ["localhost"]')
    hosts = tuple(entry.strip() for entry in entries if entry.strip())
    _try(environment, key, lambda: ProxyRules(None, hosts))
    return hosts


def _path(environment: Environment, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(environment, key, f"{value!r} is not a path")
    return value


def _try(environment: Environment, key: str, check: Callable[[], object]) -> None:
    try:
        check()
    except ConfigurationError as error:
        raise _wrong(environment, key, str(error)) from None


# What an environment's value is called -> what the client calls it, and how it is read.
_PARSERS: Mapping[str, tuple[str, _Parser]] = {
    "api": ("base_url", _url),
    "timeout": ("timeout_ns", _unit(parse_duration)),
    "connect_timeout": ("connect_timeout_ns", _unit(parse_duration)),
    "headers": ("headers", _headers),
    "follow_redirects": ("follow_redirects", _switch),
    "max_redirects": ("max_redirects", _unit(lambda value: parse_count(value, least=0))),
    "max_connections_per_host": ("max_connections_per_host", _unit(parse_count)),
    "max_body": ("max_body_bytes", _unit(parse_size)),
    "dns_ttl": ("dns_ttl_ns", _unit(parse_duration)),
    "verify": ("verify", _verify),
    "cert": ("cert", _cert),
    "proxy": ("proxy", _proxy),
    "no_proxy": ("no_proxy", _hosts),
    "unix_socket": ("unix_socket", _path),
    "http2": ("http2", _switch),
}
