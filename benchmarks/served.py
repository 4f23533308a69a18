"""What nginx serves: its configuration, the bodies, and the certificate of the TLS workload.

Must not start nginx nor know who asks it.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.workloads import GZIP, PLAIN, TARGET_PATH, TLS

SMALL_BODY = (
    '{"agents":[{"slug":"mail-sorter","creator_username":"ada","rating":4.5},'
    '{"slug":"invoice-reader","creator_username":"grace","rating":4.8}],"pagination":{"page":1,"total":2}}'
)
LISTING_BYTES = 16 * 1024
GZIP_LEVEL = 6  # gzip's own default
SEED = 20_240_601  # any fixed number: each run serves the same bytes
PROSE = (
    "reads sorts answers letters invoices orders customers each morning and writes short reports about "
    "prices delays stock weather travel meetings for small teams who need them before noon without "
    "opening another tool or asking anyone twice"
)
WORDS = PROSE.split()

CERTIFICATE, KEY, LISTING = "certificate.pem", "key.pem", "agents.json.gz"
CERTIFICATE_DAYS = 2
FOLDER_MODE = (
    0o711  # started by root, nginx reads bodies as `nobody`; the key stays readable to its owner alone
)

# Connections nginx accepts: 2000 idle virtual users, with room for the counters and reconnects.
WORKER_CONNECTIONS = 4096

CONFIGURATION = f"""\
daemon off;
worker_processes 1;
worker_rlimit_nofile {WORKER_CONNECTIONS + 100};
pid nginx.pid;
error_log error.log warn;
events {{{{ worker_connections {WORKER_CONNECTIONS}; multi_accept on; }}}}
http {{{{
    access_log off;
    default_type application/json;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{{servers}}
}}}}
"""

SERVERS = {
    PLAIN: """\
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /stub_status {{ stub_status; }}
        location = {path} {{ return 200 '{body}'; }}
    }}""",
    # One protocol and one cipher, so that all generators have the same work.
    TLS: """\
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {folder}/{certificate};
        ssl_certificate_key {folder}/{key};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        location = {path} {{ return 200 '{body}'; }}
    }}""",
    GZIP: """\
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        open_file_cache max=10 inactive=1h;
        location = {path} {{ alias {folder}/{listing}; etag off; add_header Content-Encoding gzip; }}
    }}""",
}


class CertificateError(Exception):
    """openssl is not installed or refused to make a certificate."""


def write_files(folder: Path, ports: Mapping[str, int]) -> Path:
    """All that nginx reads, for the workloads of `ports`; the path of its configuration."""
    if GZIP in ports:
        (folder / LISTING).write_bytes(gzip.compress(listing(LISTING_BYTES), GZIP_LEVEL, mtime=0))
    if TLS in ports:
        make_certificate(folder)
    folder.chmod(FOLDER_MODE)
    path = folder / "nginx.conf"
    path.write_text(configuration(folder, ports))
    return path


def configuration(folder: Path, ports: Mapping[str, int]) -> str:
    values = {"certificate": CERTIFICATE, "key": KEY, "listing": LISTING, "folder": folder}
    servers = [
        SERVERS[name].format(port=port, path=TARGET_PATH, body=SMALL_BODY, **values)
        for name, port in ports.items()
    ]
    return CONFIGURATION.format(servers="\n".join(servers))


def make_certificate(folder: Path) -> None:
    """A self-signed one and its key, for 127.0.0.1. Raises CertificateError."""
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-days", str(CERTIFICATE_DAYS), "-keyout", str(folder / KEY), "-out", str(folder / CERTIFICATE)),
    ]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CertificateError("openssl is not installed: apt-get install openssl") from None
    if made.returncode != 0:
        raise CertificateError(f"openssl made no certificate: {made.stderr[-300:]}")


def listing(size: int) -> bytes:
    """A page of agents as a store's API answers it, of exactly `size` bytes, the same each time."""
    chance = random.Random(SEED)
    agents = [_agent(chance)]
    while len(_page(agents)) < size:
        agents.append(_agent(chance))
    # The last agent is dropped if it goes past the size, and the description before it filled up to it.
    agents.pop()
    room = size - len(_page(agents))
    agents[-1]["description"] += _text(chance, room)[:room]
    return _page(agents)


def _page(agents: list[dict[str, Any]]) -> bytes:
    page = {"agents": agents, "pagination": {"current_page": 1, "page_size": 20, "total_items": 412}}
    return json.dumps(page, separators=(",", ":")).encode()


def _agent(chance: random.Random) -> dict[str, Any]:
    slug = "-".join(chance.sample(WORDS, 3))
    return {
        "slug": slug,
        "agent_name": slug.replace("-", " ").title(),
        "creator_username": f"{chance.choice(WORDS)}{chance.randrange(1000)}",
        "image": f"https://images.example/{chance.getrandbits(96):024x}.png",
        "sub_heading": _text(chance, 60),
        "description": _text(chance, 500),
        "runs": chance.randrange(100_000),
        "rating": chance.randrange(50) / 10,
    }


def _text(chance: random.Random, at_least: int) -> str:
    words = chance.choices(WORDS, k=2)
    while len(" ".join(words)) < at_least:
        words.append(chance.choice(WORDS))
    return " ".join(words)
