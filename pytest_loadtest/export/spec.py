"""What ``--load-export`` is given: ``KIND[=TARGET][,option=value...]``. Owns the grammar; opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_loadtest.core.redaction import declare_secret, redact
from pytest_loadtest.errors import ConfigurationError

FORMS = {
    "otlp": "otlp or otlp=http://HOST:4318",
    "prometheus": "prometheus=HOST:PORT",
    "influx": "influx=http://HOST:8086/BUCKET",
    "statsd": "statsd=HOST:PORT",
}
# Of each kind: its options and what they may be; the first is the default.
OPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "otlp": {"protocol": ("", "http/protobuf", "grpc")},  # "": as OpenTelemetry's environment variables say
    "prometheus": {"names": ("loadtest", "k6")},
    "influx": {"names": ("loadtest", "k6")},
    "statsd": {"names": ("loadtest", "k6"), "tags": ("yes", "no")},
}
_URLS = ("otlp", "influx")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Spec:
    """One exporter. `url` has no credentials: they are in `user` and `password`, which are never shown."""

    kind: str
    url: str = ""
    host: str = ""
    port: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        target = redact(self.url) or (f"{self.host}:{self.port}" if self.host else "")
        return f"{self.kind}={target}" if target else self.kind

    def option(self, name: str) -> str:
        """Its value, or the default."""
        return self.options.get(name) or OPTIONS[self.kind][name][0]

    @property
    def has_k6_names(self) -> bool:
        """Whether metrics are to be called what k6 calls them."""
        return self.options.get("names") == "k6"


def parse_spec(text: str) -> Spec:
    """Raises ConfigurationError, which says what is allowed."""
    whole, *words = text.strip().split(",")
    kind, _, target = whole.partition("=")
    if kind not in FORMS:
        raise ConfigurationError(f"--load-export {redact(text)!r}: allowed are {'; '.join(FORMS.values())}")
    options = _options(kind, words)
    if kind in _URLS:
        return _with_url(kind, target, options)
    host, port = _address(kind, target)
    return Spec(kind, host=host, port=port, options=options)


def _options(kind: str, words: list[str]) -> dict[str, str]:
    options = {}
    for word in words:
        name, _, value = word.partition("=")
        allowed = OPTIONS[kind].get(name)
        if allowed is None or not value or value not in allowed:
            forms = (f"{known}={'|'.join(filter(None, values))}" for known, values in OPTIONS[kind].items())
            raise ConfigurationError(
                f"--load-export {kind}: {redact(word)!r} is no option of it; there is {', '.join(forms)}"
            )
        options[name] = value
    return options


def _address(kind: str, target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not host or not 0 < number <= _HIGHEST_PORT or "/" in host or "@" in host:
        raise _malformed(kind, target)
    return host.strip("[]"), number


def _with_url(kind: str, target: str, options: dict[str, str]) -> Spec:
    if not target and kind == "otlp":
        return Spec(kind, options=options)
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError:
        raise _malformed(kind, target) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _malformed(kind, target)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    location = f"{host}:{port}" if port is not None else host
    password = unquote(parts.password or "")
    declare_secret(password)
    return Spec(
        kind,
        url=urlunsplit((parts.scheme, location, parts.path, parts.query, "")),
        options=options,
        user=unquote(parts.username or ""),
        password=password,
    )


def _malformed(kind: str, target: str) -> ConfigurationError:
    return ConfigurationError(f"--load-export {kind}: {redact(target)!r} is not as in {FORMS[kind]}")
