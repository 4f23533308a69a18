"""TLS settings as a context: whom to trust, and the certificate to show.

What is wrong with the files is the user's configuration and is said as such. Must not know connections.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import httpx

from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.errors import ConfigurationError

Verify = bool | str | ssl.SSLContext
# As httpx: one file with certificate and key, or two, or two and the key's password.
Cert = str | tuple[str, str] | tuple[str, str, str]

ALPN_PROTOCOLS: Final = ["http/1.1"]  # what the client speaks: a server must not choose HTTP/2


def make_context(verify: Verify, cert: Cert | None) -> ssl.SSLContext:
    """Raises ConfigurationError. A context that the caller gave is completed, as httpx does."""
    if isinstance(verify, str):
        context = _trusting(verify)
    else:  # without SSL_CERT_FILE: what is measured does not depend on the shell
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
    if cert is not None:
        _load_certificate(context, cert)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    return context


def check_files(verify: Verify, cert: Cert | None) -> None:
    """Reads the files that are named, and no others: the usual authorities take 44 ms to load."""
    if cert is not None or isinstance(verify, str):
        make_context(verify if isinstance(verify, str) else False, cert)


def _trusting(path: str) -> ssl.SSLContext:
    """A file of certificates, or a folder of them as OpenSSL wants it."""
    try:
        if Path(path).is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"the authorities in {path!r} cannot be used: {_reason(error)}") from None


def _load_certificate(context: ssl.SSLContext, cert: Cert) -> None:
    certificate, *others = (cert,) if isinstance(cert, str) else cert
    key, password = (*others, None, None)[:2]
    if password is not None:
        declare_secret(password)
    for path in (certificate, key):
        _must_be_readable(path)
    try:
        # An empty password, not None: OpenSSL would ask for the one of an encrypted key on the terminal.
        context.load_cert_chain(certificate, key, password or "")
    except OSError as error:
        named = repr(certificate) if key is None else f"{certificate!r} with the key {key!r}"
        raise ConfigurationError(f"the client certificate {named} cannot be used: {_reason(error)}") from None


def _must_be_readable(path: str | None) -> None:
    """OpenSSL does not say which of two files it could not read."""
    try:
        if path is not None:
            Path(path).open("rb").close()
    except OSError as error:
        raise ConfigurationError(f"the client certificate's file {path!r}: {error.strerror}") from None


def _reason(error: OSError) -> str:
    """OpenSSL's own word (``KEY_VALUES_MISMATCH``) as a phrase; it never quotes a password."""
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    if not reason:
        return "not the right format, or the password of the key is wrong or missing"
    return reason.replace("_", " ").lower()
