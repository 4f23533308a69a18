"""nginx serves every workload as its description says, and what it does not serve is found before a run."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.served import (
    CERTIFICATE,
    KEY,
    LISTING_BYTES,
    CertificateError,
    listing,
    make_certificate,
    write_files,
)
from benchmarks.target import CounterReader, Target, TargetError, check_answer, running_target
from benchmarks.workloads import GZIP, PLAIN, TLS, WORKLOADS_BY_NAME

needs_nginx = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("nginx", "openssl", "taskset")),
    reason="needs nginx, openssl and taskset",
)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    core = min(os.sched_getaffinity(0))
    with running_target(core, WORKLOADS_BY_NAME) as running:
        yield running


def fetch(url: str, context: ssl.SSLContext | None = None) -> tuple[bytes, str | None]:
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:
        return answer.read(), answer.headers["Content-Encoding"]


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@needs_nginx
def test_the_small_answer_is_the_same_over_tcp_and_over_tls(target: Target) -> None:
    plain, _ = fetch(target.url(PLAIN))
    encrypted, _ = fetch(target.url(TLS), unverified())
    assert plain == encrypted
    assert len(json.loads(plain)["agents"]) == 2


@needs_nginx
def test_a_client_that_verifies_refuses_the_certificate(target: Target) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(target.url(TLS))


@needs_nginx
def test_the_large_body_comes_compressed_and_is_16_kib(target: Target) -> None:
    body, coding = fetch(target.url(GZIP))
    assert coding == "gzip"
    assert gzip.decompress(body) == listing(LISTING_BYTES)


@needs_nginx
def test_the_requests_of_all_workloads_are_counted_and_the_readings_are_not(target: Target) -> None:
    with CounterReader(target.port) as counters:
        counters.read()
        for workload in WORKLOADS_BY_NAME:
            fetch(target.url(workload), unverified() if workload == TLS else None)
            counters.read()
        assert counters.read().requests == len(WORKLOADS_BY_NAME)


@needs_nginx
def test_what_is_not_served_is_an_error_that_names_it(target: Target) -> None:
    with pytest.raises(TargetError, match=r"gives no agents at .*/nothing: HTTP Error 404"):
        check_answer(f"{target.origin()}/nothing")


@needs_nginx
def test_only_what_is_asked_for_is_served() -> None:
    with running_target(min(os.sched_getaffinity(0))) as running:
        assert running.ports.keys() == {PLAIN}


def test_the_large_body_is_the_same_each_time_and_compresses_like_text() -> None:
    body = listing(LISTING_BYTES)
    assert body == listing(LISTING_BYTES)
    assert len(body) == 16 * 1024
    assert len(json.loads(body)["agents"]) == 20
    assert 0.15 < len(gzip.compress(body)) / len(body) < 0.4


@needs_nginx
def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    write_files(tmp_path, {TLS: 1})
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0
    assert "BEGIN CERTIFICATE" in (tmp_path / CERTIFICATE).read_text()


def test_without_openssl_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CertificateError, match="apt-get install openssl"):
        make_certificate(tmp_path)


@needs_nginx
def test_what_openssl_says_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"openssl made no certificate: .*"):
        make_certificate(tmp_path / "missing")
