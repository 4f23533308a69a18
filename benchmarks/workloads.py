"""The workloads: what the server answers and over what. The iteration is the same in all of them.

A further workload is an entry here, a server in served.py, and its name at the generators that support it.
Must not know who sends the load, nor how nginx is configured.
"""

from __future__ import annotations

from dataclasses import dataclass

TARGET_PATH = "/api/store/agents"
TARGET_QUERY = "page=1&page_size=20"


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    scheme: str
    what: str  # one sentence for readers of the page


PLAIN = "plain"
TLS = "tls"
GZIP = "gzip"

WORKLOADS = (
    Workload(PLAIN, "small answer", "http", "about 170 bytes of JSON over plain TCP"),
    Workload(
        TLS,
        "small answer over TLS",
        "https",
        "the same over TLS 1.3 with AES-128-GCM and a self-signed certificate, which no generator verifies; "
        "connections are kept open, so that it is encryption that is measured and not handshakes",
    ),
    Workload(
        GZIP,
        "16 KiB gzip body",
        "http",
        "16 KiB of JSON, compressed beforehand, with `Content-Encoding: gzip`; every generator that runs it "
        "decompresses and parses each answer, so wrk and hey do not",
    ),
)
WORKLOADS_BY_NAME = {workload.name: workload for workload in WORKLOADS}
